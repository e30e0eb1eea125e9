//! The staleness checker: nobody sees what was before a write that had been answered when he began to look, nor before what
//! somebody else had seen when he began; and nobody sees what was never written. Pure: judges a history.

use super::history::{History, Moment, Read, Register, Write};
use std::collections::BTreeMap;

/// Every look that saw what it may not have seen, in words.
pub(crate) fn violations(history: &History) -> Vec<String> {
    let writes = history.by_register();
    let mut reads: BTreeMap<Register, Vec<Read>> = BTreeMap::new();
    for read in history.reads() {
        reads.entry(read.register).or_default().push(read);
    }
    let none = Vec::new();
    reads
        .into_iter()
        .flat_map(|(register, reads)| {
            of_register(history.name(register), writes.get(&register).unwrap_or(&none), reads)
        })
        .collect()
}

fn of_register(name: &str, writes: &[&Write], mut reads: Vec<Read>) -> Vec<String> {
    reads.sort_by_key(|read| read.begun);
    let mut violations = Vec::new();
    // What looks that have ended have shown to be written, by their ends.
    let mut shown: Vec<(Moment, u32)> = Vec::new();
    for read in reads {
        let answered = writes.iter().filter(|write| write.answered.is_some_and(|at| at < read.begun));
        let answered = answered.map(|write| write.number).max().unwrap_or(0);
        let seen_before =
            shown.iter().filter(|(ended, _)| *ended < read.begun).map(|(_, n)| *n).max().unwrap_or(0);
        let begun = writes.iter().filter(|write| write.begun <= read.ended).map(|write| write.number);
        let begun = begun.max().unwrap_or(0);
        let least = answered.max(seen_before);
        match (least..=begun).find(|number| read.seen.fits(*number)) {
            Some(number) => keep(&mut shown, read.ended, number),
            None => violations.push(format!(
                "{}: {name} seen as {:?} from {:.3} to {:.3} s; write {answered} was answered, {seen_before} seen, {begun} begun",
                read.who,
                read.seen,
                read.begun.as_secs_f64(),
                read.ended.as_secs_f64()
            )),
        }
    }
    violations
}

/// Only a look that showed more than all that ended before it adds something.
fn keep(shown: &mut Vec<(Moment, u32)>, ended: Moment, number: u32) {
    if !shown.iter().any(|(before, known)| *before <= ended && *known >= number) {
        shown.push((ended, number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history::{Listing, Seen};
    use std::time::Duration;

    fn at(ms: u64) -> Moment {
        Duration::from_millis(ms)
    }

    /// Writes 1, 2, … of one register: begun and perhaps answered.
    fn written(times: &[(u64, Option<u64>)]) -> (History, Register) {
        let mut history = History::new();
        let register = history.register("the file", None);
        for (number, (begun, answered)) in (1..).zip(times) {
            history.write(Write { register, number, begun: at(*begun), answered: answered.map(at) });
        }
        (history, register)
    }

    fn check(times: &[(u64, Option<u64>)], reads: &[(Seen, u64, u64)], expected: usize) {
        let (mut history, register) = written(times);
        for (seen, begun, ended) in reads {
            let who = "ben".to_owned();
            history.read(Read { register, seen: *seen, begun: at(*begun), ended: at(*ended), who });
        }
        let violations = violations(&history);
        assert_eq!(violations.len(), expected, "{violations:#?}");
    }

    const WRITTEN: &[(u64, Option<u64>)] = &[(10, Some(20)), (30, Some(40))];

    #[test]
    fn what_was_before_an_answered_write_is_stale() {
        check(WRITTEN, &[(Seen::Number(2), 41, 50)], 0);
        check(WRITTEN, &[(Seen::Number(1), 41, 50)], 1);
        check(WRITTEN, &[(Seen::Number(0), 21, 25)], 1);
    }

    #[test]
    fn before_during_and_after_a_write_either_may_be_seen_while_it_is_under_way() {
        check(WRITTEN, &[(Seen::Number(0), 1, 5), (Seen::Number(0), 11, 15)], 0);
        check(WRITTEN, &[(Seen::Number(1), 31, 50)], 0);
        check(WRITTEN, &[(Seen::Number(2), 31, 50)], 0);
    }

    #[test]
    fn nobody_sees_less_than_somebody_else_had_seen_before() {
        check(WRITTEN, &[(Seen::Number(2), 31, 33), (Seen::Number(1), 34, 36)], 1);
        check(WRITTEN, &[(Seen::Number(2), 31, 33), (Seen::Number(1), 32, 36)], 0);
    }

    #[test]
    fn nobody_sees_what_was_not_written_yet() {
        check(WRITTEN, &[(Seen::Number(2), 21, 29)], 1);
        check(WRITTEN, &[(Seen::Number(3), 41, 50)], 1);
    }

    #[test]
    fn a_write_without_an_answer_may_be_seen_or_not_but_once_seen_it_stays() {
        let unanswered: &[(u64, Option<u64>)] = &[(10, Some(20)), (30, None)];
        check(unanswered, &[(Seen::Number(1), 50, 60), (Seen::Number(2), 70, 80)], 0);
        check(unanswered, &[(Seen::Number(2), 50, 60), (Seen::Number(1), 70, 80)], 1);
        check(&[(10, Some(20)), (30, None), (50, Some(60))], &[(Seen::Number(2), 61, 70)], 1);
    }

    #[test]
    fn a_withdrawn_folder_that_is_still_shown_is_stale() {
        check(WRITTEN, &[(Seen::Shared(true), 21, 29), (Seen::Shared(false), 41, 50)], 0);
        check(WRITTEN, &[(Seen::Shared(true), 41, 50)], 1);
        check(WRITTEN, &[(Seen::Shared(false), 21, 29)], 1);
        check(WRITTEN, &[(Seen::Shared(true), 31, 50), (Seen::Shared(false), 32, 50)], 0);
    }

    #[test]
    fn a_file_that_is_missing_from_a_list_or_there_twice_is_seen() {
        let check = |numbers: &[u32], expected: usize| {
            let mut history = History::new();
            let register = history.register("the file", Some("17"));
            history.write(Write { register, number: 1, begun: at(1), answered: Some(at(2)) });
            let numbers = numbers.iter().map(|number| (register, *number)).collect();
            let (begun, ended, who) = (at(3), at(4), "ben".to_owned());
            history.listing(Listing { folder: "17".to_owned(), numbers, begun, ended, who });
            assert_eq!(violations(&history).len(), expected);
        };
        check(&[1], 0);
        check(&[], 1);
        check(&[1, 2], 1);
    }
}
