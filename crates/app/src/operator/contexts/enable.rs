//! `enablecontext`, `disablecontext` and the two for all. When these return, the users are in or out on every node: new
//! requests ask configdb, and the shard keeps out the writes of those that had begun.

use futures_util::{StreamExt, TryStreamExt, stream};
use zebu_model::ContextId;
use zebu_store::Place;
use zebu_store::configdb::contexts::{self as registry, Registered, State as Progress};
use zebu_store::configdb::reasons;
use zebu_store::home::{Home, State};

use super::super::error::{Denied, Result};
use super::super::{Named, place};
use super::find;
use crate::app::App;
use crate::settle::until_settled;

/// Contexts switched at a time.
const AT_ONCE: usize = 4;

/// Lets the users of a context in again. Returns its id.
pub async fn enable(app: &App, which: &Named<ContextId>) -> Result<ContextId> {
    let id = {
        let mut tx = app.store.config().await?;
        find(&mut tx, which).await?.id
    };
    until_settled!(set_home(app, &place(app, id).await?, true).await)?;
    until_settled!(enter(app, id, true, 0).await)?;
    Ok(id)
}

/// Keeps the users of a context out, those signed in too. `reason`: one of `reasons`. Returns its id.
pub async fn disable(app: &App, which: &Named<ContextId>, reason: Option<i64>) -> Result<ContextId> {
    let id = {
        let mut tx = app.store.config().await?;
        find(&mut tx, which).await?.id
    };
    if let Some(id) = reason {
        let mut tx = app.store.config().await?;
        reasons::by_id(&mut tx, id).await?.ok_or(Denied::ReasonUnknown { id })?;
    }
    until_settled!(enter(app, id, false, reason.unwrap_or(0)).await)?;
    until_settled!(set_home(app, &place(app, id).await?, false).await)?;
    Ok(id)
}

/// Lets the users of all contexts in. Returns how many contexts were disabled.
pub async fn enable_all(app: &App) -> Result<usize> {
    let off = those(app, |c| !c.enabled).await?;
    let work = off.iter().copied().map(|id| async move { enable(app, &Named::Id(id)).await });
    stream::iter(work).buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
    Ok(off.len())
}

/// Keeps the users of all contexts out. Returns how many contexts were enabled.
pub async fn disable_all(app: &App, reason: Option<i64>) -> Result<usize> {
    let on = those(app, |c| c.enabled).await?;
    let work = on.iter().copied().map(|id| async move { disable(app, &Named::Id(id), reason).await });
    stream::iter(work).buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
    Ok(on.len())
}

async fn those(app: &App, wanted: impl Fn(&Registered) -> bool) -> Result<Vec<ContextId>> {
    let mut tx = app.store.config().await?;
    let all = registry::registered_all(&mut tx).await?;
    let fitting = all.into_iter().filter(|c| c.state == Progress::Ready && wanted(c));
    Ok(fitting.map(|c| c.id).collect())
}

async fn enter(app: &App, id: ContextId, enabled: bool, reason: i64) -> Result<()> {
    let mut tx = app.store.config_write().await?;
    registry::set_enabled(&mut tx, id, enabled, reason).await?;
    Ok(tx.commit().await?)
}

/// In the shard: waits for the writes under way, and from then on decides for all that come.
async fn set_home(app: &App, place: &Place, enabled: bool) -> Result<()> {
    let mut tx = app.store.hold_home(place).await?;
    // One that moves meanwhile is asked for again, where it is then.
    let lives = tx.home().copied().filter(|home| home.state == State::Lives && home.born == place.born);
    let home = lives.ok_or(zebu_store::Error::Contended)?;
    tx.set(Home { enabled, ..home }).await?;
    Ok(tx.commit().await?)
}
