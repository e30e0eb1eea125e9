//! The loss checker: when everything is quiet again, what each writer was last answered is there. It looks at what is there
//! in the end and at nothing that was seen before. Pure: judges a history and a survey.

use super::history::{History, Register, Seen};
use std::collections::BTreeMap;

/// What somebody found of each register when nobody wrote any more.
pub(crate) type Survey = BTreeMap<Register, Seen>;

/// An answered write that is missing.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    pub(crate) register: Register,
    pub(crate) number: u32,
    /// In words.
    pub(crate) said: String,
}

/// The answered writes that are missing, in words, one for each.
pub(crate) fn violations(history: &History, survey: &Survey, who: &str) -> Vec<String> {
    lost(history, survey).into_iter().map(|lost| format!("{who}: {}", lost.said)).collect()
}

/// The answered writes that are missing, one for each.
pub(crate) fn lost(history: &History, survey: &Survey) -> Vec<Lost> {
    let writes = history.by_register();
    let mut all = Vec::new();
    for (register, writes) in writes {
        let name = history.name(register);
        let lost = |number, said| Lost { register, number, said };
        let answered: Vec<u32> =
            writes.iter().filter(|write| write.answered.is_some()).map(|write| write.number).collect();
        let last = answered.last().copied().unwrap_or(0);
        let begun = writes.last().map_or(0, |write| write.number);
        let Some(seen) = survey.get(&register) else {
            all.push(lost(last, format!("{name} was not looked at in the end")));
            continue;
        };
        if (last..=begun).any(|number| seen.fits(number)) {
            continue;
        }
        match seen {
            Seen::Number(found) if *found < last => {
                let missing = answered.iter().copied().filter(|number| number > found);
                all.extend(missing.map(|number| {
                    lost(number, format!("{name}: write {number} was answered, in the end it is at {found}"))
                }));
            }
            _ => {
                all.push(lost(last, format!("{name}: write {last} was answered, in the end it is {seen:?}")))
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history::Write;
    use std::time::Duration;

    /// Writes 1, 2, … of one register, answered or not, and what is there in the end.
    fn check(answered: &[bool], found: Option<Seen>, expected: usize) {
        let mut history = History::new();
        let register = history.register("the file", None);
        for (number, answered) in (1..).zip(answered) {
            let begun = Duration::from_secs(u64::from(number));
            let answered = answered.then_some(begun);
            history.write(Write { register, number, begun, answered });
        }
        let survey = found.into_iter().map(|seen| (register, seen)).collect();
        let violations = violations(&history, &survey, "ben");
        assert_eq!(violations.len(), expected, "{violations:#?}");
    }

    #[test]
    fn every_answered_write_that_is_not_there_is_one_lost_write() {
        check(&[true, true, true], Some(Seen::Number(3)), 0);
        check(&[true, true, true], Some(Seen::Number(2)), 1);
        check(&[true, true, true], Some(Seen::Number(0)), 3);
        check(&[true, false, true], Some(Seen::Number(0)), 2);
    }

    #[test]
    fn a_write_without_an_answer_may_be_there_or_not() {
        check(&[true, false], Some(Seen::Number(1)), 0);
        check(&[true, false], Some(Seen::Number(2)), 0);
        check(&[true, false], Some(Seen::Number(0)), 1);
    }

    #[test]
    fn a_write_that_failed_and_comes_back_over_a_later_one_is_a_loss() {
        check(&[true, false, true], Some(Seen::Number(2)), 1);
    }

    #[test]
    fn a_share_or_withdrawal_that_is_not_there_is_lost() {
        check(&[true, true], Some(Seen::Shared(false)), 0);
        check(&[true, true], Some(Seen::Shared(true)), 1);
        check(&[true, false], Some(Seen::Shared(true)), 0);
        check(&[true, false], Some(Seen::Shared(false)), 0);
    }

    #[test]
    fn what_nobody_looked_at_and_what_nobody_wrote_are_told() {
        check(&[true], None, 1);
        check(&[true], Some(Seen::Number(7)), 1);
    }
}
