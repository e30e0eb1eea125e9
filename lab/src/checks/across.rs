//! Whether all that one operation saw, and wrote, can have been so at one moment while it was under way: rights with the content that
//! they guard, a list with each thing on it. Looks at each operation alone, against what of each register is certain from its writes and
//! from looks that said exactly what they saw: so it never accuses wrongly, and what concerns one register alone is for `search` and `zones`.

use super::history::Moment;
use super::record::{Bits, Fact, Operation, Outcome, Record, Register, Sight, Story, Test, seconds};
use std::collections::BTreeMap;
use std::time::Duration;

const NEVER: Moment = Duration::MAX;

/// From and to.
type Span = (Moment, Moment);

/// When a value can have been in its register.
#[derive(Clone, Copy, Debug)]
struct Time {
    value: u32,
    bits: Bits,
    from: Moment,
    to: Moment,
}

/// When each value of one register can have been there, by the beginnings.
#[derive(Debug, Default)]
struct Times {
    all: Vec<Time>,
    /// The latest end of all up to this one.
    until: Vec<Moment>,
}

impl Times {
    fn of(first: Bits, story: &Story<'_>) -> Self {
        let mut shown: BTreeMap<u32, Moment> = BTreeMap::new();
        for (sight, look) in &story.looks {
            if let Sight::One(Fact { test: Test::Is(value), .. }) = sight {
                let at = shown.entry(*value).or_insert(NEVER);
                *at = look.ended.min(*at);
            }
        }
        // When each has certainly been there, at the latest.
        let mut written = vec![(Moment::ZERO, Moment::ZERO, 0, first)];
        for (change, write) in story.writes.iter().filter(|(_, write)| write.outcome != Outcome::Failed) {
            let seen = shown.get(&change.value).copied().unwrap_or(NEVER);
            let there = write.effective().unwrap_or(NEVER).min(seen);
            written.push((write.begun, there, change.value, change.bits));
        }
        written.sort_by_key(|(begun, ..)| *begun);
        // The first end of the writes from this one on.
        let mut next = vec![NEVER; written.len() + 1];
        for (index, (_, there, ..)) in written.iter().enumerate().rev() {
            let later = next.get(index + 1).copied().unwrap_or(NEVER);
            if let Some(slot) = next.get_mut(index) {
                *slot = later.min(*there);
            }
        }
        let over = |there: Moment| {
            let first_after = written.partition_point(|(begun, ..)| *begun <= there);
            next.get(first_after).copied().unwrap_or(NEVER)
        };
        let all: Vec<Time> = written
            .iter()
            .map(|(begun, there, value, bits)| Time {
                value: *value,
                bits: *bits,
                from: *begun,
                to: if *there == NEVER { NEVER } else { over(*there) },
            })
            .collect();
        let mut latest = Moment::ZERO;
        let until = all.iter().map(|time| {
            latest = latest.max(time.to);
            latest
        });
        Self { until: until.collect(), all }
    }

    /// When within a span this can have been so.
    fn spans(&self, test: Test, (from, to): Span) -> Vec<Span> {
        let begun = self.all.partition_point(|time| time.from <= to);
        let candidates = self.all.iter().zip(&self.until).take(begun).rev();
        let mut spans: Vec<Span> = candidates
            .take_while(|(_, until)| **until >= from)
            .filter(|(time, _)| time.to >= from && test.fits(time.value, time.bits))
            .map(|(time, _)| (time.from.max(from), time.to.min(to)))
            .collect();
        spans.sort_unstable();
        spans
    }
}

/// Judges operations against what is certain.
#[derive(Debug)]
pub(crate) struct Across<'a> {
    record: &'a Record,
    times: BTreeMap<Register, Times>,
}

impl<'a> Across<'a> {
    pub(crate) fn of(record: &'a Record, stories: &BTreeMap<Register, Story<'a>>) -> Self {
        let times = stories
            .iter()
            .map(|(register, story)| (*register, Times::of(record.first_bits(*register), story)))
            .collect();
        Self { record, times }
    }

    /// Every operation that saw together what was never so together, in words.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.record.operations.iter().filter_map(|operation| self.of_operation(operation)).collect()
    }

    /// What last looks saw of one register that was certainly over by then: whatever was written since is lost.
    pub(crate) fn lost(&self, last_look: &str) -> Vec<String> {
        let last = self.record.operations.iter().filter(|one| one.kind == last_look);
        let seen = last.flat_map(|operation| operation.sights.iter().map(move |sight| (operation, sight)));
        let lost = seen.filter(|(operation, sight)| {
            let is_one = matches!(sight, Sight::One(_));
            is_one && self.when_seen(sight, (operation.begun, operation.ended)).is_empty()
        });
        lost.map(|(operation, sight)| self.says(operation, sight, &[], &[])).collect()
    }

    fn of_operation(&self, operation: &Operation) -> Option<String> {
        if !operation.is_answered() {
            return None;
        }
        let whole = (operation.begun, operation.ended);
        let mut left = vec![whole];
        if operation.outcome == Outcome::Done {
            for change in &operation.changes {
                let fact = Fact { register: change.register, test: Test::Is(change.value) };
                left = both(&left, &self.when(fact, whole));
            }
        }
        for sight in &operation.sights {
            let here = self.when_seen(sight, whole);
            let together = both(&left, &here);
            if together.is_empty() {
                return Some(self.says(operation, sight, &left, &here));
            }
            left = together;
        }
        None
    }

    fn when_seen(&self, sight: &Sight, whole: Span) -> Vec<Span> {
        match sight {
            Sight::One(fact) => self.when(*fact, whole),
            Sight::Any(all) => {
                let each = all.iter().map(|facts| {
                    facts.iter().fold(vec![whole], |left, fact| both(&left, &self.when(*fact, whole)))
                });
                let mut spans: Vec<Span> = each.flatten().collect();
                spans.sort_unstable();
                spans
            }
        }
    }

    fn when(&self, fact: Fact, whole: Span) -> Vec<Span> {
        match self.times.get(&fact.register) {
            Some(times) => times.spans(fact.test, whole),
            // Nobody ever wrote it, or looked at it alone.
            None if fact.test.fits(0, self.record.first_bits(fact.register)) => vec![whole],
            None => Vec::new(),
        }
    }

    fn says(&self, operation: &Operation, sight: &Sight, left: &[Span], here: &[Span]) -> String {
        let show = |spans: &[Span]| {
            let shown: Vec<String> = spans
                .iter()
                .take(4)
                .map(|(from, to)| format!("{} to {}", seconds(*from), seconds(*to)))
                .collect();
            if shown.is_empty() { "never".to_owned() } else { shown.join(", ") }
        };
        let about: Vec<String> = sight
            .facts()
            .map(|fact| format!("{} {:?}", self.record.name(fact.register), fact.test))
            .collect();
        format!(
            "{} from {} to {}: [{}] can have been so {}, the rest of it {}",
            operation.who,
            seconds(operation.begun),
            seconds(operation.ended),
            about.join(" or "),
            show(here),
            show(left)
        )
    }
}

/// The spans that lie in both, which are sorted.
fn both(one: &[Span], other: &[Span]) -> Vec<Span> {
    let mut spans: Vec<Span> = one
        .iter()
        .flat_map(|(from, to)| {
            other
                .iter()
                .map(move |(other_from, other_to)| (*from.max(other_from), *to.min(other_to)))
                .filter(|(from, to)| from <= to)
        })
        .collect();
    spans.sort_unstable();
    spans.dedup();
    spans
}
