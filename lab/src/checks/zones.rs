//! Whether a register whose looks say exactly which write they saw is linearizable. The algorithm is that of Gibbons and Korach
//! ("Testing Shared Memories", 1997) for registers where it is known what each read read, in n log n.
//!
//! All operations with one value are a cluster. From its first end to its last beginning it is in the register for certain, if the first end
//! comes first: a *forward* zone. Else there is only a time in which it may have been there and gone: a *backward* zone. There is an order
//! if and only if no look ends before its write begins, no two forward zones overlap, and no backward zone lies within a forward one.

use super::history::Moment;
use super::record::{Fact, Operation, Outcome, Sight, Story, Test, seconds};
use std::collections::BTreeMap;
use std::time::Duration;

const NEVER: Moment = Duration::MAX;

/// All that was done with one value.
#[derive(Debug)]
struct Cluster<'a> {
    value: u32,
    write: Option<&'a Operation>,
    first_end: Moment,
    last_begin: Moment,
    /// Who shows those two; none: the write of the first value, from before everything.
    ended_first: Option<&'a Operation>,
    began_last: Option<&'a Operation>,
}

impl<'a> Cluster<'a> {
    fn first() -> Self {
        let zero = Moment::ZERO;
        let (ended_first, began_last) = (None, None);
        Cluster { value: 0, write: None, first_end: zero, last_begin: zero, ended_first, began_last }
    }

    fn of(value: u32, write: &'a Operation) -> Self {
        let (first_end, last_begin) = (write.effective().unwrap_or(NEVER), write.begun);
        let (ended_first, began_last) = (Some(write), Some(write));
        Cluster { value, write: Some(write), first_end, last_begin, ended_first, began_last }
    }

    fn add(&mut self, look: &'a Operation) {
        if look.ended < self.first_end {
            (self.first_end, self.ended_first) = (look.ended, Some(look));
        }
        if look.begun > self.last_begin {
            (self.last_begin, self.began_last) = (look.begun, Some(look));
        }
    }

    fn is_forward(&self) -> bool {
        self.first_end < self.last_begin
    }

    fn says(&self) -> String {
        let who = |operation: Option<&Operation>| match operation {
            Some(operation) => operation.who.clone(),
            None => "the beginning".to_owned(),
        };
        format!(
            "{} was there at {} ({}) and at {} ({})",
            self.value,
            seconds(self.first_end),
            who(self.ended_first),
            seconds(self.last_begin),
            who(self.began_last)
        )
    }
}

/// What no order of the operations explains, in words.
pub(crate) fn violations(name: &str, story: &Story<'_>) -> Vec<String> {
    let mut violations = Vec::new();
    let mut clusters = BTreeMap::from([(0, Cluster::first())]);
    for (change, write) in story.writes.iter().filter(|(_, write)| write.outcome != Outcome::Failed) {
        clusters.insert(change.value, Cluster::of(change.value, write));
    }
    for (sight, look) in &story.looks {
        let Sight::One(Fact { test: Test::Is(value), .. }) = sight else { continue };
        match clusters.get_mut(value) {
            Some(cluster) if cluster.write.is_none_or(|write| write.begun <= look.ended) => cluster.add(look),
            Some(_) => violations.push(format!("{name}: {}: saw {value} before it was written", look.who)),
            None => {
                let why = story.why_not(*value).unwrap_or_default();
                violations.push(format!("{name}: {}: saw {value}, {why}", look.who));
            }
        }
    }
    // A value that nobody saw and nobody was told is written need not have been there.
    let clusters: Vec<Cluster<'_>> = clusters.into_values().filter(|one| one.first_end != NEVER).collect();
    violations.extend(overlaps(name, &clusters));
    violations
}

fn overlaps(name: &str, clusters: &[Cluster<'_>]) -> Vec<String> {
    let mut forward: Vec<&Cluster<'_>> = clusters.iter().filter(|one| one.is_forward()).collect();
    forward.sort_by_key(|one| one.first_end);
    let mut violations = Vec::new();
    let mut longest: Option<&Cluster<'_>> = None;
    for zone in &forward {
        match longest.filter(|before| before.last_begin > zone.first_end) {
            Some(before) => violations.push(format!("{name}: {}; but {}", before.says(), zone.says())),
            None => longest = Some(zone),
        }
        if longest.is_some_and(|before| before.last_begin < zone.last_begin) {
            longest = Some(zone);
        }
    }
    for zone in clusters.iter().filter(|one| !one.is_forward()) {
        // The last forward zone that begins before this one begins.
        let before = forward.partition_point(|one| one.first_end < zone.last_begin);
        let around = before.checked_sub(1).and_then(|index| forward.get(index));
        if let Some(around) = around.filter(|around| around.last_begin > zone.first_end) {
            violations.push(format!(
                "{name}: {}; but {} was there only between {} and {} ({})",
                around.says(),
                zone.value,
                seconds(zone.last_begin),
                seconds(zone.first_end),
                zone.began_last.map_or("the beginning", |one| &one.who)
            ));
        }
    }
    violations
}
