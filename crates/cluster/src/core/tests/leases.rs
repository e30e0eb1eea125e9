//! Leases from the peers and to them, and the connections they live on.

use super::stand_in::{Node, PEER, SCOPE, hold, link, may_commit, sent};
use crate::core::{Action, EpochEnd, Event, Message, WriteId};

#[test]
fn a_lease_counts_from_before_it_was_asked_for_and_the_epoch_ends_with_it() {
    let mut node = Node::paired();
    assert!(sent(&node.tick(1050), PEER).contains(&Message::Ask));
    node.hears(1190, PEER, 1, Message::Grant { holds: vec![] });
    node.tick(1249);
    assert!(node.caches());
    let out = node.tick(1250);
    assert!(out.contains(&Action::EpochEnded { why: EpochEnd::NoLeaseFrom(PEER) }));
    assert!(!node.caches());
}

#[test]
fn a_lease_that_comes_after_the_last_was_over_begins_a_new_epoch_and_does_not_go_on_with_the_old() {
    let mut node = Node::paired();
    let before = node.token().unwrap();
    node.tick(1190);
    let out = node.hears(1210, PEER, 1, Message::Grant { holds: vec![] });
    assert!(out.iter().any(|action| matches!(action, Action::EpochEnded { .. })));
    assert!(node.caches() && !node.stands(before));
}

#[test]
fn a_broken_connection_is_a_lost_lease() {
    let mut node = Node::paired();
    let out = node.at(1010, Event::Disconnected { peer: PEER, connection: link(1) });
    assert!(out.contains(&Action::EpochEnded { why: EpochEnd::NoLeaseFrom(PEER) }));
    assert!(!node.caches());
}

#[test]
fn a_new_connection_breaks_the_earlier_one() {
    let mut node = Node::paired();
    let out = node.at(1010, Event::Connected { peer: PEER, connection: link(2) });
    assert_eq!(sent(&out, PEER), [Message::Hello, Message::Ask]);
    assert!(!node.caches());
    node.at(1011, Event::Disconnected { peer: PEER, connection: link(1) });
    node.hears(1012, PEER, 2, Message::Grant { holds: vec![] });
    assert!(node.caches(), "the end of the earlier one says nothing of this one");
}

#[test]
fn what_comes_over_an_earlier_connection_is_ignored() {
    let mut node = Node::paired();
    node.at(1010, Event::Connected { peer: PEER, connection: link(2) });
    node.hears(1011, PEER, 1, Message::Grant { holds: vec![] });
    assert!(!node.caches());
    assert_eq!(sent(&node.hears(1012, PEER, 1, Message::Hold(hold(1))), PEER), []);
}

#[test]
fn a_grant_carries_the_writes_that_its_connection_has_not_heard_of_and_only_those() {
    let mut node = Node::alone();
    node.begin(1000, 1);
    node.at(1000, Event::Connected { peer: PEER, connection: link(1) });
    node.hears(1000, PEER, 1, Message::Hello);
    let out = node.hears(1000, PEER, 1, Message::Ask);
    assert_eq!(sent(&out, PEER), [Message::Grant { holds: vec![hold(1)] }]);
    assert_eq!(sent(&node.begin(1001, 2), PEER), [Message::Hold(hold(2))]);
    let out = node.hears(1040, PEER, 1, Message::Ask);
    assert_eq!(sent(&out, PEER), [Message::Grant { holds: vec![] }]);
    node.at(1060, Event::Connected { peer: PEER, connection: link(2) });
    let out = node.hears(1070, PEER, 2, Message::Ask);
    assert_eq!(sent(&out, PEER), [Message::Grant { holds: vec![hold(1), hold(2)] }], "a new connection");
}

#[test]
fn holds_that_a_grant_carries_are_in_effect_before_the_epoch_begins() {
    let mut node = Node::paired();
    node.at(1010, Event::Connected { peer: PEER, connection: link(2) });
    let out = node.hears(1020, PEER, 2, Message::Grant { holds: vec![hold(1)] });
    let held = out.iter().position(|action| matches!(action, Action::Hold { .. })).unwrap();
    let begun = out.iter().position(|action| matches!(action, Action::EpochBegan { .. })).unwrap();
    assert!(held < begun);
    assert!(!node.caches());
    node.hears(1030, PEER, 2, Message::Release { write: WriteId(1), version: None });
    assert!(node.caches());
}

#[test]
fn a_grant_acknowledges_nothing() {
    let mut node = Node::paired();
    node.begin(1010, 1);
    node.lock(1020, 1);
    let out = node.hears(1050, PEER, 1, Message::Ask);
    assert!(sent(&out, PEER).contains(&Message::Grant { holds: vec![] }));
    assert!(!may_commit(&out, 1));
    assert!(may_commit(&node.hears(1060, PEER, 1, Message::Ack { write: WriteId(1) }), 1));
}

#[test]
fn holds_of_a_broken_connection_are_dropped_after_the_epoch_has_ended() {
    let mut node = Node::paired();
    node.hears(1010, PEER, 1, Message::Hold(hold(1)));
    let out = node.at(1020, Event::Disconnected { peer: PEER, connection: link(1) });
    let ended = out.iter().position(|action| matches!(action, Action::EpochEnded { .. })).unwrap();
    let free = Action::Free { scopes: vec![SCOPE], version: None };
    assert!(ended < out.iter().position(|action| *action == free).unwrap());
}
