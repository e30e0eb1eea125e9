//! A node behind the web tier: its settings, its connections, what is counted about it.
//!
//! `life` says whether it lives, `standing` whether it takes requests; [`Member`] brings both together with what happens
//! to it, and says so in the log when it changes. Shared by every request, its watch (`health`) and the manager.
//!
//! | what | module |
//! |---|---|
//! | times and manners | `terms` |
//! | what is counted | `counts` |
//! | errors, ejections, checks | `sentences` |

mod counts;
mod sentences;
mod terms;

use std::ops::Deref;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::Config;
use crate::flags::Flags;
use crate::life::{Change, Event, Life, Moment, Probe};
use crate::params::member::MemberConfig;
use crate::params::value::Weight;
use crate::patience::Ms;
use crate::pool::Pool;
use crate::ramp;
use crate::selection::Candidate;
use crate::standing::{Found, Stand, Standing};
use crate::waits::Waits;

pub(crate) use counts::Counts;
pub(crate) use terms::Terms;

use sentences::Sentences;

/// "Not ramping" in the field that says since when.
const NOT: Ms = Ms::MAX;

/// What answers at a member's address, as its answers to questions show.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Unknown,
    /// A node of ours.
    Ours,
    /// Anything else: a Tomcat, say.
    Foreign,
}

/// One node.
pub(crate) struct Member {
    /// Unlike that of any other member of this tier, now or before.
    pub(crate) number: usize,
    /// The name of its balancer.
    pub(crate) balancer: Arc<str>,
    pub(crate) config: MemberConfig,
    pub(crate) route: String,
    pub(crate) address: String,
    pub(crate) terms: Terms,
    /// What it goes through.
    state: Arc<State>,
}

/// What a member goes through. It stays when its parameters change.
pub(crate) struct State {
    pub(crate) pool: Pool,
    pub(crate) counts: Counts,
    /// Woken when a request ends, if the member may have only so many.
    pub(crate) room: Notify,
    stand: Stand,
    /// Its share in hundredths, as the operator wants it.
    weight: AtomicU32,
    /// Its share as it is now: less during a slow start.
    share: AtomicU32,
    /// Since when it has less than its share.
    ramp_since: AtomicU64,
    /// How busy its node says it is, in hundredths.
    load: AtomicU32,
    /// What answers there.
    kind: AtomicU8,
    life: Mutex<Life>,
    /// Until when it is in error, and until when it is left out as an outlier.
    sentences: Mutex<Sentences>,
    /// How often it fell silent; requests waiting for it watch this.
    silences: AtomicU64,
    pub(crate) waits: Waits,
}

impl Deref for Member {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Member {
    pub(crate) fn new(
        number: usize,
        balancer: Arc<str>,
        member: &MemberConfig,
        config: &Config,
        moment: Moment,
    ) -> Arc<Self> {
        let terms = Terms::new(member, config);
        let state = State {
            pool: Pool::new(config.idle_connections_max, terms.idle_ms, member.smax as usize),
            counts: Counts::default(),
            room: Notify::new(),
            stand: Stand::new(member.flags),
            weight: AtomicU32::new(member.weight.hundredths()),
            share: AtomicU32::new(member.weight.hundredths()),
            ramp_since: AtomicU64::new(NOT),
            load: AtomicU32::new(0),
            kind: AtomicU8::new(Kind::Unknown as u8),
            life: Mutex::new(Life::new(terms.retry_ms, moment.wall_ms)),
            sentences: Mutex::default(),
            silences: AtomicU64::new(0),
            waits: Waits::default(),
        };
        let this = Self {
            number,
            balancer,
            config: member.clone(),
            route: member.route.clone(),
            address: member.address.clone(),
            terms,
            state: Arc::new(state),
        };
        if member.flags.has(Flags::ERROR) {
            lock(&this.sentences).error_until = moment.now.saturating_add(this.terms.retry_ms);
        }
        Arc::new(this)
    }

    /// The same member with other parameters: it keeps its connections, what was counted and what was found of it. Requests under
    /// way end by the parameters they began with. Share and status letters are `change`'s.
    pub(crate) fn with(&self, member: &MemberConfig, config: &Config) -> Arc<Self> {
        let terms = Terms::new(member, config);
        self.pool.bound(terms.idle_ms, member.smax as usize);
        lock(&self.life).retry_ms = terms.retry_ms;
        Arc::new(Self {
            number: self.number,
            balancer: self.balancer.clone(),
            config: member.clone(),
            route: self.route.clone(),
            address: self.address.clone(),
            terms,
            state: self.state.clone(),
        })
    }

    /// Whether a configuration is about this member: who is at another address, or spoken to otherwise, is another.
    pub(crate) fn is_meant_by(&self, config: &MemberConfig) -> bool {
        let own = &self.config;
        (&own.route, &own.address, own.protocol) == (&config.route, &config.address, config.protocol)
    }

    /// It lives, as far as anybody knows.
    pub(crate) fn is_up(&self) -> bool {
        !self.stand.now().is_found(Found::Dead)
    }

    /// Its node says that it is about to stop.
    pub(crate) fn is_leaving(&self) -> bool {
        self.stand.now().is_found(Found::Leaving)
    }

    pub(crate) fn standing(&self) -> Standing {
        self.stand.now()
    }

    pub(crate) fn silences(&self) -> u64 {
        self.silences.load(Ordering::Acquire)
    }

    pub(crate) fn life(&self) -> Life {
        lock(&self.life).clone()
    }

    pub(crate) fn weight(&self) -> Weight {
        Weight::of_hundredths(self.weight.load(Ordering::Relaxed)).unwrap_or(Weight::ONE)
    }

    /// Its share now, in hundredths.
    pub(crate) fn share(&self) -> u32 {
        self.share.load(Ordering::Relaxed)
    }

    /// How busy its node says it is, in hundredths; 0 if it says nothing.
    pub(crate) fn load(&self) -> u32 {
        self.load.load(Ordering::Relaxed)
    }

    /// Whether a node of ours answers there: it need not see its own session id as it made it.
    pub(crate) fn is_ours(&self) -> bool {
        self.kind.load(Ordering::Relaxed) == Kind::Ours as u8
    }

    /// Whether something else than a node of ours answers there.
    pub(crate) fn is_foreign(&self) -> bool {
        self.kind.load(Ordering::Relaxed) == Kind::Foreign as u8
    }

    /// It answered a question about its readiness, and not as our nodes do.
    pub(crate) fn is_none_of_ours(&self) {
        self.kind.store(Kind::Foreign as u8, Ordering::Relaxed);
    }

    /// What it is like for a choice; `by_load`: its share is less the more it has to do.
    pub(crate) fn candidate(&self, tried: &[usize], by_load: bool) -> Candidate {
        let share = self.share();
        Candidate {
            weight: if by_load { ramp::idle_share(share, self.load()) } else { share },
            set: self.config.set,
            standing: self.standing(),
            tried: tried.contains(&self.number),
            busy: self.counts.in_flight.load(Ordering::Relaxed),
            traffic: self.counts.bytes_to.load(Ordering::Relaxed)
                + self.counts.bytes_from.load(Ordering::Relaxed),
        }
    }

    /// Tells the member what happened to it; says so in the log when it changed.
    pub(crate) fn observe(&self, event: &Event, at: Moment) {
        if self.forgives() && *event != Event::Probed(Probe::Ready) {
            return;
        }
        let mut life = lock(&self.life);
        let change = life.step(event, at);
        self.stand.find(Found::Dead, !life.is_up);
        let Self { route, address, .. } = self;
        let reason = life.last_error.as_deref().unwrap_or_default();
        match change {
            Change::None => {}
            Change::WentDown => {
                self.pool.clear();
                tracing::warn!(route, address, reason, "member is down");
            }
            Change::WentSilent => {
                self.pool.clear();
                self.silences.fetch_add(1, Ordering::AcqRel);
                tracing::warn!(
                    route,
                    address,
                    reason,
                    "member is down and silent: its requests are given up"
                );
            }
            Change::CameUp => {
                self.ramp_up(at.now);
                tracing::info!(route, address, "member is up again");
            }
        }
    }

    /// Makes its share and its status letters what the operator wants.
    pub(crate) fn change(&self, weight: Weight, flags: Flags) {
        let before = self.standing().flags();
        self.stand.set(flags, true);
        self.stand.set(before.without(flags), false);
        self.weight.store(weight.hundredths(), Ordering::Relaxed);
        // A slow start goes on from where it is.
        let since = self.ramp_since.load(Ordering::Relaxed);
        if since == NOT {
            self.share.store(weight.hundredths(), Ordering::Relaxed);
        }
    }

    /// What its node says of itself: whether it is about to stop, how busy it is. Sessions need no member of their own on
    /// our nodes, so one that is about to stop gets nothing new at all.
    pub(crate) fn told(&self, leaving: bool, load: Option<u32>, now: Ms) {
        if let Some(load) = load {
            self.kind.store(Kind::Ours as u8, Ordering::Relaxed);
            self.load.store(load, Ordering::Relaxed);
        }
        let changed = self.stand.find(Found::Leaving, leaving);
        match (changed, leaving) {
            (false, _) => {}
            (true, true) => tracing::info!(route = self.route, "member is draining: its users move on"),
            (true, false) => {
                self.ramp_up(now);
                tracing::info!(route = self.route, "member is not draining any more");
            }
        }
    }

    /// It came to a balancer that works already: it starts slowly.
    pub(crate) fn begins(&self, now: Ms) {
        self.ramp_up(now);
    }

    fn ramp_up(&self, now: Ms) {
        self.ramp_since.store(now, Ordering::Relaxed);
        self.climb(now);
    }

    fn climb(&self, now: Ms) {
        let weight = self.weight.load(Ordering::Relaxed);
        let since = self.ramp_since.load(Ordering::Relaxed);
        let (share, whole) = match since {
            NOT => (weight, true),
            since => ramp::share(weight, now.saturating_sub(since), self.terms.slow_start_ms),
        };
        self.share.store(share, Ordering::Relaxed);
        if whole {
            self.ramp_since.store(NOT, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn at(now: Ms) -> Moment {
        Moment { now, wall_ms: 0, last_one: false }
    }

    pub(super) fn member(change: impl FnOnce(&mut MemberConfig)) -> Arc<Member> {
        let mut config = MemberConfig::new("a", "h:1");
        change(&mut config);
        let tier = Config { retry_ms: 5_000, slow_start_ms: 10_000, ..Config::default() };
        Member::new(0, "nodes".into(), &config, &tier, at(0))
    }

    #[test]
    fn whoever_comes_back_starts_slowly() {
        let member = member(|_| {});
        assert_eq!(member.share(), 100);
        member.observe(&Event::ConnectFailed("refused".into()), at(0));
        member.observe(&Event::Probed(Probe::Ready), at(1_000));
        assert_eq!(member.share(), 10);
        member.tick(6_000);
        assert_eq!(member.share(), 50);
        member.tick(11_000);
        assert_eq!(member.share(), 100);
    }
}
