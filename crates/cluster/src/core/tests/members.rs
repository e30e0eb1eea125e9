//! Registration, renewals, lists, removals and the joiner's wait.

use super::stand_in::{ME, Node, PEER, THIRD, TIMING, link, sent};
use crate::core::{Action, EpochEnd, Event, Message, Timing, TimingError, WriteFailure, WriteId};

#[test]
fn a_node_registers_with_its_first_step_and_renews_when_it_is_time() {
    let mut node = Node::new();
    assert!(node.tick(1000).contains(&Action::Renew { attempt: 1, register: true }));
    node.list(1020, 1, &[(ME, 1)]);
    assert!(!node.tick(1099).iter().any(|action| matches!(action, Action::Renew { .. })));
    assert!(node.tick(1100).contains(&Action::Renew { attempt: 2, register: false }));
}

#[test]
fn a_membership_counts_from_before_the_renewal_was_sent() {
    let mut node = Node::new();
    node.tick(1000);
    let out = node.list(1500, 1, &[(ME, 1)]);
    assert!(out.iter().any(|action| matches!(action, Action::EpochBegan { until } if until.0 == 1600)));
    node.tick(1599);
    assert!(node.caches());
    let out = node.tick(1600);
    assert!(out.contains(&Action::EpochEnded { why: EpochEnd::MembershipOver }));
    assert!(!node.caches());
}

#[test]
fn a_renewal_that_fails_is_tried_again_sooner_and_its_late_answer_counts_for_nothing() {
    let mut node = Node::alone();
    node.tick(1100);
    node.at(1150, Event::RenewFailed { attempt: 2 });
    assert!(node.tick(1175).contains(&Action::Renew { attempt: 3, register: false }));
    let out = node.list(1180, 2, &[(ME, 2), (PEER, 1)]);
    assert!(
        !out.iter().any(|action| matches!(action, Action::EpochExtended { .. } | Action::EpochEnded { .. }))
    );
}

#[test]
fn a_member_that_is_new_on_the_list_ends_the_epoch_until_it_gives_a_lease() {
    let mut node = Node::alone();
    let before = node.token().unwrap();
    node.tick(1100);
    let out = node.list(1100, 2, &[(ME, 2), (PEER, 1)]);
    assert!(out.contains(&Action::EpochEnded { why: EpochEnd::NoLeaseFrom(PEER) }));
    node.at(1100, Event::Connected { peer: PEER, connection: link(1) });
    assert!(!node.caches());
    node.hears(1110, PEER, 1, Message::Grant { holds: vec![] });
    assert!(node.caches() && !node.stands(before));
}

#[test]
fn a_joiner_that_says_hello_ends_the_epoch_before_it_is_welcomed() {
    let mut node = Node::alone();
    node.at(1000, Event::Connected { peer: PEER, connection: link(1) });
    assert!(node.caches(), "a connection is no membership");
    let out = node.hears(1010, PEER, 1, Message::Hello);
    let at = |wanted: &dyn Fn(&Action) -> bool| out.iter().position(wanted).unwrap();
    let ended = at(&|action| matches!(action, Action::EpochEnded { .. }));
    let welcome = at(&|action| matches!(action, Action::Send { message: Message::Welcome, .. }));
    assert!(ended < welcome && !node.caches());
}

#[test]
fn a_member_that_said_hello_is_counted_until_a_list_asked_for_later_lacks_it() {
    let mut node = Node::alone();
    node.tick(1100);
    node.at(1110, Event::Connected { peer: PEER, connection: link(1) });
    node.hears(1110, PEER, 1, Message::Hello);
    node.list(1120, 2, &[(ME, 2)]);
    assert!(!node.caches(), "that list was asked for before the hello");
    node.tick(1200);
    let out = node.list(1210, 3, &[(ME, 3)]);
    assert!(out.contains(&Action::Close { peer: PEER, connection: link(1) }));
    assert!(node.caches());
}

#[test]
fn the_removal_of_a_member_ends_the_epoch_and_a_new_one_begins() {
    let mut node = Node::paired();
    node.tick(1100);
    node.list(1100, 2, &[(ME, 2), (PEER, 5)]);
    let before = node.token().unwrap();
    node.tick(1199);
    node.hears(1199, PEER, 1, Message::Grant { holds: vec![] });
    node.tick(1200);
    let out = node.list(1200, 3, &[(ME, 3)]);
    assert!(out.contains(&Action::EpochEnded { why: EpochEnd::Removed(PEER) }));
    assert!(node.caches() && !node.stands(before));
}

#[test]
fn a_member_is_removed_once_a_witness_saw_no_renewal_for_as_long_as_one_is_good_and_clocks_may_differ() {
    let mut node = Node::alone();
    let mut removals = Vec::new();
    for (attempt, now) in (2..).zip((1100..=2000).step_by(100)) {
        let last_renewal = if now < 1200 { 4 } else { 5 };
        node.tick(now);
        let out = node.list(now, attempt, &[(ME, attempt), (PEER, last_renewal)]);
        if out.contains(&Action::Remove { member: PEER, attempt: 5 }) {
            removals.push(now);
        }
    }
    let over = 1200 + TIMING.member_ttl_ms + TIMING.drift_ms;
    assert!((1801..1900).contains(&over));
    assert_eq!(removals, [1900, 2000], "with the first list after {over}, and again while it is there");
}

#[test]
fn a_joiner_writes_once_all_who_were_there_welcomed_it_or_are_gone() {
    let mut node = Node::new();
    node.tick(1000);
    let out = node.list(1000, 1, &[(ME, 1), (PEER, 1), (THIRD, 1)]);
    assert!(!out.contains(&Action::Joined));
    let joining = Action::WriteMustFail { write: WriteId(1), why: WriteFailure::Joining };
    assert!(node.begin(1001, 1).contains(&joining));
    let out = node.at(1002, Event::Connected { peer: PEER, connection: link(1) });
    assert_eq!(sent(&out, PEER), [Message::Hello, Message::Ask]);
    assert!(!node.hears(1003, PEER, 1, Message::Welcome).contains(&Action::Joined));
    node.tick(1100);
    assert!(node.list(1100, 2, &[(ME, 2), (PEER, 2)]).contains(&Action::Joined), "the third was removed");
    assert!(
        !node
            .begin(1101, 2)
            .contains(&Action::WriteMustFail { write: WriteId(2), why: WriteFailure::Joining })
    );
}

#[test]
fn a_joiner_that_cannot_be_told_so_is_counted_by_all_once_no_membership_from_before_it_can_be_good() {
    let mut node = Node::new();
    node.tick(1000);
    let out = node.list(1010, 1, &[(ME, 1), (PEER, 1)]);
    let at = 1010 + TIMING.member_ttl_ms + TIMING.drift_ms;
    assert!(!out.contains(&Action::Joined));
    let mut joined = None;
    for (attempt, now) in (2..).zip((1110..2000).step_by(100)) {
        joined = joined.or(node.tick(now).contains(&Action::Joined).then_some(now));
        node.list(now, attempt, &[(ME, attempt), (PEER, attempt)]);
    }
    assert!(joined.is_some_and(|now| (at..at + 100).contains(&now)), "{joined:?}, not {at}");
    let joining = Action::WriteMustFail { write: WriteId(1), why: WriteFailure::Joining };
    assert!(!node.begin(2001, 1).contains(&joining));
}

#[test]
fn whoever_was_removed_neither_caches_nor_writes_and_comes_back_as_somebody_else() {
    let mut node = Node::alone();
    node.begin(1050, 1);
    node.tick(1100);
    let out = node.at(1101, Event::Gone { attempt: 2 });
    assert!(out.contains(&Action::Rejoin));
    assert!(out.contains(&Action::WriteMustFail { write: WriteId(1), why: WriteFailure::NotAMember }));
    assert!(!node.caches());
    assert!(node.begin(1102, 2).iter().any(|action| matches!(action, Action::WriteMustFail { .. })));
    assert!(!node.tick(9000).iter().any(|action| matches!(action, Action::Renew { .. })));
}

#[test]
fn a_membership_that_lapsed_and_was_not_removed_goes_on_with_the_next_renewal_in_a_new_epoch() {
    let mut node = Node::alone();
    let before = node.token().unwrap();
    node.tick(1100);
    node.at(1500, Event::RenewFailed { attempt: 2 });
    node.tick(1700);
    assert!(!node.caches());
    node.list(1710, 3, &[(ME, 3)]);
    assert!(node.caches() && !node.stands(before));
}

#[test]
fn times_that_do_not_fit_are_refused_by_name() {
    let default = Timing::default();
    assert_eq!(default.checked(), Ok(default));
    let wrong = Timing { ask_every_ms: 2000, ..default };
    assert_eq!(wrong.checked(), Err(TimingError { longer: "lease_ms", shorter: "ask_every_ms" }));
    assert_eq!(wrong.checked().unwrap_err().to_string(), "lease_ms must be more than ask_every_ms");
    assert!(Timing { renew_every_ms: 0, ..default }.checked().is_err());
}
