//! Small histories: by hand for each rule of the checkers, and at random, where the two algorithms must agree.

use crate::checks::history::Moment;
use crate::checks::record::{Bits, Change, Fact, Operation, Outcome, Record, Register, Sight, Test};
use crate::checks::verdict::Verdict;
use crate::checks::{search, zones};
use crate::load::Lots;
use std::time::Duration;

const FILE: Register = Register(0);
const RIGHTS: Register = Register(1);

fn at(ms: u64) -> Moment {
    Duration::from_millis(ms)
}

/// A record of two registers.
fn record() -> Record {
    let mut record = Record::default();
    record.register("the file".to_owned(), 0);
    record.register("the rights".to_owned(), 0);
    record
}

fn operation(begun: u64, ended: u64, outcome: Outcome) -> Operation {
    Operation {
        kind: "some",
        who: format!("somebody from {begun} to {ended}"),
        begun: at(begun),
        ended: at(ended),
        outcome,
        said: String::new(),
        changes: Vec::new(),
        sights: Vec::new(),
    }
}

fn write(register: Register, value: u32, bits: Bits, begun: u64, ended: u64, outcome: Outcome) -> Operation {
    let changes = vec![Change { register, value, bits }];
    Operation { changes, ..operation(begun, ended, outcome) }
}

fn wrote(value: u32, begun: u64, ended: u64) -> Operation {
    write(FILE, value, 0, begun, ended, Outcome::Done)
}

fn saw(facts: &[Fact], begun: u64, ended: u64) -> Operation {
    let sights = facts.iter().map(|fact| Sight::One(*fact)).collect();
    Operation { sights, ..operation(begun, ended, Outcome::Done) }
}

fn is(value: u32) -> Fact {
    Fact { register: FILE, test: Test::Is(value) }
}

fn let_in(yes: bool) -> Fact {
    Fact { register: RIGHTS, test: Test::Has(1, u64::from(yes)) }
}

fn granted(value: u32, begun: u64, ended: u64) -> Operation {
    write(RIGHTS, value, u64::from(value % 2), begun, ended, Outcome::Done)
}

/// How many violations there are: of registers alone, of operations across registers.
fn check(operations: Vec<Operation>, alone: usize, across: usize) {
    let mut record = record();
    record.operations = operations;
    let verdict = Verdict::of(&record, "last look");
    let found = (verdict.alone.len(), verdict.across.len());
    assert_eq!(found, (alone, across), "{:#?}: {verdict:#?}", record.operations);
}

#[test]
fn what_was_before_an_answered_write_is_stale_and_what_comes_later_is_not() {
    check(vec![wrote(1, 10, 20), wrote(2, 30, 40), saw(&[is(2)], 41, 50)], 0, 0);
    check(vec![wrote(1, 10, 20), wrote(2, 30, 40), saw(&[is(1)], 35, 50)], 0, 0);
    check(vec![wrote(1, 10, 20), wrote(2, 30, 40), saw(&[is(1)], 41, 50)], 1, 1);
    check(vec![wrote(1, 10, 20), saw(&[is(0)], 15, 25), saw(&[is(0)], 21, 25)], 1, 1);
}

#[test]
fn nobody_sees_less_than_somebody_else_had_seen_before() {
    check(vec![wrote(1, 10, 90), saw(&[is(1)], 20, 30), saw(&[is(0)], 25, 40)], 0, 0);
    check(vec![wrote(1, 10, 90), saw(&[is(1)], 20, 30), saw(&[is(0)], 31, 40)], 1, 1);
}

#[test]
fn writes_at_the_same_time_may_come_in_either_order_but_not_in_both() {
    let writes = || vec![wrote(1, 10, 50), wrote(2, 10, 50)];
    let and = |mut all: Vec<Operation>, more: Vec<Operation>| {
        all.extend(more);
        all
    };
    check(and(writes(), vec![saw(&[is(1)], 60, 61), saw(&[is(1)], 70, 71)]), 0, 0);
    check(and(writes(), vec![saw(&[is(2)], 60, 61), saw(&[is(2)], 70, 71)]), 0, 0);
    // Each alone would be possible.
    check(and(writes(), vec![saw(&[is(1)], 60, 61), saw(&[is(2)], 70, 71)]), 1, 0);
}

#[test]
fn a_write_in_doubt_may_come_late_or_never_but_comes_once() {
    let in_doubt = || vec![wrote(1, 10, 20), write(FILE, 2, 0, 30, 40, Outcome::Unknown)];
    let and = |mut all: Vec<Operation>, more: Vec<Operation>| {
        all.extend(more);
        all
    };
    check(and(in_doubt(), vec![saw(&[is(1)], 900, 901)]), 0, 0);
    check(and(in_doubt(), vec![saw(&[is(1)], 900, 901), saw(&[is(2)], 950, 951)]), 0, 0);
    check(and(in_doubt(), vec![wrote(3, 60, 70), saw(&[is(2)], 950, 951)]), 0, 0);
    check(and(in_doubt(), vec![saw(&[is(2)], 50, 51), saw(&[is(1)], 60, 61)]), 1, 1);
    check(and(in_doubt(), vec![saw(&[is(2)], 20, 25)]), 1, 1);
}

#[test]
fn what_was_told_not_to_be_written_is_never_seen() {
    let failed = || write(FILE, 1, 0, 10, 20, Outcome::Failed);
    check(vec![failed(), saw(&[is(0)], 30, 40)], 0, 0);
    check(vec![failed(), saw(&[is(1)], 30, 40)], 1, 1);
    check(vec![saw(&[is(7)], 30, 40)], 1, 1);
}

#[test]
fn who_is_let_in_after_a_withdrawal_or_kept_out_after_a_share_is_found() {
    let shares = || vec![granted(1, 10, 20), granted(2, 30, 40)];
    let and = |more: Vec<Operation>| shares().into_iter().chain(more).collect::<Vec<_>>();
    check(and(vec![saw(&[let_in(true)], 21, 29), saw(&[let_in(false)], 41, 50)]), 0, 0);
    check(and(vec![saw(&[let_in(true)], 35, 50)]), 0, 0);
    check(and(vec![saw(&[let_in(true)], 41, 50)]), 1, 1);
    check(and(vec![saw(&[let_in(false)], 21, 29)]), 1, 1);
    // Let in, kept out and let in again by one withdrawal: it goes back.
    let back = vec![saw(&[let_in(false)], 31, 32), saw(&[let_in(true)], 33, 34)];
    check(and(back), 1, 0);
}

#[test]
fn a_write_on_withdrawn_ground_is_found_and_one_that_was_refused_is_not() {
    let write_as_guest = |begun, ended, outcome, allowed| {
        let mut operation = write(FILE, 1, 0, begun, ended, outcome);
        operation.sights = vec![Sight::One(let_in(allowed))];
        operation
    };
    let shares = [granted(1, 10, 20), granted(2, 30, 40)];
    let and = |one: Operation| shares.iter().cloned().chain([one]).collect::<Vec<_>>();
    check(and(write_as_guest(35, 60, Outcome::Done, true)), 0, 0);
    check(and(write_as_guest(41, 60, Outcome::Refused, false)), 0, 0);
    check(and(write_as_guest(41, 60, Outcome::Done, true)), 1, 1);
}

#[test]
fn rights_from_before_a_withdrawal_with_content_from_after_it_are_found() {
    let story = |seen| {
        vec![granted(1, 10, 20), granted(2, 30, 40), wrote(1, 50, 60), saw(&[let_in(true), is(seen)], 25, 70)]
    };
    check(story(0), 0, 0);
    check(story(1), 0, 1);
}

#[test]
fn one_of_several_reasons_is_enough_for_a_refusal_and_none_is_not() {
    let refused = |begun, ended| Operation {
        sights: vec![Sight::Any(vec![vec![let_in(false)], vec![is(2)]])],
        outcome: Outcome::Refused,
        ..operation(begun, ended, Outcome::Refused)
    };
    let shared = || vec![granted(1, 10, 20), wrote(1, 10, 20), wrote(2, 30, 40)];
    let and = |one: Operation| shared().into_iter().chain([one]).collect::<Vec<_>>();
    check(and(refused(1, 5)), 0, 0);
    check(and(refused(41, 50)), 0, 0);
    check(and(refused(22, 28)), 0, 1);
}

#[test]
fn an_answered_write_that_is_not_there_in_the_end_is_lost() {
    let last = |value| Operation { kind: "last look", ..saw(&[is(value)], 90, 91) };
    let lost = |value| {
        let mut record = record();
        record.operations = vec![wrote(1, 10, 20), wrote(2, 30, 40), last(value)];
        Verdict::of(&record, "last look").lost.len()
    };
    assert_eq!((lost(2), lost(1), lost(0)), (0, 1, 1));
}

#[test]
fn both_algorithms_say_the_same_of_thousands_of_random_registers() {
    let (mut right, mut wrong) = (0, 0);
    for seed in 0..6_000 {
        let lots = Lots::from(seed);
        let mut record = record();
        let writes = 1 + lots.below(4);
        let span = |lots: &Lots| {
            // Not at 0: that is when the first value came.
            let begun = 1 + lots.below(40) as u64;
            (begun, begun + 1 + lots.below(20) as u64)
        };
        for value in 1..=writes as u32 {
            let (begun, ended) = span(&lots);
            let outcome = if lots.below(5) == 0 { Outcome::Unknown } else { Outcome::Done };
            record.operations.push(write(FILE, value, 0, begun, ended, outcome));
        }
        for _ in 0..lots.below(6) {
            let (begun, ended) = span(&lots);
            record.operations.push(saw(&[is(lots.below(writes + 1) as u32)], begun, ended));
        }
        let stories = record.by_register();
        let story = &stories[&FILE];
        let (zones, search) = (zones::violations("r", story), search::violations("r", 0, story));
        assert_eq!(zones.is_empty(), search.is_empty(), "seed {seed}: {zones:#?} {search:#?} {record:#?}");
        if zones.is_empty() { right += 1 } else { wrong += 1 }
    }
    assert!(right > 1_000 && wrong > 1_000, "{right} right, {wrong} wrong");
}

#[test]
fn a_search_that_has_too_much_to_try_says_so_instead_of_saying_yes() {
    let mut record = record();
    // Twenty writes at the same time, all of which must have happened, and a look that none explains.
    record.operations = (1..=20).map(|value| wrote(value, 0, 100)).collect();
    record.operations.push(saw(&[Fact { register: FILE, test: Test::Has(1, 1) }], 0, 100));
    let stories = record.by_register();
    let said = search::violations("the file", 0, &stories[&FILE]);
    assert!(said.len() == 1 && said[0].contains("not decided"), "{said:?}");
}
