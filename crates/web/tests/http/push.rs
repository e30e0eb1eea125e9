//! Push as a browser has it: a stream of events from a node, through the web tier.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use zebu_app::push;
use zebu_kit::{ANNA, BEN, Client, Cluster, Events, Heard};

use crate::support::{OWNER, VIEWER, folder, home, share};

/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

async fn next(events: &mut Events) -> Heard {
    timeout(PATIENCE, events.next()).await.expect("an event in time").expect("another event")
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.expect("what was waited for");
}

fn heard(event: &str, data: Value) -> Heard {
    Heard { event: event.to_owned(), data }
}

fn about(folder: &str, timestamp: i64) -> Value {
    json!({"topic": "folder", "folder": folder, "timestamp": timestamp})
}

async fn timestamp(client: &Client, folder: &str) -> i64 {
    client.get("infostore", "all", &[("folder", folder), ("columns", "1")]).await.timestamp()
}

#[tokio::test]
async fn what_is_written_on_one_node_is_heard_through_the_web_tier_from_the_other() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    let home = home(&anna).await;
    let listener = anna.again().pinned("OX-2");
    let topics = format!("folder:{home},tree");
    let mut events = listener.events(&topics, None).await;
    assert_eq!(events.headers["cache-control"], "no-store, no-transform");
    assert_eq!(events.headers["x-content-type-options"], "nosniff");
    let ready = next(&mut events).await;
    assert_eq!(
        (ready.event.as_str(), &ready.data["topics"][0]),
        ("ready", &about(&home, timestamp(&anna, &home).await))
    );
    assert_eq!(push::state(&cluster.nodes[1].app).open, 1, "it is on the other node");

    anna.upload(&home, "a.txt", b"a").await;
    assert_eq!(next(&mut events).await, heard("change", about(&home, timestamp(&anna, &home).await)));
    folder(&anna, &home, "below").await;
    let change = next(&mut events).await;
    assert_eq!((change.event.as_str(), &change.data["topic"]), ("change", &json!("tree")));

    // The browser is cut off, misses a write, and comes back on the first node.
    let id = events.last_id.clone();
    drop(events);
    anna.upload(&home, "b.txt", b"b").await;
    let mut events = anna.events(&topics, Some(&id)).await;
    assert_eq!(next(&mut events).await.event, "ready");
    assert_eq!(next(&mut events).await, heard("change", about(&home, timestamp(&anna, &home).await)));
    let mut events = anna.events(&topics, Some("7.7;tree=5")).await;
    assert_eq!(next(&mut events).await, heard("start_over", json!({})));
    assert_eq!(next(&mut events).await.event, "ready");
}

#[tokio::test]
async fn a_withdrawn_right_and_a_sign_out_elsewhere_are_said_and_end_what_they_concern() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    let ben = cluster.client("ben").pinned("OX-2").login().await;
    let shared = folder(&anna, &home(&anna).await, "shared").await;
    share(&anna, &shared, &[(ANNA.0, false, OWNER), (BEN.0, false, VIEWER)]).await;
    let mut both = ben.events(&format!("users,folder:{shared}"), None).await;
    assert_eq!(next(&mut both).await.event, "ready");
    share(&anna, &shared, &[(ANNA.0, false, OWNER)]).await;
    anna.upload(&shared, "unseen.txt", b"x").await;
    let gone = next(&mut both).await;
    assert_eq!(
        (gone.event.as_str(), &gone.data["folder"], &gone.data["code"]),
        ("gone", &json!(shared), &json!("FLD-0003"))
    );
    assert!(gone.data.get("timestamp").is_none());
    let elsewhere = ben.again().pinned("OX-1");
    elsewhere.get("login", "logout", &[]).await;
    let end = next(&mut both).await;
    assert_eq!(
        (end.event.as_str(), &end.data["reason"], &end.data["code"]),
        ("end", &json!("session"), &json!("SES-0203"))
    );
    assert_eq!(both.next().await, None);
}

#[tokio::test]
async fn a_node_that_stops_sends_its_listeners_elsewhere_and_they_miss_nothing() {
    let mut cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-2").login().await;
    let home = home(&anna).await;
    let topics = format!("folder:{home}");
    let mut events = anna.events(&topics, None).await;
    next(&mut events).await;
    let (id, address) = (events.last_id.clone(), cluster.address);
    let stopping = async { cluster.nodes[1].stop().await };
    let listening = async {
        let end = next(&mut events).await;
        let after = events.next().await;
        (end, after)
    };
    let ((), (end, after)) = tokio::join!(stopping, listening);
    assert_eq!((end, after), (heard("end", json!({"reason": "drain"})), None));
    assert_eq!(events.last_id, id);
    assert_eq!(anna.address, address);
    anna.upload(&home, "meanwhile.txt", b"x").await;
    let mut events = anna.events(&topics, Some(&id)).await;
    next(&mut events).await;
    assert_eq!(next(&mut events).await, heard("change", about(&home, timestamp(&anna, &home).await)));
    assert_eq!(push::state(&cluster.nodes[0].app).open, 1);
}

#[tokio::test]
async fn a_quiet_stream_outlasts_every_time_limit_of_the_web_tier() {
    let cluster = Cluster::start_tuned(
        1,
        |app| app.push.heartbeat_ms = 100,
        |_| {},
        |tier| {
            tier.client_header_timeout_ms = 1_000;
            tier.client_idle_timeout_ms = 1_000;
            tier.client_stall_timeout_ms = 1_000;
            tier.response_timeout_ms = 1_000;
            tier.idle_connection_ms = 1_000;
            tier.suspect_ms = 1_000;
        },
    )
    .await;
    let anna = cluster.client("anna").login().await;
    let home = home(&anna).await;
    let mut events = anna.events(&format!("folder:{home}"), None).await;
    next(&mut events).await;
    // Comments come every 100 ms: so many are several times as long as each limit.
    let comments = async {
        while events.comments < 35 {
            assert!(events.step().await, "it was cut after {} comments", events.comments);
        }
    };
    timeout(PATIENCE, comments).await.expect("comments");
    anna.upload(&home, "late.txt", b"x").await;
    assert_eq!(next(&mut events).await.event, "change");
}

#[tokio::test]
async fn a_browser_that_goes_away_is_forgotten_by_the_node() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let app = &cluster.nodes[0].app;
    let mut through = anna.events("tree", None).await;
    next(&mut through).await;
    let mut past = Client { address: cluster.nodes[0].address, ..anna.again() }.events("tree", None).await;
    next(&mut past).await;
    assert_eq!(push::state(app).open, 2);
    drop(through);
    until(|| push::state(app).open == 1).await;
    drop(past);
    until(|| push::state(app).open == 0).await;
    let metrics = cluster.direct(0, "").send("GET", "/metrics", &[], bytes::Bytes::new()).await;
    for line in [
        "zebu_push_subscriptions 0",
        "zebu_push_opened_total 2",
        "zebu_push_ended_total{reason=\"client\"} 2",
        "zebu_push_told 1",
    ] {
        assert!(metrics.text().lines().any(|shown| shown == line), "{line}: {}", metrics.text());
    }
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_refused_like_any_other_request() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let many = vec!["tree"; 40].join(",");
    let folders = (1..=40).map(|id| format!("folder:{id}")).collect::<Vec<_>>().join(",");
    for (topics, code, said) in [
        ("", "SVL-0002", "topics"),
        ("mail", "PSH-0002", "mail"),
        ("tree,", "PSH-0002", "none of"),
        ("folder:x", "PSH-0002", "folder:x"),
        ("folder:4000000", "FLD-0003", "4000000"),
        (&folders, "PSH-0006", "32"),
    ] {
        let refused = anna.get("push", "subscribe", &[("topics", topics)]).await;
        assert_eq!(
            (refused.code().as_str(), refused.header("content-type")),
            (code, "application/json; charset=utf-8")
        );
        assert!(refused.json()["error"].as_str().unwrap().contains(said), "{refused:?}");
    }
    assert_eq!(next(&mut anna.events(&many, None).await).await.data["topics"].as_array().unwrap().len(), 1);
    let nobody = cluster.client("nobody").get("push", "subscribe", &[("topics", "tree")]).await;
    assert_eq!(nobody.code(), "SES-0201");
    let thief = Client { session: anna.session.clone(), ..cluster.client("thief") };
    assert_eq!(thief.get("push", "subscribe", &[("topics", "tree")]).await.code(), "SES-0206");
}
