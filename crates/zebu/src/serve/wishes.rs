//! What an operator wishes of this process (`zebu drain`, `zebu rolling-restart`), read from configdb, carried out, and answered
//! there with how far it is.
//!
//! Serving never waits for it: while configdb does not answer, what was wished last goes on to hold.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use zebu_app::App;
use zebu_app::drain::{self, Look, Standing, What, Wish};
use zebu_web::{Drain, Left};

/// Between two looks at configdb.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two looks at what is left, while it drains.
const LEFT_EVERY: Duration = Duration::from_millis(100);
/// A node has drained when it has had nothing for so long: web tiers that have heard of it send nothing more, and others have had
/// their answer by then.
const QUIET: Duration = Duration::from_secs(1);

/// Why a node is not back yet, though it listens.
const LEFT_ALONE: &str = "web servers may leave its AJP13 alone for front_retry_ms from when it listens";

/// How the process is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// For good.
    Stop,
    /// To start anew, with the program on disk.
    Restart,
}

/// Draining under way.
struct Draining {
    wish: Wish,
    since: Instant,
    /// Since when there is nothing left.
    quiet_since: Option<Instant>,
}

/// Carries wishes out until one of them ends the process.
pub(super) async fn follow(app: Arc<App>, listeners: Vec<Drain>) -> End {
    let mut follower = Follower { app, listeners, draining: None, trouble: String::new(), said: None };
    let mut looked: Option<Instant> = None;
    let mut ticks = interval(LEFT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            follower.look().await;
            looked = Some(Instant::now());
            follower.say(false).await;
        }
        if let Some(end) = follower.ends() {
            follower.say(true).await;
            return end;
        }
    }
}

struct Follower {
    app: Arc<App>,
    listeners: Vec<Drain>,
    draining: Option<Draining>,
    trouble: String,
    said: Option<Standing>,
}

impl Follower {
    async fn look(&mut self) {
        match drain::look(&self.app).await {
            Ok(Look { wish, is_spared, trouble }) => {
                // What this program does not know is of a newer one, and wished of others.
                let wish = wish.filter(|wish| What::of(&wish.what).is_some());
                let is_left_alone = wish.is_none() && self.listeners.iter().any(Drain::is_left_alone);
                self.trouble =
                    if trouble.is_empty() && is_left_alone { LEFT_ALONE.to_owned() } else { trouble };
                // A last node that refused would leave users with nobody.
                let refuses = wish.is_some() && is_spared;
                self.listeners.iter().for_each(|listener| listener.refuse_connections(refuses));
                self.heed(wish);
            }
            Err(error) => {
                tracing::debug!(cause = error.cause_chain(), "what operators wish cannot be read");
                self.trouble = "configdb does not answer".to_owned();
            }
        }
    }

    fn heed(&mut self, wish: Option<Wish>) {
        match (wish, &mut self.draining) {
            (Some(wish), None) => {
                tracing::info!(wish = wish.what, by = wish.by, "this node drains: an operator wishes it");
                self.listeners.iter().for_each(Drain::begin);
                self.draining = Some(Draining { wish, since: Instant::now(), quiet_since: None });
            }
            (Some(wish), Some(draining)) if draining.wish != wish => {
                tracing::info!(
                    wish = wish.what,
                    by = wish.by,
                    "an operator wishes something else of this node"
                );
                draining.wish = wish;
                draining.since = Instant::now();
            }
            (None, Some(_)) => {
                tracing::info!("this node serves again: an operator has taken the wish back");
                self.listeners.iter().for_each(Drain::undo);
                self.draining = None;
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn left(&self) -> Left {
        self.listeners.iter().fold(Left::default(), |sum, listener| sum.and(listener.left()))
    }

    /// How the process is to end now, if it is.
    fn ends(&mut self) -> Option<End> {
        let left = self.left();
        let draining = self.draining.as_mut()?;
        draining.quiet_since = left.is_nothing().then(|| draining.quiet_since.unwrap_or_else(Instant::now));
        let end = match What::of(&draining.wish.what)? {
            What::Drain => return None,
            What::Stop => End::Stop,
            What::Restart => End::Restart,
        };
        let limit = Duration::from_millis(u64::try_from(draining.wish.limit_ms).unwrap_or(0));
        (draining.has_drained() || draining.since.elapsed() >= limit).then_some(end)
    }

    fn standing(&self, ends: bool) -> Standing {
        let left = self.left();
        let stage = match &self.draining {
            Some(_) if ends => "ending",
            Some(draining) if draining.has_drained() => "drained",
            Some(_) => "draining",
            None => "serving",
        };
        // A node that serves has always something: it is told of one that drains alone.
        let left = if self.draining.is_some() { left } else { Left::default() };
        Standing {
            stage: stage.to_owned(),
            requests: left.requests.into(),
            streams: left.streams.into(),
            uploads: left.uploads.into(),
            trouble: self.trouble.clone(),
        }
    }

    /// Says how this process stands, if that is anything new.
    async fn say(&mut self, ends: bool) {
        let standing = self.standing(ends);
        if self.said.as_ref() == Some(&standing) {
            return;
        }
        match drain::say(&self.app, &standing).await {
            Ok(()) => self.said = Some(standing),
            Err(error) => {
                tracing::warn!(
                    cause = error.cause_chain(),
                    "how this node stands cannot be said in configdb"
                );
            }
        }
    }
}

impl Draining {
    fn has_drained(&self) -> bool {
        self.quiet_since.is_some_and(|since| since.elapsed() >= QUIET)
    }
}
