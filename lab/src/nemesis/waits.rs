//! How long clients waited under each kind of harm, from the record and from when each harm was done.

use super::Fault;
use crate::checks::record::Operation;
use std::collections::BTreeMap;
use std::time::Duration;

/// One kind of harm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    pub(crate) kind: &'static str,
    pub(crate) count: usize,
    /// The longest from request to answer, of those that were under way while only this was wrong.
    pub(crate) write: Duration,
    pub(crate) read: Duration,
    /// The same while something else was wrong too.
    pub(crate) write_together: Duration,
    pub(crate) read_together: Duration,
}

/// The longest waits of each kind, by its name.
pub(crate) fn table(faults: &[Fault], operations: &[Operation]) -> Vec<Waits> {
    let mut kinds: BTreeMap<&'static str, Waits> = BTreeMap::new();
    for fault in faults {
        let waits = kinds.entry(fault.kind).or_default();
        (waits.kind, waits.count) = (fault.kind, waits.count + 1);
        for operation in operations.iter().filter(|one| one.begun <= fault.ended && one.ended >= fault.begun)
        {
            let took = operation.ended.saturating_sub(operation.begun);
            let longest = match (operation.writes(), fault.alone) {
                (true, true) => &mut waits.write,
                (false, true) => &mut waits.read,
                (true, false) => &mut waits.write_together,
                (false, false) => &mut waits.read_together,
            };
            *longest = took.max(*longest);
        }
    }
    kinds.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::record::{Change, Outcome, Register};

    #[test]
    fn the_longest_of_those_under_way_during_a_fault_counts_for_its_kind() {
        let ms = Duration::from_millis;
        let operation = |begun, ended, write: bool| Operation {
            kind: "x",
            who: String::new(),
            begun: ms(begun),
            ended: ms(ended),
            outcome: Outcome::Done,
            said: String::new(),
            changes: if write {
                vec![Change { register: Register(0), value: 1, bits: 0 }]
            } else {
                Vec::new()
            },
            sights: Vec::new(),
        };
        let operations = [
            operation(0, 90, true),
            operation(50, 120, true),
            operation(150, 170, false),
            operation(290, 900, false),
        ];
        let fault = |kind, begun, ended, alone| Fault { kind, begun: ms(begun), ended: ms(ended), alone };
        let faults =
            [fault("cut", 100, 200, true), fault("cut", 300, 310, false), fault("kill", 901, 950, true)];
        let waits = table(&faults, &operations);
        assert_eq!(waits.len(), 2);
        let cut = &waits[0];
        assert_eq!((cut.count, cut.write, cut.read), (2, ms(70), ms(20)));
        assert_eq!((cut.write_together, cut.read_together), (Duration::ZERO, ms(610)));
        assert_eq!(waits[1].write, Duration::ZERO);
    }
}
