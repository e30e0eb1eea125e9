//! What the mesh refuses or cannot reach, said once: a node that is tried every few seconds for days must not fill the log. Said
//! again when it has been well in between, or after an hour, with how often it happened.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::status::Refused;

/// After so long the same is said again.
const AGAIN: Duration = Duration::from_secs(3_600);
/// What passes by itself within a few seconds, and is said when it does not: after a restart the registry is read anew.
const PATIENT: (&str, Duration) = ("incarnation", Duration::from_secs(10));
/// Complaints remembered; the oldest goes first.
const KEPT_MAX: usize = 256;

/// What has been said.
#[derive(Debug, Default)]
pub(crate) struct Complaints(Mutex<BTreeMap<(String, &'static str), Said>>);

#[derive(Debug)]
struct Said {
    sentence: String,
    first: Instant,
    said: Option<Instant>,
    times: u64,
}

impl Complaints {
    /// Logs a sentence about somebody (a node's name, or an address), unless the same was said of them lately. `true`: it did.
    pub(crate) fn say(&self, whom: &str, kind: &'static str, sentence: &str) -> bool {
        let now = Instant::now();
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (whom.to_owned(), kind);
        if !said.contains_key(&key) && said.len() >= KEPT_MAX {
            let oldest = said.iter().min_by_key(|(_, said)| said.first).map(|(key, _)| key.clone());
            oldest.and_then(|key| said.remove(&key));
        }
        let new = Said { sentence: String::new(), first: now, said: None, times: 0 };
        let entry = said.entry(key).or_insert(new);
        entry.times = entry.times.saturating_add(1);
        let known = entry.sentence == sentence;
        sentence.clone_into(&mut entry.sentence);
        let patience = if kind == PATIENT.0 { PATIENT.1 } else { Duration::ZERO };
        let lately = known && entry.said.is_some_and(|said| now.duration_since(said) < AGAIN);
        if lately || now.duration_since(entry.first) < patience {
            return false;
        }
        entry.said = Some(now);
        let times = entry.times;
        drop(said);
        if times == 1 {
            tracing::warn!("mesh: {whom}: {sentence}");
        } else {
            tracing::warn!(times, "mesh: {whom}: {sentence}");
        }
        true
    }

    /// All is well with somebody: what comes next is new.
    pub(crate) fn forget(&self, whom: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(about, _), _| about != whom);
    }

    /// What is wrong at the moment, for the cluster page.
    pub(super) fn all(&self) -> Vec<Refused> {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = said.iter().map(|((whom, _), said)| Refused {
            whom: whom.clone(),
            reason: said.sentence.clone(),
            for_ms: u64::try_from(said.first.elapsed().as_millis()).unwrap_or(u64::MAX),
            times: said.times,
        });
        refused.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_same_is_counted_and_not_said_again_until_it_was_well_or_an_hour_passed() {
        let complaints = Complaints::default();
        let times = || complaints.all().iter().map(|refused| refused.times).collect::<Vec<_>>();
        let said = || complaints.say("OX-2", "cluster", "is of another cluster");
        assert!(said());
        assert!(!said() && !said());
        assert_eq!(times(), [3]);
        assert!(complaints.say("OX-2", "cluster", "is of a third cluster"), "something new is said at once");
        assert!(said());
        tokio::time::advance(AGAIN).await;
        assert!(said());
        complaints.forget("OX-2");
        assert!(said());
        assert_eq!(times(), [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_by_itself_is_said_only_when_it_does_not() {
        let complaints = Complaints::default();
        let said = || complaints.say("OX-2", PATIENT.0, "another life of it is registered");
        assert!(!said() && !said());
        tokio::time::advance(PATIENT.1).await;
        assert!(said());
        assert!(!said());
    }

    #[tokio::test(start_paused = true)]
    async fn no_number_of_strangers_fills_the_memory() {
        let complaints = Complaints::default();
        for number in 0..2 * KEPT_MAX {
            complaints.say(&format!("10.0.0.{number}"), "connect", "refused");
        }
        assert_eq!(complaints.all().len(), KEPT_MAX);
    }
}
