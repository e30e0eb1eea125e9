//! Whether what a client knows by a `timestamp` is of the present line of a context's versions.
//!
//! Versions never go back, but databases do: one that was restored from a backup gives, in time, the same numbers to other
//! changes. And a context that is made under the id of a deleted one has nothing to do with it. So each line has a beginning, the
//! version of [`Scope::History`], and a timestamp from before it is answered "start over".

use zebu_model::{ContextId, Refusal, Scope, Version};
use zebu_store::shard::scopes;
use zebu_store::{Place, Plan, Tx};

use crate::app::App;
use crate::error::Result;
use crate::settle::until_settled;

/// Scopes raised in one transaction.
const SCOPES_AT_ONCE: usize = 200;

/// Refuses a timestamp from before the beginning. [`Version::NONE`] is of who knows nothing, and that is always right.
pub(crate) async fn check(tx: &mut Tx, since: Version) -> Result<()> {
    if since != Version::NONE && since < tx.version(Scope::History).await? {
        return Err(Refusal::SyncStartOver {}.into());
    }
    Ok(())
}

/// Begins a new line in a context: every version it has is raised above all that were ever given, so that no timestamp from before
/// can be taken for one from after. Repeated after a failure it does the rest. Returns the beginning.
pub(crate) async fn begin(app: &App, place: &Place, context: ContextId) -> Result<Version> {
    // A disabled context is restored like any other: this is no work of its users.
    let place = Place { enabled: false, ..place.clone() };
    let found = {
        let mut tx = app.read(&place).await?;
        scopes::all(&mut tx).await?
    };
    let highest = found.iter().map(|(_, version)| *version).max().unwrap_or(Version::NONE);
    let beginning = highest.next(app.now_ms());
    raise(app, &place, &[Scope::History], beginning).await?;
    let rest: Vec<Scope> =
        found.into_iter().map(|(scope, _)| scope).filter(|scope| *scope != Scope::History).collect();
    for some in rest.chunks(SCOPES_AT_ONCE) {
        raise(app, &place, some, beginning).await?;
    }
    tracing::info!("Synchronisation begins anew. Context: {context}");
    Ok(beginning)
}

async fn raise(app: &App, place: &Place, scopes: &[Scope], to: Version) -> Result<()> {
    until_settled!(
        async {
            // With this for the time, the stamp is it or more.
            let plan = Plan::changing(scopes.iter().copied());
            let tx = app.store.write(place, plan, to.0).await?;
            Result::Ok(tx.commit().await?)
        }
        .await
    )
}
