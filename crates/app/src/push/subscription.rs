//! One subscription: a stream of events, made when they are asked for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use zebu_model::{Refusal, Scope, Version};

use super::Topic;
use super::check::{self, Found};
use super::counts::{Counts, Ended};
use super::hub::{DRAIN, Owner, RIGHTS, SESSION, Signal};
use super::position::{History, Position};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};

/// How long a session is taken for good without looking, if nobody said that it may be over: it ends by lying idle, too.
const SESSION_GOOD: Duration = Duration::from_secs(60);
/// After a database failed, before it is asked again.
const FAILED_PAUSE: Duration = Duration::from_secs(1);

/// What a subscriber hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The subscription stands; the topics have these versions. Whoever has another must look.
    Ready(Vec<(Topic, Version)>),
    /// The position that the client came with says nothing here: whatever it knows is worth nothing. [`Event::Ready`] follows.
    StartOver,
    /// A topic has another version than was heard of last: the same number that its lists have as `timestamp`.
    Changed(Topic, Version),
    /// A topic may not be read any more, for this reason; nothing more will be heard of it.
    Gone(Topic, Refusal),
    /// Nothing happened for a while.
    Alive,
    /// The last event.
    End(End),
}

/// Why a subscription ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The session is over, or may not be used any more.
    Session(Refusal),
    /// The node stops: subscribe again, and another will answer.
    Drain,
    /// No topic is left.
    Nothing,
}

/// A subscription. Dropped, it is over.
#[derive(Debug)]
pub struct Subscription {
    app: Arc<App>,
    owner: Owner,
    id: u64,
    signal: Arc<Signal>,
    history: History,
    /// What was heard of each topic last; none of those that are gone.
    heard: Box<[(Topic, Option<Version>)]>,
    scopes: Box<[Scope]>,
    waiting: VecDeque<Event>,
    heartbeat_at: Instant,
    session_good_until: Instant,
    changed_at: Option<Instant>,
    ended: Option<Ended>,
}

impl Subscription {
    pub(super) async fn begin(
        app: &Arc<App>,
        caller: &Caller,
        topics: Vec<Topic>,
        position: Option<&str>,
    ) -> Result<Subscription> {
        let session = caller.session.as_ref().ok_or(Refusal::SessionMissing {})?.token_hash;
        let owner = Owner { context: caller.place.context, user: caller.who.user, session };
        let scopes: Box<[Scope]> = topics.iter().map(|topic| topic.scope()).collect();
        let entered = app.push.hub.enter(owner, &scopes, &app.push.config);
        let (id, signal) = entered.map_err(|(limit, refusal)| {
            app.push.counts.refused(limit);
            Error::from(refusal)
        })?;
        let now = Instant::now();
        let mut subscription = Subscription {
            app: Arc::clone(app),
            owner,
            id,
            signal,
            history: History { context: owner.context, born: caller.place.born },
            heard: topics.iter().map(|topic| (*topic, None)).collect(),
            scopes,
            waiting: VecDeque::new(),
            heartbeat_at: now + app.push.heartbeat(),
            session_good_until: now + SESSION_GOOD,
            changed_at: None,
            ended: None,
        };
        // Entered first: what changes from here on is marked, and what changed before is found now.
        let found = check::look(app, owner, &topics).await?;
        subscription.learn(found, position)?;
        subscription.ended = Some(Ended::Client);
        Counts::count(&app.push.counts.opened);
        Ok(subscription)
    }

    /// Takes what the first look found, compared with what the client had heard of elsewhere.
    fn learn(&mut self, found: Found, position: Option<&str>) -> Result<()> {
        self.history = found.history;
        let mut now = Vec::with_capacity(found.topics.len());
        for (topic, version) in found.topics {
            now.push((topic, version?));
        }
        let learned: Vec<_> = now.iter().map(|(topic, version)| (topic.scope(), *version)).collect();
        self.app.push.hub.learned(self.owner.context, &learned);
        for ((_, heard), (_, version)) in self.heard.iter_mut().zip(&now) {
            *heard = Some(*version);
        }
        let known = position.and_then(|position| position.parse::<Position>().ok());
        let known = known.filter(|known| known.history == self.history);
        if position.is_some() && known.is_none() {
            Counts::count(&self.app.push.counts.started_over);
            self.waiting.push_back(Event::StartOver);
        }
        let missed: Vec<Event> = now
            .iter()
            .filter(|(topic, version)| {
                known.as_ref().and_then(|known| known.of(*topic)).is_some_and(|had| had != *version)
            })
            .map(|(topic, version)| Event::Changed(*topic, *version))
            .collect();
        self.waiting.push_back(Event::Ready(now));
        missed.into_iter().for_each(|event| self.tell(event));
        Ok(())
    }

    /// The next event; none after [`Event::End`]. What was dropped before it was done has lost nothing but time.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                self.heartbeat_at = Instant::now() + self.app.push.heartbeat();
                return Some(event);
            }
            if self.ended != Some(Ended::Client) {
                return None;
            }
            tokio::select! {
                () = self.signal.marked() => {}
                () = sleep_until(self.heartbeat_at) => self.beat(),
            }
            // In a box: a resting subscription must not carry what only a look needs.
            Box::pin(self.work()).await;
        }
    }

    /// Where the stream has come to with the event that [`Subscription::next`] gave last; none while more are ready: whoever is
    /// cut off between them has to hear all of them again.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        let heard = self.heard.iter().filter_map(|(topic, version)| Some((*topic, (*version)?)));
        self.waiting.is_empty().then(|| Position { history: self.history, heard: heard.collect() })
    }

    fn beat(&mut self) {
        self.waiting.push_back(Event::Alive);
        if self.session_good_until <= Instant::now() {
            self.signal.mark(SESSION);
        }
    }

    /// Looks at what is marked, and makes events of it.
    async fn work(&mut self) {
        let mut marks = self.signal.take();
        if marks == 0 {
            return;
        }
        if let Some(changed_at) = self.changed_at.filter(|_| marks & DRAIN == 0) {
            // What comes in quick succession is told together.
            sleep_until(changed_at + Duration::from_millis(self.app.push.config.gap_ms)).await;
            marks |= self.signal.take();
        }
        if marks & DRAIN != 0 {
            return self.end(End::Drain);
        }
        let topics = self.marked(marks);
        match check::look(&self.app, self.owner, &topics).await {
            Ok(found) => {
                self.session_good_until = Instant::now() + SESSION_GOOD;
                self.hear(found);
            }
            Err(Error::Refused(refusal)) => self.end(End::Session(refusal)),
            Err(failure) => {
                tracing::warn!(
                    cause = failure.cause_chain(),
                    "push: topics cannot be looked at, and will be again"
                );
                self.signal.mark(marks);
                sleep(FAILED_PAUSE).await;
            }
        }
    }

    /// The topics to look at: if rights may have been withdrawn, all.
    fn marked(&self, marks: u64) -> Vec<Topic> {
        let bit = |at: u32| marks & (RIGHTS | 1u64.checked_shl(at).unwrap_or(0)) != 0;
        let topics = self.heard.iter().zip(0u32..);
        topics.filter(|((_, heard), at)| heard.is_some() && bit(*at)).map(|((topic, _), _)| *topic).collect()
    }

    fn hear(&mut self, found: Found) {
        for (topic, version) in found.topics {
            let Some((_, heard)) = self.heard.iter_mut().find(|(of, _)| *of == topic) else { continue };
            match version {
                Ok(version) if *heard == Some(version) => {}
                Ok(version) => {
                    *heard = Some(version);
                    self.tell(Event::Changed(topic, version));
                }
                Err(refusal) => {
                    *heard = None;
                    Counts::count(&self.app.push.counts.gone);
                    self.waiting.push_back(Event::Gone(topic, refusal));
                }
            }
        }
        if self.heard.iter().all(|(_, heard)| heard.is_none()) {
            self.end(End::Nothing);
        }
    }

    fn tell(&mut self, changed: Event) {
        Counts::count(&self.app.push.counts.changes);
        self.changed_at = Some(Instant::now());
        self.waiting.push_back(changed);
    }

    fn end(&mut self, why: End) {
        self.ended = Some(match &why {
            End::Session(_) => Ended::Session,
            End::Drain => Ended::Drain,
            End::Nothing => Ended::Nothing,
        });
        self.waiting.push_back(Event::End(why));
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.app.push.hub.leave(self.id, self.owner, &self.scopes);
        // None: it never began.
        if let Some(why) = self.ended {
            self.app.push.counts.ended(why);
        }
    }
}
