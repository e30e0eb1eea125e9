//! What readers see of it all.

use super::stand_in::{ME, Node, OTHER, PEER, hold, link};
use crate::core::{Core, Event, Known, Message, Part, Version, WriteId};

#[test]
fn what_was_loaded_stands_until_a_write_to_its_scope_begins_and_never_again() {
    let mut node = Node::paired();
    let (token, other) = (node.token().unwrap(), node.token_of(OTHER).unwrap());
    assert!(node.stands(token));
    node.hears(1010, PEER, 1, Message::Hold(hold(1)));
    assert!(!node.stands(token) && node.token().is_none());
    assert!(node.token_of(OTHER) == Some(other), "another scope");
    node.hears(1020, PEER, 1, Message::Release { write: WriteId(1), version: None });
    assert!(!node.stands(token));
    let fresh = node.token().unwrap();
    assert!(node.stands(fresh));
}

#[test]
fn the_own_writes_void_too() {
    let mut node = Node::alone();
    let token = node.token().unwrap();
    node.begin(1010, 1);
    assert!(!node.stands(token) && node.token().is_none());
}

#[test]
fn a_reader_sees_by_itself_that_an_epoch_ran_out_though_no_step_was_made() {
    let node = Node::paired();
    let token = node.token().unwrap();
    assert!(node.stands_until(token, 1199));
    assert!(!node.stands_until(token, 1200));
}

#[test]
fn a_node_that_does_not_cache_asks_for_no_lease_and_has_no_epoch() {
    let mut node = Node::new();
    node.core = Core::new(Part { me: ME, caches: false }, super::stand_in::TIMING);
    node.tick(1000);
    node.list(1000, 1, &[(ME, 1), (PEER, 1)]);
    let out = node.at(1000, Event::Connected { peer: PEER, connection: link(1) });
    assert_eq!(super::stand_in::sent(&out, PEER), [Message::Hello]);
    assert!(!node.caches());
}

#[test]
fn the_first_load_of_an_epoch_locks_and_later_ones_take_any_server_that_has_the_known_version() {
    let mut node = Node::alone();
    let first = node.token().unwrap();
    let known = Known::by_locked_load(first, Version(4));
    node.begin(1010, 1);
    node.end(1020, 1, super::stand_in::committed(5));
    let (known, second) = (known.released(Version(5)).released(Version(3)), node.token().unwrap());
    assert!(known.spares_lock(second));
    assert!(!known.is_reached_by(second, Version(4)) && known.is_reached_by(second, Version(5)));
    node.tick(1100);
    node.list(1700, 2, &[(ME, 2)]);
    node.tick(1700);
    node.list(1700, 3, &[(ME, 3)]);
    let next_epoch = node.token().unwrap();
    assert!(!known.spares_lock(next_epoch) && !known.is_reached_by(next_epoch, Version(5)));
}
