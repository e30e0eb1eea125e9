//! What a node says of itself.

use std::time::Duration;

use tokio::time::advance;

use super::cluster::{Cluster, until};
use crate::Outcome;

#[tokio::test(start_paused = true)]
async fn a_node_says_who_leases_it_what_and_which_writes_are_under_way() {
    let cluster = Cluster::of(2).await;
    let mut write = cluster.announce(0);
    write.may_commit().await.unwrap();
    let (writer, peer) = (cluster.nodes[0].status(), cluster.nodes[1].status());
    assert_eq!((writer.sight.stage, writer.joined, writer.caches), ("member", true, true));
    assert!(writer.sight.membership_ms > 0 && writer.sight.epoch_ms.is_some());
    assert_eq!((writer.sight.writes_open, writer.sight.holds_open), (1, 0));
    assert_eq!((writer.sight.writes[0].stage, writer.sight.writes[0].scopes), ("decided", 1));
    let of_writer = &peer.sight.members[0];
    assert_eq!(of_writer.incarnation, writer.incarnation);
    assert!(of_writer.connected && of_writer.counts && of_writer.lease_ms > 0 && of_writer.granted_ms > 0);
    assert_eq!((peer.sight.holds_open, of_writer.holds, of_writer.held_scopes), (1, 1, 1));
    write.ended(Outcome::Committed(1));
    until(|| cluster.nodes[1].status().sight.holds_open == 0).await;
    assert_eq!(cluster.nodes[0].status().sight.writes_open, 0);
    assert!(serde_json::to_string(&cluster.nodes[0].status()).unwrap().contains("\"stage\":\"member\""));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_waits_says_for_whom_and_how_long_at_most() {
    let cluster = Cluster::of(2).await;
    cluster.deafen(1);
    let _write = cluster.announce(0);
    let status = cluster.nodes[0].status();
    assert_eq!(status.sight.writes[0].waits_for, [cluster.name(1).to_string()]);
    assert!((1..=2_100).contains(&status.sight.writes[0].wait_ms), "{:?}", status.sight.writes);
}

#[tokio::test(start_paused = true)]
async fn each_change_of_an_epoch_is_kept_with_its_reason_and_time_the_latest_first_and_old_ones_only_counted()
{
    let cluster = Cluster::of(2).await;
    cluster.deafen(1);
    until(|| cluster.nodes[0].status().epochs[0].what != "began").await;
    advance(Duration::from_millis(500)).await;
    let status = cluster.nodes[0].status();
    let [ended, began, ..] = status.epochs.as_slice() else { panic!("{:?}", status.epochs) };
    assert_eq!(
        (ended.what, ended.member.as_deref()),
        ("no_lease", Some(cluster.name(1).to_string().as_str()))
    );
    assert_eq!((began.what, began.member.as_deref()), ("began", None));
    assert!(ended.ago_ms >= 500 && began.ago_ms > ended.ago_ms);
    assert!(status.sight.epoch_ms.is_none());
    assert_eq!(status.epochs_begun, status.epochs_ended);
    cluster.hear_again();
    for _ in 0..20 {
        let before = cluster.nodes[0].status().epochs_begun;
        cluster.flap(1);
        until(|| cluster.nodes[0].status().epochs_begun > before).await;
    }
    let status = cluster.nodes[0].status();
    assert_eq!(status.epochs.len(), 32);
    assert!(status.epochs_begun > 20 && status.epochs[0].what == "began");
}
