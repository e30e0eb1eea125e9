//! Writes on one node, seen from the others.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, advance};

use super::cluster::{Cluster, until};
use crate::Outcome;
use crate::core::Timing;

#[tokio::test(start_paused = true)]
async fn a_write_may_be_committed_when_no_node_answers_its_scope_from_memory_any_more() {
    let cluster = Cluster::of(3).await;
    let before: Vec<_> = (0..3).map(|node| cluster.token(node).unwrap()).collect();
    let begun = Instant::now();
    let mut write = cluster.announce(0);
    write.may_commit().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO, "nobody's lease was waited for");
    for (node, token) in before.iter().enumerate() {
        assert!(!cluster.stands(node, *token) && cluster.token(node).is_none(), "node {node}");
    }
    write.ended(Outcome::Committed(5));
    until(|| (0..3).all(|node| cluster.token(node).is_some())).await;
    assert!(!(0..3).any(|node| cluster.stands(node, before[node])));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_not_heard_of_is_waited_for_as_long_as_its_lease_may_last() {
    let cluster = Cluster::of(3).await;
    let remembered = cluster.token(2).unwrap();
    cluster.deafen(2);
    let begun = Instant::now();
    let mut write = cluster.announce(0);
    write.may_commit().await.unwrap();
    let Timing { lease_ms, drift_ms, ask_every_ms, .. } = Timing::default();
    let bounds = lease_ms - ask_every_ms..=lease_ms + drift_ms + 2;
    let waited_ms = u64::try_from(begun.elapsed().as_millis()).unwrap();
    assert!(bounds.contains(&waited_ms), "waited {waited_ms} ms, not {bounds:?}");
    assert!(!cluster.stands(2, remembered), "though it was never told");
    write.ended(Outcome::Aborted);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_began_before_a_connection_broke_is_held_over_the_next_one_too() {
    let cluster = Cluster::of(2).await;
    let mut write = cluster.announce(0);
    write.may_commit().await.unwrap();
    cluster.flap(1);
    until(|| cluster.nodes[1].shared.validity.epoch_at(Instant::now().into_std()).is_some()).await;
    assert!(cluster.token(1).is_none(), "it answers from memory again, but not this scope");
    write.ended(Outcome::Committed(5));
    until(|| cluster.token(1).is_some()).await;
}

#[tokio::test(start_paused = true)]
async fn a_write_in_doubt_or_given_up_holds_its_scope_until_its_version_can_be_read() {
    let cluster = Cluster::of(2).await;
    for gives_up in [false, true] {
        let mut write = cluster.announce(0);
        write.may_commit().await.unwrap();
        cluster.database.away.store(true, Ordering::SeqCst);
        if gives_up {
            drop(write);
        } else {
            write.ended(Outcome::InDoubt);
        }
        advance(Duration::from_millis(300)).await;
        assert!(cluster.token(0).is_none() && cluster.token(1).is_none());
        cluster.database.away.store(false, Ordering::SeqCst);
        until(|| cluster.token(0).is_some() && cluster.token(1).is_some()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_cannot_reach_the_registry_writes_and_remembers_until_the_membership_is_over_and_no_longer() {
    let cluster = Cluster::of(1).await;
    let token = cluster.token(0).unwrap();
    cluster.database.away.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    until(|| !cluster.stands(0, token)).await;
    assert!(begun.elapsed() <= Duration::from_millis(Timing::default().member_ttl_ms));
    let mut write = cluster.announce(0);
    let refused = write.may_commit().await.unwrap_err();
    assert_eq!(refused.0, "this node's membership in the cluster has run out");
    write.ended(Outcome::Aborted);
    cluster.database.away.store(false, Ordering::SeqCst);
    cluster.settle().await;
    cluster.announce(0).may_commit().await.unwrap();
}
