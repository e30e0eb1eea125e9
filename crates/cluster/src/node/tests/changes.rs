//! What a node hears of writes, wherever they are made.

use std::sync::atomic::Ordering;

use super::cluster::{Cluster, SCOPE};
use crate::{Change, Listener, Outcome};

const WRITTEN: Change = Change::Scope { scope: SCOPE, version: Some(5) };
const UNKNOWN: Change = Change::Scope { scope: SCOPE, version: None };

async fn hears(listener: &mut Listener, expected: Change) {
    assert_eq!(listener.next().await, Some(expected));
}

#[tokio::test(start_paused = true)]
async fn every_node_hears_of_a_write_with_its_version_when_it_is_released_and_not_before() {
    let cluster = Cluster::of(3).await;
    let mut listeners: Vec<_> = (0..3).map(|node| cluster.coherence(node).changes.listen()).collect();
    let mut write = cluster.announce(0);
    write.may_commit().await.unwrap();
    for listener in &mut listeners {
        let early = tokio::time::timeout(std::time::Duration::from_millis(50), listener.next()).await;
        assert!(early.is_err(), "heard {early:?} of a write that is not over");
    }
    write.ended(Outcome::Committed(5));
    for (node, listener) in listeners.iter_mut().enumerate() {
        hears(listener, WRITTEN).await;
        assert!(cluster.token(node).is_some(), "what node {node} loads on hearing of it may be kept");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_rolled_back_is_heard_of_without_a_version() {
    let cluster = Cluster::of(2).await;
    let mut listener = cluster.coherence(1).changes.listen();
    cluster.announce(0).ended(Outcome::Aborted);
    hears(&mut listener, UNKNOWN).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_loses_a_connection_hears_that_anything_may_have_changed_and_again_when_it_is_told_everything()
 {
    let cluster = Cluster::of(2).await;
    let mut listener = cluster.coherence(1).changes.listen();
    let mut write = cluster.announce(0);
    write.may_commit().await.unwrap();
    cluster.flap(1);
    hears(&mut listener, Change::Anything).await;
    hears(&mut listener, UNKNOWN).await;
    hears(&mut listener, Change::Anything).await;
    write.ended(Outcome::Committed(5));
    hears(&mut listener, WRITTEN).await;
}

#[tokio::test(start_paused = true)]
async fn a_write_in_doubt_is_heard_of_with_what_was_found_out() {
    let cluster = Cluster::of(2).await;
    let mut listener = cluster.coherence(1).changes.listen();
    let mut write = cluster.announce(0);
    write.may_commit().await.unwrap();
    cluster.database.version.store(5, Ordering::SeqCst);
    write.ended(Outcome::InDoubt);
    hears(&mut listener, WRITTEN).await;
}

#[tokio::test(start_paused = true)]
async fn who_has_no_word_from_another_node_hears_that_anything_may_have_changed_when_its_lease_is_over() {
    let cluster = Cluster::of(2).await;
    let mut listener = cluster.coherence(0).changes.listen();
    cluster.deafen(1);
    hears(&mut listener, Change::Anything).await;
    assert!(cluster.token(0).is_none());
}
