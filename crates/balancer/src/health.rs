//! Watching the members: one small task each, and one that compares them.
//!
//! A member that is dead is asked `GET /health/ready` until it answers 200. One that is up is asked when requests wait for
//! it and nothing comes back, and at the pace of its checks, by which a node also says how busy it is and whether it is
//! about to stop. Started by `server`, it must never send a member anything but such questions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use crate::life::{Event, Probe};
use crate::member::Member;
use crate::members::Members;
use crate::outlier::{Reason, judge};
use crate::params::member::{CheckMethod, Protocol};
use crate::patience::Ms;
use crate::probe::{Answer, Question, ask};
use crate::tier::Tier;

/// How often idle connections are looked through for old and closed ones.
const SWEEP_MS: Ms = 5_000;

/// How often a member is asked that says it is about to stop: it may have been given back, or started anew.
const LEAVING_MS: Ms = 1_000;

/// How often the file with the keys of routes is read again.
const KEYS_MS: Ms = 5_000;

/// The longest an outlier is left out: so many times the shortest.
const EJECTION_TIMES_MAX: u64 = 10;

/// Watches all members, whoever comes and goes, until dropped.
pub(crate) async fn watch_all(tier: Arc<Tier>) {
    let mut watches = JoinSet::new();
    let mut watched = HashMap::new();
    let mut period = Period::default();
    let mut keys_read = tier.now();
    let mut tick = interval(Duration::from_millis(tier.config.probe_interval_ms));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let members: Vec<_> = tier.plan().balancers.iter().flat_map(Members::list).collect();
        watched.retain(|_, (member, watch): &mut (Arc<Member>, AbortHandle)| {
            // One whose parameters have changed is watched by the new ones.
            let stays = members.iter().any(|other| Arc::ptr_eq(other, member));
            if !stays {
                watch.abort();
            }
            stays
        });
        for member in members {
            let begin = || (member.clone(), watches.spawn(watch(tier.clone(), member.clone())));
            watched.entry(member.number).or_insert_with(begin);
        }
        while watches.try_join_next().is_some() {}
        period.compare(&tier);
        let now = tier.now();
        if now.saturating_sub(keys_read) >= KEYS_MS {
            keys_read = now;
            read_keys(&tier);
        }
    }
}

/// Takes the keys of routes up anew, if their file says others.
fn read_keys(tier: &Tier) {
    let (Some(seal), Some(file)) = (&tier.seal, &tier.config.route_key_file) else { return };
    match seal.read_again(file) {
        Ok(false) => {}
        Ok(true) => tracing::info!("the keys of routes were taken up anew"),
        Err(error) => tracing::warn!(cause = %error, "the keys of routes stay as they are"),
    }
}

/// The comparison of members, once a period.
#[derive(Default)]
struct Period {
    began: Ms,
}

impl Period {
    fn compare(&mut self, tier: &Tier) {
        let (now, length) = (tier.now(), tier.config.outlier_interval_ms);
        if length == 0 || now.saturating_sub(self.began) < length {
            return;
        }
        self.began = now;
        for balancer in &tier.plan().balancers {
            let members = balancer.list();
            let samples: Vec<_> = members.iter().map(|member| member.sample()).collect();
            let outliers = judge(&samples, tier.config.outlier_bounds());
            for (index, member) in members.iter().enumerate() {
                let first = tier.config.outlier_ejection_ms;
                match outliers.iter().find(|(outlier, _)| *outlier == index) {
                    Some((_, reason)) => {
                        let why = match reason {
                            Reason::Errors => "fails much more often than its peers",
                            Reason::Slow => "is much slower than its peers",
                        };
                        member.eject(why.to_owned(), now, first, first.saturating_mul(EJECTION_TIMES_MAX));
                    }
                    None if samples.get(index).is_some_and(|sample| sample.attempts > 0) => member.behaved(),
                    None => {}
                }
            }
        }
    }
}

/// Watches one member until dropped.
async fn watch(tier: Arc<Tier>, member: Arc<Member>) {
    let mut tick = interval(Duration::from_millis(tier.config.probe_interval_ms));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut swept = tier.now();
    // The first check is at once: it says who answers there.
    let mut checked = None;
    loop {
        tick.tick().await;
        let now = tier.now();
        member.tick(now);
        if now.saturating_sub(swept) >= SWEEP_MS {
            member.pool.sweep(now);
            swept = now;
        }
        if !member.is_up() || member.waits.quiet_ms(now) >= tier.config.suspect_ms {
            probe(&tier, &member).await;
            continue;
        }
        member.observe(&Event::Lively, tier.moment(&member));
        let interval = member.terms.check_interval_ms;
        let is_asked = interval > 0 && member.config.check.method != CheckMethod::None;
        let since = checked.map_or(Ms::MAX, |checked| now.saturating_sub(checked));
        let question = match member.is_leaving() {
            true => (since >= LEAVING_MS).then(|| Question::ready(&member)),
            false => (is_asked && since >= interval).then(|| Question::check(&member)),
        };
        if let Some(question) = question {
            checked = Some(now);
            check(&tier, &member, &question).await;
        }
    }
}

/// Asks a member whether it lives.
async fn probe(tier: &Tier, member: &Member) {
    let Some(answer) = ask(tier, member, &Question::ready(member)).await else { return };
    if answer.probe.is_from_a_living_one() {
        member.waits.heard(tier.now());
    }
    member.told(answer.draining, answer.load, tier.now());
    member.observe(&Event::Probed(answer.probe), tier.moment(member));
}

/// Checks a member that lives. One that cannot be connected to is dead; one that is silent is suspected at its next
/// request, and fails its check.
async fn check(tier: &Tier, member: &Member, question: &Question) {
    let Some(answer) = ask(tier, member, question).await else { return };
    let now = tier.now();
    member.told(answer.draining, answer.load, now);
    let answers = matches!(answer.probe, Probe::Ready | Probe::Foreign(_));
    if answers && answer.load.is_none() && question.asks_what_our_nodes_know(member) {
        member.is_none_of_ours();
    }
    let failure = failure_of(&answer, member);
    member.note_check(failure.clone(), now);
    if let Probe::Refused(_) = answer.probe {
        member.observe(&Event::Probed(answer.probe), tier.moment(member));
        return;
    }
    if failure.is_some() && tier.moment(member).last_one {
        // A bad member is better than none.
        return;
    }
    member.checked(failure.map_or(Ok(()), Err), now);
}

/// What is wrong with an answer to a check.
fn failure_of(answer: &Answer, member: &Member) -> Option<String> {
    match &answer.probe {
        Probe::Foreign(403) if member.config.protocol == Protocol::Ajp => {
            Some("answers its check with 403: is the secret the same on both sides?".to_owned())
        }
        Probe::Ready | Probe::Foreign(_) => None,
        // It says itself that it is about to stop: that is no failure.
        Probe::NotReady(_) if answer.draining => None,
        Probe::NotReady(status) => Some(format!("answers its check with {status}")),
        Probe::Silent(reason) => Some(format!("silent to its check: {reason}")),
        Probe::Refused(reason) => Some(format!("refused: {reason}")),
    }
}
