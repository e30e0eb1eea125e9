//! Joining, leaving, being removed and coming back.

use std::time::Duration;

use tokio::time::Instant;

use super::cluster::{Cluster, until};
use crate::Outcome;
use crate::node::Progress;

#[tokio::test(start_paused = true)]
async fn a_node_that_joins_is_refused_writes_until_all_who_were_there_know_it() {
    let mut cluster = Cluster::of(2).await;
    cluster.deafen(1);
    cluster.join().await;
    until(|| cluster.database.rows.lock().unwrap().len() == 3).await;
    let mut write = cluster.announce(2);
    let refused = write.may_commit().await.unwrap_err();
    assert_eq!(refused.0, "this node has just joined, and not every member knows it yet");
    write.ended(Outcome::Aborted);
    assert!(!cluster.has_joined(2));
    cluster.hear_again();
    cluster.flap(1);
    cluster.settle().await;
    let mut write = cluster.announce(2);
    write.may_commit().await.unwrap();
    write.ended(Outcome::Committed(1));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_removed_comes_back_under_another_name_and_remembers_nothing() {
    let cluster = Cluster::of(2).await;
    let (name, token) = (cluster.name(1), cluster.token(1).unwrap());
    cluster.database.rows.lock().unwrap().remove(&name);
    until(|| cluster.name(1) != name).await;
    cluster.settle().await;
    assert!(!cluster.stands(1, token));
    let rows: Vec<_> = cluster.database.rows.lock().unwrap().keys().copied().collect();
    assert_eq!(rows.len(), 2);
    assert!(rows.contains(&cluster.name(1)));
    for node in 0..2 {
        let mut write = cluster.announce(node);
        write.may_commit().await.unwrap();
        write.ended(Outcome::Committed(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_leaves_finishes_its_write_and_nobody_waits_for_it_afterwards() {
    let cluster = Cluster::of(3).await;
    let remembered = cluster.token(1).unwrap();
    let mut write = cluster.coherence(2).announcer.announce(&[]);
    write.may_commit().await.unwrap();
    cluster.nodes[2].leave();
    assert_ne!(*cluster.nodes[2].progress().borrow(), Progress::Left);
    write.ended(Outcome::Aborted);
    assert_eq!(*cluster.nodes[2].progress().borrow(), Progress::Left);
    until(|| cluster.database.rows.lock().unwrap().len() == 2).await;
    assert!(cluster.stands(1, remembered), "no epoch ends by it");
    let begun = Instant::now();
    let mut write = cluster.announce(0);
    write.may_commit().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    write.ended(Outcome::Committed(1));
}
