//! A clean stop, seen by the one who stops and by the others.

use super::stand_in::{ME, Node, PEER, committed, link, may_commit, sent};
use crate::core::{Action, Event, Message, WriteFailure, WriteId};

#[test]
fn whoever_leaves_begins_no_write_finishes_its_own_and_then_goes() {
    let mut node = Node::paired();
    node.begin(1010, 1);
    node.hears(1010, PEER, 1, Message::Ack { write: WriteId(1) });
    let out = node.at(1020, Event::Leave);
    assert!(!out.contains(&Action::Left) && !node.caches());
    let leaving = Action::WriteMustFail { write: WriteId(2), why: WriteFailure::Leaving };
    assert!(node.begin(1021, 2).contains(&leaving));
    assert!(may_commit(&node.lock(1022, 1), 1));
    let out = node.end(1023, 1, committed(5));
    assert!(out.contains(&Action::Left) && out.contains(&Action::Remove { member: ME, attempt: 1 }));
    let last = sent(&out, PEER);
    assert!(matches!(last.as_slice(), [Message::Release { .. }, Message::Leave]), "{last:?}");
}

#[test]
fn nobody_waits_for_whoever_has_left_and_no_epoch_ends() {
    let mut node = Node::paired();
    let before = node.token().unwrap();
    node.begin(1010, 1);
    node.lock(1011, 1);
    assert!(may_commit(&node.hears(1020, PEER, 1, Message::Leave), 1));
    node.end(1021, 1, committed(5));
    assert!(node.caches() && !node.stands(before), "the write voids, the leaving does not");
    let before = node.token().unwrap();
    node.at(1022, Event::Disconnected { peer: PEER, connection: link(1) });
    node.tick(1100);
    node.list(1100, 2, &[(ME, 2), (PEER, 9)]);
    assert!(node.stands(before), "a list from before its row went");
    node.tick(1300);
    node.list(1300, 3, &[(ME, 3)]);
    assert!(node.stands(before));
}
