//! `/ajax/multifactor` and `/ajax/apppasswords`: what they say over HTTP. The codes themselves are tested in `zebu_app`.

use serde_json::json;
use zebu_app::{App, SessionConfig};
use zebu_kit::{Answer, Client, Cluster, PASSWORD, Sent};

async fn put(client: &Client, module: &str, action: &str, body: serde_json::Value) -> Answer {
    client.put(module, action, &[], body).await
}

/// A cluster whose nodes have a key to keep secrets with.
async fn with_key() -> (Cluster, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, [7; 32]).unwrap();
    let cluster = Cluster::start_tuned(2, |app| app.store.key_file.clone_from(&key), |_| {}, |_| {}).await;
    (cluster, dir)
}

#[tokio::test]
async fn a_second_factor_is_begun_with_what_an_authenticator_app_reads_and_is_not_on_before_its_first_code() {
    let (cluster, _dir) = with_key().await;
    let anna = cluster.client("anna").login().await;
    let state = anna.get("multifactor", "get", &[]).await.data();
    assert_eq!(state, json!({"enabled": false, "since": 0, "recoveryCodes": 0}));
    assert_eq!(put(&anna, "multifactor", "begin", json!({"password": "wrong"})).await.code(), "LGI-0006");
    let begun = put(&anna, "multifactor", "begin", json!({"password": PASSWORD})).await.data();
    let secret = begun["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    assert!(begun["uri"].as_str().unwrap().contains(&format!("secret={secret}&issuer=Zebu")));
    assert!(begun["qr"]["size"].as_i64().unwrap() > 29);
    assert!(begun["qr"]["path"].as_str().unwrap().starts_with("M4,4h7v1h-7z"));
    assert_eq!(put(&anna, "multifactor", "confirm", json!({"code": "000000"})).await.code(), "LGI-0033");
    for action in ["disable", "recovery"] {
        assert_eq!(put(&anna, "multifactor", action, json!({"code": "000000"})).await.code(), "MFA-0003");
    }
    assert_eq!(cluster.client("").sign_in("anna", PASSWORD).await.code(), "", "it is not on");
    assert_eq!(put(&anna, "multifactor", "begin", json!({})).await.code(), "SVL-0009");
}

#[tokio::test]
async fn an_app_password_signs_a_webdav_client_in_until_it_is_taken_back() {
    let cluster = Cluster::start_with(2, SessionConfig::default(), |_| {}).await;
    let anna = cluster.client("anna").pinned("OX-1").login().await;
    assert_eq!(anna.get("appPasswords", "getApps", &[]).await.data()[0]["name"], "dav");
    let added =
        put(&anna, "apppasswords", "add", json!({"appName": "Laptop", "appScope": "dav"})).await.data();
    let password = added["password"].as_str().unwrap().to_owned();
    assert_eq!((&added["login"], password.len()), (&json!("anna"), 24));
    let dav = async || {
        use base64::Engine;
        let given = base64::engine::general_purpose::STANDARD.encode(format!("anna:{password}"));
        let headers = [("authorization", &*format!("Basic {given}")), ("depth", "0")];
        cluster.direct(1, "").send("PROPFIND", "/infostore/", &headers, "".into()).await.status.as_u16()
    };
    assert_eq!(dav().await, 207);
    let listed = anna.get("apppasswords", "list", &[]).await;
    assert!(!listed.text().contains(&password));
    let one = &listed.data()[0];
    assert_eq!(
        (&one["name"], &one["scope"], &one["UUID"]),
        (&json!("Laptop"), &json!("dav"), &added["UUID"])
    );
    let remove = async |id: &str| put(&anna, "apppasswords", "remove", json!({"passwordUUID": id})).await;
    assert_eq!((remove("x").await.code(), remove("1").await.code()), ("SVL-0010".into(), "APP-0003".into()));
    let id = added["UUID"].as_str().unwrap();
    assert_eq!(remove(id).await.data(), json!(true));
    assert_eq!(dav().await, 401);
    let odd = json!({"appName": "x", "appScope": "mail"});
    assert_eq!(put(&anna, "apppasswords", "add", odd).await.code(), "SVL-0010");
}

#[tokio::test]
async fn a_code_comes_with_the_password_in_the_form_and_nowhere_else() {
    let (cluster, _dir) = with_key().await;
    let app: &App = &cluster.nodes[0].app;
    let anna = cluster.client("anna").login().await;
    let form = [("name", "anna"), ("password", PASSWORD), ("client", "zebu-kit"), ("otp", "123456")];
    // Who has no second factor is asked for none, and what was typed does not matter.
    assert_eq!(anna.ajax("login", "login", &[], Sent::Form(&form)).await.code(), "");
    assert_eq!(zebu_app::sessions::sign_ins(app).failed, 0);
}
