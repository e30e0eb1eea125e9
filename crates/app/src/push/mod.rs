//! Push: whoever is signed in may subscribe to what they may read, and hears of changes made on any node.
//!
//! A subscription is a stream of [`Event`]s that the protocol side asks for one by one; a resting one is an entry in a table
//! and nothing else. What happens comes from two sources: the cluster's [`Changes`], told within the release of a write,
//! and looks at the versions in the databases, at once when changes may have been missed and else now and then. Neither
//! says what somebody may know: before each event the session and the rights are read again, as for a request.

mod check;
mod counts;
mod follow;
mod hub;
mod position;
mod subscription;

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{Notify, Semaphore};
use tokio::task::AbortHandle;
use zebu_cluster::{Changes, Coherence, Validity};
use zebu_model::{FolderId, Refusal, Scope};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use counts::Counts;
use hub::Hub;

pub use counts::{Ended, Limit, State};
pub use position::Position;
pub use subscription::{End, Event, Subscription};

/// Topics of one subscription that `topics_max` may allow at most: each is a bit of what its signal carries.
const TOPICS_MOST: usize = 56;
/// Checks of sessions and rights under way at once: a change that thousands wait for must not take all connections there are.
const CHECKS_AT_ONCE: usize = 16;

/// `[push]`: subscriptions by clients that want to hear of changes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushConfig {
    /// Subscriptions that are open on this node at once; more are refused (`PSH-0003`). Each keeps a connection, so it must be
    /// less than `[groupware] connections_max`. 0 switches push off. Default 2,048.
    pub subscriptions_max: u32,
    /// The same for one user. Default 64.
    pub per_user_max: u32,
    /// The same for one session, which may be open in several windows. Default 16.
    pub per_session_max: u32,
    /// Topics of one subscription. Default 32, at most 56.
    pub topics_max: usize,
    /// How long a stream may be silent before a comment is sent, ms: shorter than any proxy between waits. Default 20,000.
    pub heartbeat_ms: u64,
    /// How long after a stream was cut a client waits before it connects again, ms. Default 2,000.
    pub retry_ms: u64,
    /// From one event of a subscription to the next at least, ms; what changes meanwhile is told together. Default 250.
    pub gap_ms: u64,
    /// Between two looks at the databases while this node is not told of all changes, ms: it has no `[cluster]`, or is not in
    /// good standing there. Default 2,000.
    pub look_ms: u64,
}

impl Default for PushConfig {
    fn default() -> Self {
        PushConfig {
            subscriptions_max: 2_048,
            per_user_max: 64,
            per_session_max: 16,
            topics_max: 32,
            heartbeat_ms: 20_000,
            retry_ms: 2_000,
            gap_ms: 250,
            look_ms: 2_000,
        }
    }
}

impl PushConfig {
    /// Refuses what could not work, in words.
    ///
    /// # Errors
    /// Names the field and what it may be.
    pub fn check(&self) -> std::result::Result<(), String> {
        let within = |field: &str, value: u64, least: u64, most: u64| {
            let fits = (least..=most).contains(&value);
            fits.then_some(()).ok_or(format!("[push] {field} is {value}: it must be from {least} to {most}"))
        };
        within("subscriptions_max", self.subscriptions_max.into(), 0, 1_000_000)?;
        within("per_user_max", self.per_user_max.into(), 1, 1_000_000)?;
        within("per_session_max", self.per_session_max.into(), 1, 1_000_000)?;
        within("topics_max", self.topics_max as u64, 1, TOPICS_MOST as u64)?;
        within("heartbeat_ms", self.heartbeat_ms, 100, 3_600_000)?;
        within("retry_ms", self.retry_ms, 1, 3_600_000)?;
        within("gap_ms", self.gap_ms, 0, 60_000)?;
        within("look_ms", self.look_ms, 10, 3_600_000)
    }
}

/// What a client can hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// `tree`: the folder tree with its rights.
    Tree,
    /// `users`: the context's users and groups.
    Users,
    /// `folder:12`: what is in a folder.
    Folder(FolderId),
}

impl Topic {
    pub(crate) fn scope(self) -> Scope {
        match self {
            Topic::Tree => Scope::Tree,
            Topic::Users => Scope::Principals,
            Topic::Folder(id) => Scope::Folder(id),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Topic::Tree => f.write_str("tree"),
            Topic::Users => f.write_str("users"),
            Topic::Folder(id) => write!(f, "folder:{id}"),
        }
    }
}

/// Text that is no topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTopic;

impl FromStr for Topic {
    type Err = NoTopic;

    fn from_str(text: &str) -> std::result::Result<Topic, NoTopic> {
        match text {
            "tree" => Ok(Topic::Tree),
            "users" => Ok(Topic::Users),
            other => {
                let id = other.strip_prefix("folder:").ok_or(NoTopic)?;
                id.parse().map(Topic::Folder).map_err(|_| NoTopic)
            }
        }
    }
}

/// A node's part in push.
#[derive(Debug)]
pub(crate) struct Push {
    config: PushConfig,
    hub: Hub,
    counts: Counts,
    checks: Semaphore,
    /// A look at the databases is wanted.
    look: Arc<Notify>,
    heard: Option<(Arc<Changes>, Arc<Validity>)>,
    tasks: OnceLock<[AbortHandle; 2]>,
}

impl Push {
    pub(crate) fn new(config: PushConfig, coherence: Option<&Coherence>) -> Push {
        Push {
            config,
            hub: Hub::default(),
            counts: Counts::default(),
            checks: Semaphore::new(CHECKS_AT_ONCE),
            look: Arc::default(),
            heard: coherence.map(|c| (Arc::clone(&c.changes), Arc::clone(&c.validity))),
            tasks: OnceLock::new(),
        }
    }

    /// Whether this node is told of every change at the moment.
    fn is_told(&self) -> bool {
        self.heard
            .as_ref()
            .is_some_and(|(_, validity)| validity.epoch_at(std::time::Instant::now()).is_some())
    }

    fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.config.heartbeat_ms)
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        self.tasks.get().into_iter().flatten().for_each(AbortHandle::abort);
    }
}

/// Subscribes the caller's session to topics, each once. `position` is where an earlier subscription had come to, on whatever node; one
/// that is not understood is answered "start over".
///
/// # Errors
/// Refused without topics or with too many, at a limit of subscriptions, or if one of the topics may not be read.
pub async fn subscribe(
    app: &Arc<App>,
    caller: &Caller,
    topics: &[Topic],
    position: Option<&str>,
) -> Result<Subscription> {
    let limit = app.push.config.topics_max;
    let mut once: Vec<Topic> = Vec::new();
    topics.iter().for_each(|topic| {
        if !once.contains(topic) {
            once.push(*topic)
        }
    });
    if once.len() > limit {
        return Err(Refusal::PushTopicsTooMany { limit }.into());
    }
    if once.is_empty() {
        return Err(Refusal::ParameterMissing { name: "topics".to_owned() }.into());
    }
    follow::start(app);
    Subscription::begin(app, caller, once, position).await
}

/// This node is about to stop, or to rest: every subscription ends, and says that its client should go elsewhere. Or it is not any
/// more.
pub fn drain(app: &App, drains: bool) {
    app.push.hub.drain(drains);
}

/// How push is doing on this node.
#[must_use]
pub fn state(app: &App) -> State {
    app.push.counts.state(app.push.hub.open(), app.push.is_told())
}

/// How long after a stream was cut a client waits before it connects again, ms.
#[must_use]
pub fn retry_ms(app: &App) -> u64 {
    app.push.config.retry_ms
}

/// How many subscriptions this node takes.
#[must_use]
pub fn subscriptions_max(app: &App) -> u32 {
    app.push.config.subscriptions_max
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_written_as_they_are_read() {
        for topic in [Topic::Tree, Topic::Users, Topic::Folder(FolderId(12))] {
            assert_eq!(topic.to_string().parse(), Ok(topic));
        }
        for bad in ["", "Tree", "folder", "folder:", "folder:-1", "folder:1 ", "folder:4294967296", "file:1"]
        {
            assert_eq!(bad.parse::<Topic>(), Err(NoTopic), "{bad}");
        }
    }

    #[test]
    fn settings_that_could_not_work_are_refused_by_name() {
        let check = |change: fn(&mut PushConfig), named: &str| {
            let mut config = PushConfig::default();
            change(&mut config);
            let refused = config.check().expect_err(named);
            assert!(refused.contains(named), "{refused}");
        };
        assert_eq!(PushConfig::default().check(), Ok(()));
        check(|c| c.subscriptions_max = 1_000_001, "subscriptions_max");
        check(|c| c.per_user_max = 0, "per_user_max");
        check(|c| c.per_session_max = 0, "per_session_max");
        check(|c| c.topics_max = 57, "topics_max");
        check(|c| c.heartbeat_ms = 99, "heartbeat_ms");
        check(|c| c.retry_ms = 0, "retry_ms");
        check(|c| c.gap_ms = 60_001, "gap_ms");
        check(|c| c.look_ms = 9, "look_ms");
    }
}
