//! Many users in one call: `createuser --csv-import`.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use zebu_model::access::Access;
use zebu_model::{ContextId, GroupId, Scope, UserId};
use zebu_store::shard::accounts::{self, Account};
use zebu_store::shard::groups;
use zebu_store::shard::sequences::{self, Sequence};
use zebu_store::{Place, Plan};

use super::super::contexts::refused;
use super::super::error::{Denied, Error, Result};
use super::super::{Progress, place};
use super::create::{DEFAULT_FOLDERS, inherited, insert_with};
use super::{NewUser, Prepared};
use crate::app::App;
use crate::settle::until_settled;
use crate::unhashed;

/// Users a transaction. Others who write in the context wait as long as one takes.
const BATCH: usize = 200;
/// Passwords hashed at a time by an import that does not leave them for later.
const HASHES_AT_ONCE: usize = 2;

/// Creates users, in order and many a transaction. Rows whose user is there already, the same, are skipped and counted, so an
/// import that was cut off can be given again; with `if_absent` the login name alone decides. Whatever can be refused is refused
/// before the first password is hashed, with the row that it is about (from 1); a row that is refused only then, because
/// somebody was faster, leaves nothing of its batch, and the batches before it. Large imports leave hashing for later, see
/// [`super::super::Settings::hash_later_from`]: their users can sign in at once all the same.
pub async fn import(
    app: &App,
    context: ContextId,
    rows: &[NewUser],
    if_absent: bool,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Progress> {
    let place = place(app, context).await?;
    check(rows)?;
    let threshold = app.config.operator.hash_later_from;
    let later = threshold > 0 && rows.len() >= threshold;
    let import = Import { app, place: &place, if_absent, later };
    let batches = || (1..).step_by(BATCH).zip(rows.chunks(BATCH));
    // Each batch is read and judged once more when it is made. What was found here is not kept for that: hashing in the background
    // changes the principals all the time, so that it would hardly ever stand, and reading again takes 0.5 % of an import of 4,000
    // on SQLite and 1.3 % on MariaDB, with hashing left for later; else much less.
    for (first, batch) in batches() {
        import.fresh(first, batch).await?;
    }
    let mut done = Progress { rows: rows.len(), ..Progress::default() };
    for (first, batch) in batches() {
        let created = until_settled!(import.batch(first, batch).await)?;
        done.created = done.created.saturating_add(created);
        done.existed = done.existed.saturating_add(batch.len().saturating_sub(created));
        app.unhashed.notify_one();
        progress(done);
    }
    Ok(done)
}

/// What all batches of an import have in common.
struct Import<'a> {
    app: &'a App,
    place: &'a Place,
    if_absent: bool,
    later: bool,
}

impl Import<'_> {
    /// The rows of a batch whose users are not there, each with its number; the first is refused that could not be made.
    async fn fresh<'b>(&self, first: usize, batch: &'b [NewUser]) -> Result<Vec<(usize, &'b NewUser)>> {
        let mut tx = self.app.read(self.place).await?;
        let logins: Vec<&str> = batch.iter().map(|new| new.login.as_str()).collect();
        let found = accounts::by_logins(&mut tx, &logins).await?;
        let known: BTreeMap<&str, &Account> = found.iter().map(|a| (a.login.as_str(), a)).collect();
        let mut fresh = Vec::with_capacity(batch.len());
        for (row, new) in (first..).zip(batch) {
            match known.get(new.login.as_str()) {
                None => fresh.push((row, new)),
                Some(account) if self.if_absent || is_same(account, new) => {}
                Some(_) => return Err(refused(row, Denied::LoginTaken { login: new.login.clone() }.into())),
            }
        }
        let names: Vec<&str> = fresh.iter().map(|(_, new)| new.display_name.as_str()).collect();
        let taken = accounts::taken_display_names(&mut tx, &names).await?;
        let inherited = inherited(&mut tx).await?;
        for (row, new) in &fresh {
            resolve(new, &taken, inherited).map_err(|denied| refused(*row, denied.into()))?;
        }
        Ok(fresh)
    }

    /// Creates the users of a batch that are not there; returns how many.
    async fn batch(&self, first: usize, batch: &[NewUser]) -> Result<usize> {
        let fresh = self.fresh(first, batch).await?;
        if fresh.is_empty() {
            return Ok(0);
        }
        // No closure over references: with one, the future of whoever calls this could not be boxed.
        let mut work = Vec::with_capacity(fresh.len());
        for (_, new) in &fresh {
            work.push(prepared(self.app, self.place.context, new, self.later));
        }
        let users: Vec<Prepared> = stream::iter(work).buffered(HASHES_AT_ONCE).try_collect().await?;
        let rows: Vec<usize> = fresh.iter().map(|(row, _)| *row).collect();
        insert_batch(self.app, self.place, &rows, &users).await?;
        Ok(users.len())
    }
}

/// Checks all rows before the first is made.
fn check(rows: &[NewUser]) -> Result<()> {
    let (mut logins, mut names) = (BTreeSet::new(), BTreeSet::new());
    for (row, new) in (1..).zip(rows) {
        let row = |denied: Denied| refused(row, denied.into());
        super::prepare::check(new).map_err(row)?;
        if !logins.insert(new.login.as_str()) {
            return Err(row(Denied::LoginTaken { login: new.login.clone() }));
        }
        if !names.insert(new.display_name.as_str()) {
            return Err(row(Denied::DisplayNameTaken { display_name: new.display_name.clone() }));
        }
    }
    Ok(())
}

/// The module access of a user, if the display name is not one of those that are taken.
fn resolve(
    new: &NewUser,
    taken: &BTreeSet<String>,
    inherited: Access,
) -> std::result::Result<Access, Denied> {
    if taken.contains(&new.display_name) {
        return Err(Denied::DisplayNameTaken { display_name: new.display_name.clone() });
    }
    new.access.resolve(inherited)
}

/// Whether a user who is there is the one of a row. The password is not compared: it may have been changed since.
fn is_same(account: &Account, new: &NewUser) -> bool {
    (&account.display_name, &account.given_name, &account.surname, &account.email)
        == (&new.display_name, &new.given_name, &new.surname, &new.email)
}

async fn prepared(app: &App, context: ContextId, new: &NewUser, later: bool) -> Result<Prepared> {
    let sealed = match later && new.password_hash.is_none() {
        true => unhashed::seal(app, context, &new.login, &new.password.0)?,
        false => None,
    };
    match sealed {
        Some(sealed) => Ok(Prepared::with(app, new, sealed)),
        None => Prepared::of(app, new).await,
    }
}

async fn insert_batch(app: &App, place: &Place, rows: &[usize], users: &[Prepared]) -> Result<()> {
    let mut tx = app.write(place, Plan::changing([Scope::Principals, Scope::Tree])).await?;
    let count = u32::try_from(users.len()).unwrap_or(u32::MAX);
    let logins: Vec<&str> = users.iter().map(|user| user.new.login.as_str()).collect();
    if !accounts::by_logins(&mut tx, &logins).await?.is_empty() {
        // Somebody made one meanwhile: look again who is there.
        return Err(zebu_store::Error::Contended.into());
    }
    let names: Vec<&str> = users.iter().map(|user| user.new.display_name.as_str()).collect();
    let taken = accounts::taken_display_names(&mut tx, &names).await?;
    let inherited = inherited(&mut tx).await?;
    let first = sequences::take(&mut tx, Sequence::Principals, count).await?;
    let folders = sequences::take(&mut tx, Sequence::Folders, count.saturating_mul(DEFAULT_FOLDERS)).await?;
    let folders = (folders..).step_by(DEFAULT_FOLDERS as usize);
    let mut ids = Vec::with_capacity(users.len());
    for (((user, row), id), folders) in users.iter().zip(rows).zip(first..).zip(folders) {
        let row = |error: Error| refused(*row, error);
        let access = resolve(&user.new, &taken, inherited).map_err(|denied| row(denied.into()))?;
        insert_with(&mut tx, UserId(id), folders, user, access, app.now_ms()).await.map_err(row)?;
        ids.push(UserId(id));
    }
    groups::insert_members(&mut tx, GroupId::STANDARD, &ids).await?;
    Ok(tx.commit().await?)
}
