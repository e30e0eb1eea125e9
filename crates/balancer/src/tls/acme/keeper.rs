//! Has a certificate in time, as long as the web tier runs. Started by `server`.
//!
//! Times are of the given clock, and looked at in every tick: nothing sleeps until a date.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};

use super::AcmeConfig;
use super::claim::Claim;
use super::folder::Folder;
use super::later::Later;
use super::order::{blocking, obtain};
use super::schedule::{Life, due, retry};
use crate::Clock;
use crate::tls::Choice;

/// For an order, from the account to the file: half of what a claim holds.
const ORDER_MAX: Duration = Duration::from_secs(5 * 60);
/// Milliseconds between two looks at the certificate's date: the clock may be set, and another web tier may renew it.
const LOOK_MS: i64 = 3_600_000;
/// Milliseconds until another's claim is looked at again.
const CLAIMED_MS: i64 = 30_000;

struct Keeper {
    config: AcmeConfig,
    folder: Folder,
    choice: Arc<Choice>,
    clock: Clock,
    /// This process's number, and what its dates are scattered by.
    own: u64,
    failures: u32,
    /// When the server wants to be asked again.
    later: Later,
}

/// Keeps until dropped; looks at the clock that often.
pub(crate) async fn keep(config: AcmeConfig, choice: Arc<Choice>, clock: Clock, every: Duration) {
    let Ok(own) = getrandom::u64() else {
        tracing::error!("no random numbers from the system: no certificates by ACME");
        return;
    };
    let folder = Folder::new(&config.folder);
    let mut keeper = Keeper { config, folder, choice, clock, own, failures: 0, later: Later::default() };
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next_ms = i64::MIN;
    loop {
        ticks.tick().await;
        if (keeper.clock)() >= next_ms {
            next_ms = keeper.turn().await;
        }
    }
}

impl Keeper {
    /// Does what is due, and says when to come again.
    async fn turn(&mut self) -> i64 {
        if let Some(due_ms) = self.rests_until().await {
            return self.after(LOOK_MS).min(due_ms);
        }
        let (path, own, now_ms) = (self.folder.path().to_owned(), self.own, (self.clock)());
        self.later.forget();
        let _claim = match blocking(move || Claim::take(&path, own, now_ms)).await {
            Ok(Some(claim)) => claim,
            Ok(None) => return self.after(CLAIMED_MS),
            Err(reason) => return self.failed(&reason),
        };
        // Who had the claim until now may have done it.
        if let Some(due_ms) = self.rests_until().await {
            return self.after(LOOK_MS).min(due_ms);
        }
        let ordered = timeout(ORDER_MAX, obtain(&self.config, &self.folder, &self.later)).await;
        match ordered.unwrap_or_else(|_| Err(format!("not done in {} s", ORDER_MAX.as_secs()))) {
            Ok(()) => self.done().await,
            Err(reason) => self.failed(&reason),
        }
    }

    /// Until when there is nothing to do. None: there is now.
    async fn rests_until(&self) -> Option<i64> {
        let folder = self.folder.clone();
        // What cannot be read is replaced.
        let certificate = blocking(move || folder.read()).await.ok()?;
        let has_all = self.config.names.iter().all(|name| certificate.names.contains(name));
        if certificate.self_signed || !has_all {
            return None;
        }
        let life = Life { from_ms: certificate.from_ms, until_ms: certificate.until_ms };
        let due_ms = due(life, self.config.renew_before_days, self.own);
        (due_ms > (self.clock)()).then_some(due_ms)
    }

    async fn done(&mut self) -> i64 {
        self.failures = 0;
        let names = self.config.names.join(", ");
        tracing::info!(names, "a certificate came from the ACME server");
        let choice = self.choice.clone();
        let _ = blocking(move || {
            choice.look(false);
            Ok(())
        })
        .await;
        self.after(LOOK_MS)
    }

    fn failed(&mut self, reason: &str) -> i64 {
        self.failures = self.failures.saturating_add(1);
        let pause_ms = retry(self.failures, self.own, self.later.said());
        let (names, directory) = (self.config.names.join(", "), &self.config.directory);
        let next_seconds = pause_ms / 1_000;
        tracing::error!(
            names,
            directory,
            reason,
            next_seconds,
            "no certificate from the ACME server; the one before is used on"
        );
        self.choice.complain(&self.folder.certificate(), &format!("ACME: {reason}"));
        self.after(pause_ms)
    }

    fn after(&self, ms: i64) -> i64 {
        (self.clock)().saturating_add(ms)
    }
}
