//! What the web tier says of itself in configdb, for the cluster page: at every change, but not more often than once a
//! second; and every ten seconds, so that a report that is older means a web tier that is gone.
//!
//! Serving never waits for it: a configdb that does not answer costs a line in the log.

use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use zebu_app::{Clock, Error, cluster};
use zebu_balancer::{Snapshot, Status};
use zebu_store::{Config, Store};

use crate::serve::role::{Asked, Role};

/// Between two looks at the state, and so between two reports.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A report at least this often.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// The reporting under way.
pub(super) struct Reporter(Role);

impl Reporter {
    pub(super) fn start(store: Config, name: String, status: Status) -> Self {
        Self(Role::start(|asked| report(store, name, status, asked)))
    }

    /// What ends it at once, without a word: another process reports under the same name.
    pub(super) fn silencer(&self) -> AbortHandle {
        self.0.abort_handle()
    }

    /// Withdraws the report and ends.
    pub(super) async fn stop(self) {
        self.0.stop().await;
    }
}

/// What was reported last, and when.
type Last = Option<(Snapshot, Instant)>;

async fn report(config: Config, name: String, status: Status, asked: Asked) {
    let mut store = None;
    let looking = async {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last: Last = None;
        loop {
            look.tick().await;
            let now = status.snapshot();
            if !is_due(&last, &now) {
                continue;
            }
            match write(&mut store, &config, &name, &now).await {
                Ok(()) => last = Some((now, Instant::now())),
                Err(error) => {
                    tracing::warn!(cause = error.cause_chain(), "cannot report the web tier's state")
                }
            }
        }
    };
    tokio::select! {
        () = looking => (),
        () = asked.wait() => (),
    }
    if let Some(store) = &store
        && let Err(error) = cluster::forget_web_tier(store, &name).await
    {
        tracing::warn!(cause = error.cause_chain(), "cannot withdraw the web tier's report");
    }
}

fn is_due(last: &Last, now: &Snapshot) -> bool {
    last.as_ref().is_none_or(|(snapshot, at)| snapshot != now || at.elapsed() >= REPORT_EVERY)
}

/// Writes a report, through a store that is opened when it is first needed.
async fn write(store: &mut Option<Store>, config: &Config, name: &str, now: &Snapshot) -> Result<(), Error> {
    let store = match store {
        Some(store) => store,
        None => store.insert(Store::open(config.clone()).await?),
    };
    // A snapshot is numbers and texts under names: it always has a JSON form.
    let status = serde_json::to_string(now).unwrap_or_default();
    cluster::report_web_tier(store, name, status, Clock::System.now_ms()).await
}
