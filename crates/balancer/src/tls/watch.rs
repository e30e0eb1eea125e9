//! Looks at the files of the certificates again and again. Started by `server`; a look reads nothing but the files' times
//! unless one has changed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Choice;

/// Watches until dropped.
pub(crate) async fn watch(choice: Arc<Choice>, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let choice = choice.clone();
        // A disk may be slow, and connections must not wait for it. A panic in there has been printed by the runtime.
        let _ = tokio::task::spawn_blocking(move || choice.look(false)).await;
    }
}
