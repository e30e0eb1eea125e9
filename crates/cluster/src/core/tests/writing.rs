//! A write from its begin to its release.

use super::stand_in::{Node, OTHER, PEER, SCOPE, committed, hold, link, may_commit, sent};
use crate::core::{Action, Event, Hold, Message, Outcome, Relied, Version, WriteFailure, WriteId};

#[test]
fn a_write_costs_one_hold_one_acknowledgement_and_one_release_a_peer() {
    let mut node = Node::paired();
    assert_eq!(sent(&node.begin(1010, 1), PEER), [Message::Hold(hold(1))]);
    let out = node.lock(1011, 1);
    assert!(sent(&out, PEER).is_empty() && !may_commit(&out, 1));
    let out = node.hears(1012, PEER, 1, Message::Ack { write: WriteId(1) });
    assert!(sent(&out, PEER).is_empty() && may_commit(&out, 1));
    let release = Message::Release { write: WriteId(1), version: Some(Version(5)) };
    assert_eq!(sent(&node.end(1013, 1, committed(5)), PEER), [release]);
}

#[test]
fn a_write_waits_for_its_rows_however_early_the_peers_answer() {
    let mut node = Node::paired();
    node.begin(1010, 1);
    assert!(!may_commit(&node.hears(1011, PEER, 1, Message::Ack { write: WriteId(1) }), 1));
    assert!(may_commit(&node.lock(1012, 1), 1));
}

#[test]
fn a_peer_that_does_not_answer_is_waited_for_until_its_lease_and_the_drift_are_over() {
    let mut node = Node::paired();
    node.begin(1010, 1);
    node.lock(1020, 1);
    let mut out = node.at(1030, Event::Disconnected { peer: PEER, connection: link(1) });
    while !may_commit(&out, 1) {
        assert!(node.now.0 < 1210, "waits longer than the lease and the drift");
        out = node.tick(node.core.wake_at.0);
    }
    assert_eq!(node.now.0, 1210, "by the node's own wakes");
    node.end(1211, 1, committed(5));
    node.begin(1220, 2);
    assert!(may_commit(&node.lock(1221, 2), 2), "whose lease is over is not waited for again");
}

#[test]
fn a_peer_that_comes_back_without_its_lease_is_not_waited_for_any_longer() {
    let mut node = Node::paired();
    node.begin(1010, 1);
    node.lock(1020, 1);
    node.at(1030, Event::Connected { peer: PEER, connection: link(2) });
    assert!(may_commit(&node.hears(1040, PEER, 2, Message::Hello), 1));
}

#[test]
fn a_write_whose_membership_ended_while_it_waited_for_its_rows_fails() {
    let mut node = Node::alone();
    node.begin(1500, 1);
    let out = node.lock(1600, 1);
    assert!(out.contains(&Action::WriteMustFail { write: WriteId(1), why: WriteFailure::NotAMember }));
    assert!(!may_commit(&out, 1));
}

#[test]
fn a_write_that_relied_on_what_has_changed_fails_and_says_on_what() {
    let mut node = Node::alone();
    node.begin(1010, 1);
    let relied = |found| vec![Relied { scope: OTHER, read: Version(4), found: Version(found) }];
    let out = node.at(1020, Event::RowsLocked { write: WriteId(1), relied: relied(5) });
    let why = WriteFailure::StaleGround(OTHER);
    assert!(out.contains(&Action::WriteMustFail { write: WriteId(1), why }));
    assert!(!may_commit(&out, 1));
    node.end(1021, 1, Outcome::RolledBack);
    node.begin(1030, 2);
    assert!(may_commit(&node.at(1040, Event::RowsLocked { write: WriteId(2), relied: relied(4) }), 2));
}

#[test]
fn a_write_of_several_scopes_is_one_hold_and_frees_all_of_them_at_once() {
    let mut node = Node::paired();
    let scopes = vec![SCOPE, OTHER];
    let out = node.at(1010, Event::WriteBegun { write: WriteId(1), scopes: scopes.clone() });
    let hold = Hold { write: WriteId(1), scopes: scopes.clone() };
    assert_eq!(sent(&out, PEER), [Message::Hold(hold)]);
    assert!(node.token().is_none() && node.token_of(OTHER).is_none());
    node.lock(1011, 1);
    let out = node.end(1012, 1, committed(5));
    assert!(out.contains(&Action::Free { scopes, version: Some(Version(5)) }));
    assert!(node.caches() && node.token_of(OTHER).is_some());
}

#[test]
fn a_release_ends_the_hold_of_its_own_write_only() {
    let mut node = Node::paired();
    node.hears(1010, PEER, 1, Message::Hold(hold(1)));
    node.hears(1010, PEER, 1, Message::Hold(hold(2)));
    node.hears(1020, PEER, 1, Message::Release { write: WriteId(2), version: Some(Version(5)) });
    assert!(!node.caches());
    node.hears(1030, PEER, 1, Message::Release { write: WriteId(2), version: Some(Version(5)) });
    assert!(!node.caches(), "a second release of the same write frees nothing");
    node.hears(1040, PEER, 1, Message::Release { write: WriteId(1), version: Some(Version(6)) });
    assert!(node.caches());
}

#[test]
fn a_hold_is_in_effect_before_it_is_acknowledged() {
    let mut node = Node::paired();
    let out = node.hears(1010, PEER, 1, Message::Hold(hold(1)));
    let held = out.iter().position(|action| matches!(action, Action::Hold { .. })).unwrap();
    let acknowledged = out.iter().position(|action| matches!(action, Action::Send { .. })).unwrap();
    assert!(held < acknowledged);
    assert_eq!(sent(&out, PEER), [Message::Ack { write: WriteId(1) }]);
}

#[test]
fn a_write_in_doubt_stays_held_until_its_outcome_is_found_out() {
    let mut node = Node::paired();
    node.begin(1010, 1);
    node.hears(1010, PEER, 1, Message::Ack { write: WriteId(1) });
    node.lock(1011, 1);
    let out = node.end(1020, 1, Outcome::InDoubt);
    assert!(out.contains(&Action::FindOut { write: WriteId(1), scopes: vec![SCOPE] }));
    assert!(sent(&out, PEER).is_empty() && !node.caches());
    let out = node.at(1030, Event::FoundOut { write: WriteId(1), version: Version(5) });
    let release = Message::Release { write: WriteId(1), version: Some(Version(5)) };
    assert_eq!(sent(&out, PEER), [release]);
    assert!(node.caches());
}

#[test]
fn a_write_that_was_rolled_back_is_released_without_a_version() {
    let mut node = Node::paired();
    node.begin(1010, 1);
    let release = Message::Release { write: WriteId(1), version: None };
    assert_eq!(sent(&node.end(1020, 1, Outcome::RolledBack), PEER), [release]);
    assert!(node.caches());
    assert!(node.core.deadlines.is_empty(), "nothing is left to wait for");
}
