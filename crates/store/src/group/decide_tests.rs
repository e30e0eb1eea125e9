//! The decision as a table, and its promises over every state a small group can be in.

use std::collections::BTreeSet;

use super::super::observation::{Member, Seen, Source, Status};
use super::super::position::{Log, Position};
use super::{Memory, Roles, Stop, Why, decide};

const LAG_MAX: u64 = 1_000;

fn follows(number: u64) -> Source {
    Source { number, receives: true, applies: true, ..Source::default() }
}

fn alive(number: u64, read_only: bool, source: Option<Source>) -> Seen {
    Seen::Alive(Box::new(Status { number, read_only, source, lag_ms: Some(0), ..Status::default() }))
}

fn dead() -> Seen {
    Seen::Dead("no answer".into())
}

/// Servers 1, 2, … with the numbers 1, 2, …; the first is registered as the master.
fn members(seen: &[Seen]) -> Vec<Member> {
    let member = |(n, seen): (i64, &Seen)| Member {
        id: n,
        name: format!("db{n}").into(),
        registered_master: n == 1,
        seen: seen.clone(),
    };
    (1..).zip(seen).map(member).collect()
}

fn fresh(seen: &[Seen]) -> Roles {
    decide(&members(seen), &Memory::default(), LAG_MAX)
}

fn master() -> Seen {
    alive(1, false, None)
}

fn replica(number: u64) -> Seen {
    alive(number, true, Some(follows(1)))
}

#[test]
fn a_healthy_group_writes_to_its_master_and_reads_from_its_replicas() {
    let roles = fresh(&[master(), replica(2), replica(3)]);
    assert_eq!(roles, Roles { writer: Ok(1), readers: vec![2, 3], left_out: vec![] });
}

#[test]
fn each_failing_of_a_replica_is_told_apart_and_leaves_it_out() {
    let check = |seen: Seen, expected: Why| {
        let roles = fresh(&[master(), seen, replica(3)]);
        assert_eq!(roles.writer, Ok(1), "{expected:?}");
        assert_eq!((roles.readers, roles.left_out), (vec![3], vec![(2, expected)]));
    };
    let with = |change: fn(&mut Status)| {
        let Seen::Alive(mut status) = replica(2) else { unreachable!() };
        change(&mut status);
        Seen::Alive(status)
    };
    check(dead(), Why::Dead("no answer".into()));
    check(with(|s| s.read_only = false), Why::Writable);
    check(with(|s| s.source.as_mut().unwrap().applies = false), Why::ApplierStopped(String::new()));
    check(with(|s| s.source.as_mut().unwrap().receives = false), Why::ReceiverStopped(String::new()));
    check(with(|s| s.source.as_mut().unwrap().number = 9), Why::FollowsStranger(9));
    check(with(|s| s.lag_ms = Some(1_001)), Why::Lagging { lag_ms: Some(1_001), limit_ms: LAG_MAX });
    check(with(|s| s.lag_ms = None), Why::Lagging { lag_ms: None, limit_ms: LAG_MAX });
    check(alive(2, true, None), Why::FollowsNobody);
}

#[test]
fn a_master_that_cannot_take_writes_stops_them_with_the_reason() {
    let stop = |first: Seen| fresh(&[first, replica(2)]).writer.unwrap_err();
    assert_eq!(stop(dead()), Stop::Dead { name: "db1".into(), reason: "no answer".into() });
    assert_eq!(stop(alive(1, true, None)), Stop::ReadOnly { name: "db1".into() });
    assert_eq!(stop(alive(1, true, Some(follows(2)))), Stop::Follows { name: "db1".into() });
    assert_eq!(stop(Seen::NotYet), Stop::NotSeenYet);
}

#[test]
fn a_replica_that_was_promoted_is_followed_and_its_old_master_is_read_from_once_it_follows() {
    let promoted = alive(2, false, None);
    let third = |source| alive(3, true, Some(follows(source)));
    assert_eq!(fresh(&[dead(), promoted.clone(), third(2)]).writer, Ok(2));
    assert_eq!(fresh(&[alive(1, true, None), promoted.clone(), third(1)]).writer, Ok(2));
    let roles = fresh(&[alive(1, true, Some(follows(2))), promoted, third(2)]);
    assert_eq!(roles, Roles { writer: Ok(2), readers: vec![1, 3], left_out: vec![] });
}

#[test]
fn two_masters_stop_the_writes_until_one_is_read_only() {
    let names = vec!["db1".into(), "db2".into()];
    assert_eq!(fresh(&[master(), alive(2, false, None)]).writer, Err(Stop::Split { names }));
    assert_eq!(fresh(&[alive(1, true, None), alive(2, false, None)]).writer, Ok(2));
}

#[test]
fn a_master_that_was_replaced_is_written_to_again_once_its_successor_is_unregistered() {
    let memory = Memory { writer: Some(2), replaced: BTreeSet::from([1]), floor: Position::parse("0-2-8") };
    let back = decide(&members(&[master(), dead()]), &memory, LAG_MAX).writer;
    assert!(matches!(back, Err(Stop::Replaced { .. })), "{back:?}");
    assert_eq!(decide(&members(&[master()]), &memory, LAG_MAX).writer, Ok(1));
}

#[test]
fn a_master_that_was_replaced_and_comes_back_alone_is_not_written_to_before_it_has_everything() {
    let at = |seen: Seen, position: &str| match seen {
        Seen::Alive(mut status) => {
            status.position = Position::parse(position);
            Seen::Alive(status)
        }
        other => other,
    };
    let mut memory = Memory::default();
    let mut step = |seen: &[Seen]| {
        let members = members(seen);
        let roles = decide(&members, &memory, LAG_MAX);
        memory.remember(&members, &roles);
        roles.writer
    };
    assert_eq!(step(&[at(master(), "0-1-5"), replica(2)]), Ok(1));
    assert_eq!(step(&[dead(), at(alive(2, false, None), "0-2-8")]), Ok(2));
    let back = step(&[at(master(), "0-1-6"), dead()]);
    assert!(matches!(back, Err(Stop::Replaced { .. })), "{back:?}");
    // Neither with more transactions, if they are its own.
    let mut alone = at(master(), "0-1-9");
    let Seen::Alive(status) = &mut alone else { unreachable!() };
    status.log = Log::parse("0-1-9");
    let back = step(&[alone, dead()]);
    assert!(matches!(back, Err(Stop::Replaced { .. })), "{back:?}");
    assert_eq!(step(&[at(master(), "0-2-8"), dead()]), Ok(1));
    assert_eq!(step(&[dead(), at(alive(2, false, None), "0-2-8")]), Ok(2));
}

/// Every way a server of a group of three can look from outside.
fn looks(number: u64) -> Vec<Seen> {
    let mut all = vec![Seen::NotYet, dead()];
    let sources = [None].into_iter().chain((1..=4).filter(|n| *n != number).map(|n| Some(follows(n))));
    for source in sources {
        for read_only in [false, true] {
            for covers in [false, true] {
                let position = Position::parse(if covers { "0-1-9" } else { "0-1-4" });
                let source = source.clone();
                let status =
                    Status { number, read_only, source, position, lag_ms: Some(0), ..Status::default() };
                all.push(Seen::Alive(Box::new(status)));
            }
        }
    }
    all
}

#[test]
fn whatever_is_seen_and_remembered_there_are_never_two_writers() {
    let mut decided = 0u32;
    for first in looks(1) {
        for second in looks(2) {
            for third in looks(3) {
                let members = members(&[first.clone(), second.clone(), third.clone()]);
                let masters = members.iter().filter(|m| m.acts_as_master()).count();
                let mut chosen = BTreeSet::new();
                for writer in [None, Some(1), Some(2), Some(3)] {
                    for replaced in 0..8u8 {
                        let replaced = (1..=3).filter(|id| replaced & (1 << (id - 1)) != 0).collect();
                        let memory = Memory { writer, replaced, floor: Position::parse("0-1-9") };
                        let roles = decide(&members, &memory, LAG_MAX);
                        let of = |id: i64| members.iter().find(|m| m.id == id).unwrap();
                        if let Ok(writer) = roles.writer {
                            assert!(of(writer).acts_as_master());
                            assert_eq!(masters, 1);
                            assert!(!members.iter().any(|m| m.seen == Seen::NotYet));
                            chosen.insert(writer);
                            decided += 1;
                        }
                        for reader in &roles.readers {
                            let status = of(*reader).status().unwrap();
                            assert!(status.read_only && status.source.is_some());
                            assert_ne!(roles.writer, Ok(*reader));
                        }
                        let told =
                            roles.readers.len() + roles.left_out.len() + usize::from(roles.writer.is_ok());
                        let seen = members.iter().filter(|m| m.seen != Seen::NotYet).count();
                        assert_eq!(told, seen, "everybody has one role: {roles:?}");
                    }
                }
                // Nodes that see the same never write to different servers, whatever each remembers.
                assert!(chosen.len() <= 1, "{members:?}: {chosen:?}");
            }
        }
    }
    assert!(decided > 10_000, "{decided} of the states have a writer");
}
