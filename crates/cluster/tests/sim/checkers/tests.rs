//! Each checker with a history that it must find fault with, and one that it must not.

use super::*;
use crate::history::{Row, Wait};

const BOUNDS: Bounds = Bounds { read_ms: 10, may_commit_ms: 20, write_ms: 30, join_ms: 40, settle_ms: 50 };

fn row(version: i64, write: u64, count: u64) -> Row {
    Row { version, write, count }
}

fn read(op: u64, seen: &[(u64, Row)]) -> [Event; 2] {
    let scopes = seen.iter().map(|(scope, _)| *scope).collect();
    [Event::ReadBegins { op, scopes }, Event::ReadAnswered { op, seen: seen.to_vec() }]
}

fn write(op: u64, rows: &[(u64, Row)]) -> [Event; 3] {
    let (scopes, rows) = (rows.iter().map(|(scope, _)| *scope).collect(), rows.to_vec());
    let relied = Vec::new();
    [
        Event::WriteBegins { op, scopes },
        Event::Committed { op, rows: rows.clone(), relied },
        Event::WriteAnswered { op, rows },
    ]
}

/// The promises that a history breaks.
fn broken(history: &[&[Event]]) -> Vec<Promise> {
    let mut found = Vec::new();
    for mut checker in all(3, BOUNDS) {
        let words = history.iter().flat_map(|events| events.iter()).find_map(|event| checker.saw(event));
        found.extend(words.map(|_| checker.promise()));
    }
    found
}

#[test]
fn a_history_in_which_everything_is_as_promised_passes() {
    let begun = Event::ReadBegins { op: 9, scopes: vec![0, 1] };
    let before = Event::ReadAnswered { op: 9, seen: vec![(0, row(1, 1, 1)), (1, Row::default())] };
    let end = Event::Final { rows: vec![row(2, 2, 2), row(2, 2, 1), Row::default()] };
    let wait = Event::Waited { wait: Wait::Read, ms: 25, excused_ms: 15 };
    let history: [&[Event]; 6] = [
        &write(1, &[(0, row(1, 1, 1))]),
        &[begun],
        &write(2, &[(0, row(2, 2, 2)), (1, row(2, 2, 1))]),
        // It began before that write was answered, and so may be answered from before it.
        &[before],
        &read(3, &[(0, row(2, 2, 2)), (1, row(2, 2, 1))]),
        &[end, wait],
    ];
    assert_eq!(broken(&history), []);
}

#[test]
fn what_was_answered_and_is_not_read_is_stale() {
    let history: [&[Event]; 2] = [&write(1, &[(0, row(1, 1, 1))]), &read(2, &[(0, Row::default())])];
    assert_eq!(broken(&history), [Promise::NoStaleRead]);
}

#[test]
fn what_was_shown_though_not_answered_and_is_gone_again_has_gone_back() {
    let begun = Event::WriteBegins { op: 1, scopes: vec![0] };
    let history: [&[Event]; 3] = [&[begun], &read(2, &[(0, row(1, 1, 1))]), &read(3, &[(0, Row::default())])];
    assert_eq!(broken(&history), [Promise::ReadsNeverGoBack]);
}

#[test]
fn a_version_that_is_given_twice_or_not_higher_has_gone_back() {
    let history: [&[Event]; 2] = [&write(1, &[(0, row(5, 1, 1))]), &write(2, &[(0, row(5, 2, 2))])];
    assert_eq!(broken(&history), [Promise::VersionsNeverGoBack]);
    let history: [&[Event]; 2] = [&read(1, &[(0, row(5, 8, 1))]), &read(2, &[(0, row(5, 9, 2))])];
    assert_eq!(broken(&history), [Promise::VersionsNeverGoBack]);
}

#[test]
fn a_write_whose_place_another_takes_or_that_is_not_there_at_the_end_is_lost() {
    let history: [&[Event]; 2] = [&write(1, &[(0, row(1, 1, 1))]), &write(2, &[(0, row(2, 2, 1))])];
    assert_eq!(broken(&history), [Promise::NoWriteLost]);
    let end = Event::Final { rows: vec![Row::default(); 3] };
    let history: [&[Event]; 2] = [&write(1, &[(0, row(1, 1, 1))]), &[end]];
    assert_eq!(broken(&history), [Promise::NoWriteLost]);
}

#[test]
fn a_write_that_relied_on_what_was_changed_before_it_was_carried_out_is_on_withdrawn_ground() {
    let relied = vec![(0, 0)];
    let committed = Event::Committed { op: 2, rows: vec![(1, row(1, 2, 1))], relied };
    let history: [&[Event]; 2] = [&write(1, &[(0, row(1, 1, 1))]), &[committed]];
    assert_eq!(broken(&history), [Promise::NoWriteOnWithdrawnGround]);
}

#[test]
fn half_of_a_write_or_a_write_without_what_was_answered_before_it_is_no_snapshot() {
    let begun = Event::WriteBegins { op: 1, scopes: vec![0, 1] };
    let history: [&[Event]; 2] = [&[begun], &read(2, &[(0, row(1, 1, 1)), (1, Row::default())])];
    assert_eq!(broken(&history), [Promise::OneSnapshot]);
    let asked = Event::ReadBegins { op: 9, scopes: vec![0, 1] };
    let answered = Event::ReadAnswered { op: 9, seen: vec![(0, Row::default()), (1, row(1, 2, 1))] };
    let history: [&[Event]; 4] =
        [&[asked], &write(1, &[(0, row(1, 1, 1))]), &write(2, &[(1, row(1, 2, 1))]), &[answered]];
    assert_eq!(broken(&history), [Promise::OneSnapshot]);
}

#[test]
fn a_wait_that_nothing_excuses_is_too_long() {
    let waits =
        [(Wait::Read, 11), (Wait::MayCommit, 21), (Wait::Write, 31), (Wait::Join, 41), (Wait::Settle, 51)];
    for (wait, ms) in waits {
        let long = Event::Waited { wait, ms, excused_ms: 0 };
        assert_eq!(broken(&[&[long]]), [Promise::EveryWaitBounded], "{wait:?}");
        let just = Event::Waited { wait, ms, excused_ms: 1 };
        assert_eq!(broken(&[&[just]]), [], "{wait:?}");
    }
}
