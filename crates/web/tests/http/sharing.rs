//! What the whole system is for: two people on two nodes work on the same files, and what one of them does is true for
//! the other in the very next request.

use serde_json::json;
use zebu_kit::{ANNA, BEN, Cluster, Sent, TEAM};

use crate::support::{AUTHOR, OWNER, VIEWER, content, folder, home, share};

#[tokio::test]
async fn what_anna_shares_and_withdraws_on_one_node_is_true_for_ben_on_the_other_at_once() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    let ben = cluster.client("ben").pinned("OX-2").login().await;
    assert!(anna.jar.find("JSESSIONID").unwrap().ends_with(".OX-1"));
    assert!(ben.jar.find("JSESSIONID").unwrap().ends_with(".OX-2"));

    let plans = folder(&anna, &home(&anna).await, "Plans").await;
    let file = anna.upload(&plans, "plan.txt", b"the first plan").await;
    let hidden = ben.get("folders", "get", &[("id", &plans)]).await;
    assert_eq!(hidden.code(), "FLD-0003");
    assert_eq!(ben.get("infostore", "document", &[("id", &file)]).await.code(), "IFO-0300");

    share(&anna, &plans, &[(ANNA.0, false, OWNER), (BEN.0, false, AUTHOR)]).await;
    let seen = ben.get("folders", "get", &[("id", &plans)]).await.data();
    assert_eq!((&seen["title"], &seen["own_rights"]), (&json!("Plans"), &json!(AUTHOR)));
    assert_eq!(seen["folder_id"], "14", "its parent is not his to see, so it is among the others: {seen}");

    assert_eq!(content(&ben, &file).await, b"the first plan");
    let before = ben.get("infostore", "get", &[("id", &file)]).await.timestamp().to_string();
    let update = [("id", file.as_str()), ("timestamp", before.as_str()), ("plainJson", "true")];
    let edited =
        ben.ajax("infostore", "update", &update, Sent::Upload(json!({}), "plan.txt", b"Ben's plan")).await;
    assert_eq!(edited.data(), json!(file));
    assert_eq!(content(&anna, &file).await, b"Ben's plan");
    let stale = anna
        .put("infostore", "update", &[("id", &file), ("timestamp", &before)], json!({"title": "mine"}))
        .await;
    assert_eq!(stale.code(), "IFO-1302", "she must look at Ben's version before she overwrites it");

    share(&anna, &plans, &[(ANNA.0, false, OWNER)]).await;
    assert_eq!(ben.get("infostore", "document", &[("id", &file)]).await.code(), "IFO-0300");
    assert_eq!(ben.get("infostore", "all", &[("folder", &plans), ("columns", "1")]).await.code(), "FLD-0003");
    let late = ben.put("infostore", "update", &[("id", &file)], json!({"title": "too late"})).await;
    assert_eq!(late.code(), "IFO-0300");
}

#[tokio::test]
async fn a_logout_ends_the_session_on_every_node_before_it_is_answered() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    let session = anna.session.clone().unwrap();
    let elsewhere = cluster.direct(1, "anna");
    let secret = anna.jar.find("open-xchange-secret-").unwrap();
    let name = format!("open-xchange-secret-{}", zebu_app::sessions::cookie_hash("zebu-kit"));
    elsewhere.jar.put(&name, &secret);
    assert_eq!(elsewhere.get("user", "get", &[("session", &session)]).await.data()["id"], json!(ANNA.0));

    anna.get("login", "logout", &[]).await;
    assert_eq!(anna.jar.find("open-xchange-"), None, "the browser forgets her cookies");
    assert_eq!(elsewhere.get("user", "get", &[("session", &session)]).await.code(), "SES-0203");
    anna.jar.put(&name, &secret);
    assert_eq!(anna.get("user", "get", &[]).await.code(), "SES-0203");
}

#[tokio::test]
async fn a_share_with_a_group_is_one_with_its_members() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    let ben = cluster.client("ben").pinned("OX-2").login().await;
    let plans = folder(&anna, &home(&anna).await, "Plans").await;
    share(&anna, &plans, &[(ANNA.0, false, OWNER), (TEAM.0, true, VIEWER)]).await;
    assert_eq!(ben.get("folders", "get", &[("id", &plans)]).await.data()["own_rights"], json!(VIEWER));
    // A group with Ben's number is not Ben.
    share(&anna, &plans, &[(ANNA.0, false, OWNER)]).await;
    let body = json!({"permissions": [{"entity": ANNA.0, "bits": OWNER}, {"entity": 77, "group": true, "bits": VIEWER}]});
    assert_eq!(anna.put("folders", "update", &[("id", &plans)], body).await.code(), "FLD-0044");
    assert_eq!(ben.get("folders", "get", &[("id", &plans)]).await.code(), "FLD-0003");
}

#[tokio::test]
async fn a_session_lives_on_when_its_node_dies() {
    let mut cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    cluster.nodes[0].kill();
    let answer = anna.get("user", "get", &[]).await;
    assert_eq!(answer.data()["id"], json!(ANNA.0));
    assert!(anna.jar.find("JSESSIONID").unwrap().ends_with(".OX-2"), "she belongs to the other node now");
}
