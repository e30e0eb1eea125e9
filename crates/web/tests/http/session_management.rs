//! `/ajax/sessionmanagement`: a user looks at the own sessions, and ends them on every node.

use serde_json::{Value, json};
use zebu_kit::{Client, Cluster};

async fn all(client: &Client) -> Vec<Value> {
    client.get("sessionmanagement", "all", &[]).await.data().as_array().unwrap().clone()
}

fn id(session: &Value) -> String {
    session["sessionId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_sees_the_own_sessions_and_no_word_that_lets_anybody_in() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    cluster.clock.advance_ms(120_000);
    let phone = cluster.client("anna").pinned("OX-2").login().await;
    let _ben = cluster.client("ben").login().await;
    cluster.clock.advance_ms(120_000);
    let seen = all(&anna).await;
    assert_eq!(seen.len(), 2);
    assert_eq!((&seen[0]["current"], &seen[1]["current"]), (&json!(true), &json!(false)));
    for session in &seen {
        assert_eq!((&session["client"], &session["ipAddress"]), (&json!("zebu-kit"), &json!("127.0.0.1")));
        assert!(session["loginTime"].as_i64().unwrap() <= session["lastActive"].as_i64().unwrap());
    }
    let answer = anna.get("sessions", "all", &[]).await;
    let text = answer.text();
    for client in [&anna, &phone] {
        assert!(!text.contains(client.session.as_deref().unwrap()));
        assert!(!text.contains(&client.jar.find("open-xchange-secret-").unwrap()));
    }
}

#[tokio::test]
async fn one_of_the_own_sessions_is_ended_on_every_node_and_nobody_else_s_is() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    let phone = cluster.client("anna").pinned("OX-2").login().await;
    let ben = cluster.client("ben").pinned("OX-2").login().await;
    let bens = id(&all(&ben).await[0]);
    let phones = id(all(&phone).await.iter().find(|session| session["current"] == true).unwrap());
    let ended = anna.put("sessionmanagement", "delete", &[], json!([phones, bens, "unknown"])).await;
    assert_eq!(ended.data(), json!(1));
    assert_eq!(phone.get("user", "get", &[]).await.code(), "SES-0203");
    assert_eq!(ben.get("user", "get", &[]).await.code(), "");
    let own = id(&all(&anna).await[0]);
    let last = anna.put("sessionmanagement", "delete", &[], json!([own])).await;
    assert_eq!(last.data(), json!(1));
    assert!(anna.jar.find("open-xchange-secret-").is_none(), "it signed out");
    let many = json!(vec!["x"; 10_001]);
    assert_eq!(ben.put("sessionmanagement", "delete", &[], many).await.code(), "SVL-0018");
}

#[tokio::test]
async fn all_others_are_ended_at_once_and_the_one_that_asks_goes_on() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    let mut others = Vec::new();
    for route in ["OX-1", "OX-2", "OX-2"] {
        others.push(cluster.client("anna").pinned(route).login().await);
    }
    let ben = cluster.client("ben").login().await;
    assert_eq!(anna.get("sessionmanagement", "clear", &[]).await.data(), json!(3));
    for other in &others {
        assert_eq!(other.get("user", "get", &[]).await.code(), "SES-0203");
    }
    assert_eq!(anna.get("user", "get", &[]).await.code(), "");
    assert_eq!(ben.get("user", "get", &[]).await.code(), "");
    assert_eq!(anna.get("sessionmanagement", "clear", &[]).await.data(), json!(0));
}
