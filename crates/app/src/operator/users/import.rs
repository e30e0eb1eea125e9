//! Many users in one call: `createuser --csv-import`.

use zebu_model::{ContextId, Scope};
use zebu_store::{Place, Plan};

use super::super::contexts::refused;
use super::super::error::Result;
use super::super::{Progress, place};
use super::create::{insert_new, known};
use super::{NewUser, Prepared};
use crate::app::App;
use crate::settle::until_settled;

/// Users a transaction.
const BATCH: usize = 200;

/// Creates users, in order and many a transaction; stops at the first row that is refused and says which that was (from 1):
/// the batches before it are there. To go on after a stop the same rows can be given again with `if_absent`: those whose login
/// name is there are skipped and counted.
pub async fn import(
    app: &App,
    context: ContextId,
    rows: &[NewUser],
    if_absent: bool,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Progress> {
    let place = place(app, context).await?;
    for (row, new) in (1..).zip(rows) {
        super::prepare::check(new).map_err(|denied| refused(row, denied.into()))?;
    }
    let mut done = Progress { rows: rows.len(), ..Progress::default() };
    for (first, batch) in (1..).step_by(BATCH).zip(rows.chunks(BATCH)) {
        let mut prepared = Vec::with_capacity(batch.len());
        for new in batch {
            prepared.push(Prepared::of(app, new, None).await?);
        }
        let created = until_settled!(insert_batch(app, &place, first, &prepared, if_absent).await)?;
        done.created += created;
        done.existed += batch.len() - created;
        progress(done);
    }
    Ok(done)
}

async fn insert_batch(
    app: &App,
    place: &Place,
    first: usize,
    batch: &[Prepared],
    if_absent: bool,
) -> Result<usize> {
    let mut tx = app.write(place, Plan::changing([Scope::Principals, Scope::Tree])).await?;
    let mut created = 0;
    for (row, user) in (first..).zip(batch) {
        let there = known(&mut tx, &user.new, if_absent).await.map_err(|error| refused(row, error))?;
        if there.is_none() {
            insert_new(&mut tx, user, app.now_ms()).await.map_err(|error| refused(row, error))?;
            created += 1;
        }
    }
    tx.commit().await?;
    Ok(created)
}
