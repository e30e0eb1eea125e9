//! How this node hears of changes: it listens to the cluster, and looks at the databases when it may have missed something.
//!
//! Two tasks, begun with the first subscription: one listens and never waits for a database, the other looks. They end with
//! the application.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use zebu_cluster::Change;
use zebu_model::{ContextId, Scope, Version};
use zebu_store::is_of_a_context;

use super::counts::Counts;
use crate::app::App;
use crate::error::Result;

/// Between two looks while this node is told of every change. It finds what no rule promises to tell: a commit that a killed
/// node had sent and that arrived long after.
const LOOK_TOLD: Duration = Duration::from_secs(30);
/// Between two looks at the least, however often one is wanted.
const LOOK_GAP: Duration = Duration::from_millis(100);
/// Scopes asked for in one statement.
const SCOPES_AT_ONCE: usize = 500;

/// Begins to listen and to look, if nobody did.
pub(super) fn start(app: &Arc<App>) {
    app.push.tasks.get_or_init(|| {
        let heard = tokio::spawn(hear(Arc::downgrade(app)));
        let looked = tokio::spawn(look_on(Arc::downgrade(app)));
        [heard.abort_handle(), looked.abort_handle()]
    });
}

async fn hear(app: Weak<App>) {
    let Some(changes) = app.upgrade().and_then(|app| app.push.heard.as_ref().map(|(c, _)| Arc::clone(c)))
    else {
        return;
    };
    let mut listener = changes.listen();
    // Only whoever drives the protocol keeps it alive from here on.
    drop(changes);
    while let Some(change) = listener.next().await {
        let Some(app) = app.upgrade() else { return };
        match change {
            Change::Scope { scope, version } if is_of_a_context(scope) => {
                app.push.hub.changed(scope, version.map(Version));
            }
            // Where contexts live and whether they are enabled, or anything.
            Change::Scope { .. } | Change::Anything => app.push.look.notify_one(),
        }
    }
}

async fn look_on(app: Weak<App>) {
    // Nobody can have missed anything before the first subscription began.
    let mut took = Duration::ZERO;
    loop {
        let Some((every, wanted)) = app.upgrade().map(|app| (pace(&app), Arc::clone(&app.push.look))) else {
            return;
        };
        // What takes long to look at must leave the databases some rest.
        let _ = timeout(every.max(took), wanted.notified()).await;
        let Some(app) = app.upgrade() else { return };
        let begun = Instant::now();
        look(&app).await;
        took = begun.elapsed();
        drop(app);
        sleep(LOOK_GAP).await;
    }
}

fn pace(app: &App) -> Duration {
    if app.push.is_told() { LOOK_TOLD } else { Duration::from_millis(app.push.config.look_ms) }
}

/// Looks at all that is waited for.
async fn look(app: &App) {
    for (context, scopes) in app.push.hub.watched() {
        Counts::count(&app.push.counts.looks);
        if let Err(error) = look_at(app, context, &scopes).await {
            tracing::warn!(
                cause = error.cause_chain(),
                "push: the versions of context {context} cannot be read"
            );
        }
    }
}

async fn look_at(app: &App, context: ContextId, scopes: &[Scope]) -> Result<()> {
    let place = app.store.place(context).await?.filter(|place| place.enabled && app.serves(place));
    let Some(place) = place else {
        app.push.hub.recheck(context);
        return Ok(());
    };
    let mut tx = app.read(&place).await?;
    for some in scopes.chunks(SCOPES_AT_ONCE) {
        let found = tx.versions(some).await?;
        app.push.hub.looked(context, &found);
    }
    Ok(())
}
