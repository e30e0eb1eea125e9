//! What is counted of each part of a run: every request, each that failed by its way, and what else must not happen. Filled by
//! `world`, judged by `verdict`. Pure.

use super::reply::{Failed, Way};
use crate::checks::history::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many different sentences are kept of a part.
const SAID_MAX: usize = 12;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    SignIn,
    Read,
    Write,
    Upload,
    Download,
    /// The head of a stream of events.
    Stream,
}

/// The counts of one part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) failed: BTreeMap<(Kind, Way), u64>,
    /// What was said instead of an answer, with how often.
    pub(crate) said: BTreeMap<String, u64>,
    /// Own writes that an own look did not show.
    pub(crate) stale: Vec<String>,
    /// Streams of events that ended and were opened again.
    pub(crate) streams_cut: u64,
    /// Answered writes that nobody who listened heard of.
    pub(crate) events_lost: Vec<String>,
    /// Answered writes that are not there in the end.
    pub(crate) lost: Vec<String>,
    /// What is there twice in the end.
    pub(crate) twice: Vec<String>,
    pub(crate) longest: Duration,
}

/// A part of a run: one fault, from before it to after its heal.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) from: Moment,
    pub(crate) counts: Counts,
}

impl Counts {
    pub(crate) fn request(&mut self, kind: Kind, took: Duration, failed: Option<&Failed>) {
        self.requests += 1;
        self.longest = self.longest.max(took);
        let Some(failed) = failed else { return };
        self.fail(kind, failed.way);
        let sentence =
            if failed.said.is_empty() { format!("{:?}", failed.way) } else { without_ids(&failed.said) };
        let sentence = format!("{kind:?}: {sentence}");
        if self.said.len() < SAID_MAX || self.said.contains_key(&sentence) {
            *self.said.entry(sentence).or_default() += 1;
        }
    }

    pub(crate) fn fail(&mut self, kind: Kind, way: Way) {
        *self.failed.entry((kind, way)).or_default() += 1;
    }

    /// How many failed for which this holds.
    pub(crate) fn failures(&self, which: impl Fn(Kind, Way) -> bool) -> u64 {
        self.failed.iter().filter(|((kind, way), _)| which(*kind, *way)).map(|(_, count)| count).sum()
    }
}

/// The same sentence for the same reason: numbers of requests differ.
fn without_ids(text: &str) -> String {
    text.split(' ').filter(|word| word.len() < 24 || word.contains('-')).collect::<Vec<_>>().join(" ")
}

/// The part that was under way at that time.
pub(crate) fn part_at(parts: &mut [Part], moment: Moment) -> Option<&mut Part> {
    parts.iter_mut().rev().find(|part| part.from <= moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::wire::Broken;

    #[test]
    fn failures_are_counted_by_kind_and_way_and_told_once_with_their_number() {
        let mut counts = Counts::default();
        let way = Way::Broken(Broken::Refused);
        let failed = Failed { way, said: String::new() };
        counts.request(Kind::Read, Duration::from_secs(1), None);
        counts.request(Kind::Read, Duration::from_secs(3), Some(&failed));
        counts.request(Kind::Write, Duration::from_secs(2), Some(&failed));
        counts.request(Kind::Write, Duration::from_secs(2), Some(&failed));
        assert_eq!((counts.requests, counts.longest), (4, Duration::from_secs(3)));
        assert_eq!(counts.failures(|_, _| true), 3);
        assert_eq!(counts.failures(|kind, _| kind == Kind::Write), 2);
        assert_eq!(counts.said.values().copied().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_moment_belongs_to_the_part_that_had_begun_last() {
        let part = |name: &str, s| Part {
            name: name.to_owned(),
            from: Duration::from_secs(s),
            counts: Counts::default(),
        };
        let mut parts = [part("a", 0), part("b", 5)];
        let name = |parts: &mut [Part], s| part_at(parts, Duration::from_secs(s)).unwrap().name.clone();
        assert_eq!(name(&mut parts, 4), "a");
        assert_eq!(name(&mut parts, 5), "b");
    }
}
