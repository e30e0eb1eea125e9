//! `recalculatefilestoreusage`: what contexts are said to store, compared with what they store, and mended. Right while users
//! write: see `zebu_store::shard::usage::mend`.

use zebu_model::ContextId;
use zebu_store::configdb::contexts as registry;
use zebu_store::configdb::filestores;
use zebu_store::shard::usage;
use zebu_store::{Place, Plan};

use super::error::{Denied, Error, Result};
use super::{Named, contexts, place};
use crate::app::App;
use crate::settle::until_settled;

/// Whose usage to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// One context's.
    Context(Named<ContextId>),
    /// That of all contexts on a file store.
    Filestore(i64),
    /// That of all contexts.
    All,
}

/// What was found of one context, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Which context.
    pub context: ContextId,
    /// What it was said to store.
    pub counted: i64,
    /// What it stores.
    pub used: u64,
}

impl Usage {
    /// Whether that was wrong. It is right by now.
    #[must_use]
    pub fn was_wrong(&self) -> bool {
        u64::try_from(self.counted) != Ok(self.used)
    }
}

/// Compares and mends. Returns what was found of each context that was looked at, by id. A context whose database does not answer
/// keeps none of the others from it; its error is returned in the end.
pub async fn recalculate(app: &App, whose: &Whose) -> Result<Vec<Usage>> {
    let (mut found, mut failed) = (Vec::new(), None);
    for place in places(app, whose).await? {
        match of_one(app, &place).await {
            Ok(usage) => found.push(usage),
            Err(error) => {
                if is_there(app, place.context).await? {
                    failed.get_or_insert(error);
                }
            }
        }
    }
    failed.map_or(Ok(found), Err)
}

async fn places(app: &App, whose: &Whose) -> Result<Vec<Place>> {
    let only = match whose {
        Whose::Context(which) => {
            let id = contexts::id_of(app, which).await?;
            return Ok(vec![place(app, id).await?]);
        }
        Whose::Filestore(id) => Some(*id),
        Whose::All => None,
    };
    let mut tx = app.store.config().await?;
    if let Some(id) = only {
        filestores::by_id(&mut tx, id).await?.ok_or(Denied::FilestoreUnknown { id })?;
    }
    let mut all = registry::all(&mut tx).await?;
    all.retain(|place| only.is_none_or(|id| place.filestore_id == id));
    // Also of those that are disabled.
    Ok(all.into_iter().map(|place| Place { enabled: false, ..place }).collect())
}

/// Of one that was deleted since it was listed there is nothing to say.
async fn is_there(app: &App, context: ContextId) -> Result<bool> {
    match place(app, context).await {
        Ok(_) => Ok(true),
        Err(Error::Denied(Denied::ContextUnknown { .. })) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn of_one(app: &App, place: &Place) -> Result<Usage> {
    // Looked at without holding anybody up: nearly always there is nothing to mend.
    let (counted, used) = {
        let mut tx = app.read(place).await?;
        usage::compare(&mut tx).await?
    };
    let usage = Usage { context: place.context, counted, used };
    if usage.was_wrong() { until_settled!(mend(app, place).await) } else { Ok(usage) }
}

async fn mend(app: &App, place: &Place) -> Result<Usage> {
    let mut tx = app.write(place, Plan::default()).await?;
    let (counted, used) = usage::mend(&mut tx).await?;
    tx.commit().await?;
    Ok(Usage { context: place.context, counted, used })
}
