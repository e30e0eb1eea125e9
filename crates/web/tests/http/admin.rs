//! Every command of the admin daemon: asked by nobody, by the administrator of another tenant, and with more than it takes.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use zebu_kit::{Answer, CONTEXT, Client, Cluster, OTHER_CONTEXT, PASSWORD};
use zebu_web::admin::{Config, Known, Realm, commands};

/// A cluster with an admin daemon beside its first node.
async fn started() -> (Cluster, SocketAddr) {
    let cluster = Cluster::start(1).await;
    let config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
    let app = Arc::clone(&cluster.nodes[0].app);
    let server = zebu_web::Server::bind_admin(&config, app).await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(std::future::pending()));
    (cluster, address)
}

/// Asks for a command as somebody, or as nobody.
async fn ask(at: SocketAddr, command: &str, who: Option<(&str, &str)>, body: impl Into<Bytes>) -> Answer {
    let credentials =
        who.map(|(user, password)| format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
    let headers: Vec<(&str, &str)> =
        credentials.iter().map(|value| ("authorization", value.as_str())).collect();
    Client::new(at, "").send("POST", &format!("/admin/v1/{command}"), &headers, body.into()).await
}

fn exit(answer: &Answer) -> u64 {
    answer.json()["error"]["exit"].as_u64().unwrap_or_default()
}

/// Options that name the context, so that it is clear whose administrator may ask.
fn about_context(command: &Known) -> Value {
    match command.realm {
        Realm::Context => json!({"contextid": CONTEXT.0}),
        Realm::Master | Realm::Anybody => json!({}),
    }
}

#[tokio::test]
async fn nobody_gets_anything_without_a_name_and_a_password() {
    let (_cluster, at) = started().await;
    for command in commands().filter(|command| command.realm != Realm::Anybody) {
        for who in [None, Some(("", "")), Some(("oxadmin", "wrong")), Some(("oxadminmaster", ""))] {
            let answer = ask(at, command.name, who, about_context(&command).to_string()).await;
            assert_eq!((answer.status.as_u16(), exit(&answer)), (401, 101), "{command:?} {who:?}");
            assert!(answer.header("www-authenticate").starts_with("Basic "), "{command:?}");
        }
    }
    // Who may be asked by anybody says nothing of any tenant.
    let open: Vec<&str> = commands().filter(|c| c.realm == Realm::Anybody).map(|c| c.name).collect();
    assert_eq!(open, ["allpluginsloaded"]);
    assert_eq!(ask(at, "allpluginsloaded", None, "").await.text(), "{}");
}

#[tokio::test]
async fn the_administrator_of_another_tenant_is_nobody_here() {
    let (_cluster, at) = started().await;
    // Everybody of the cluster has the same password: only the context tells the two administrators apart.
    let other = json!({"contextid": OTHER_CONTEXT.0}).to_string();
    let own = ask(at, "listuser", Some(("oxadmin", PASSWORD)), other).await;
    assert_eq!(own.status, 200);
    let emails: Vec<_> = own.json()["rows"].as_array().unwrap().iter().map(|row| row[5].clone()).collect();
    assert_eq!(emails, ["oxadmin@example.test", "eve@example.test"]);
    for command in commands().filter(|command| command.realm != Realm::Anybody) {
        let body = about_context(&command).to_string();
        for who in [("eve", PASSWORD), ("anna", PASSWORD), ("oxadmin@other", PASSWORD)] {
            let answer = ask(at, command.name, Some(who), body.clone()).await;
            assert_eq!((answer.status.as_u16(), exit(&answer)), (401, 101), "{command:?} {who:?}");
            assert!(!answer.text().contains("anna"), "{command:?}");
        }
    }
    for command in commands().filter(|command| command.realm == Realm::Master) {
        let answer = ask(at, command.name, Some(("oxadmin", PASSWORD)), "{}").await;
        assert_eq!((answer.status.as_u16(), exit(&answer)), (401, 101), "{command:?}");
    }
}

#[tokio::test]
async fn too_much_and_what_is_no_object_are_refused_with_the_limit_and_the_name() {
    let (_cluster, at) = started().await;
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(4 * 1024 * 1024));
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    for command in commands() {
        let refused = ask(at, command.name, None, large.clone()).await;
        assert_eq!(refused.status, 413, "{command:?}");
        let message = refused.json()["error"]["message"].to_string();
        assert!(message.contains("4194304"), "{command:?} {message}");
        for odd in ["null", "[]", "\"x\"", "{", "\u{0}", deep.as_str()] {
            let answer = ask(at, command.name, None, odd.to_owned()).await;
            assert_eq!((answer.status.as_u16(), exit(&answer)), (400, 103), "{command:?}");
        }
    }
}

#[tokio::test]
async fn an_option_that_a_command_does_not_take_is_named() {
    let (_cluster, at) = started().await;
    let admin = Some(("oxadmin", PASSWORD));
    for command in commands().filter(|command| command.realm == Realm::Context) {
        let body = json!({"contextid": CONTEXT.0, "nonsense-4711": 1}).to_string();
        let answer = ask(at, command.name, admin, body).await;
        let message = answer.json()["error"]["message"].to_string();
        // What is missing may be said first.
        assert!([104, 111].contains(&exit(&answer)), "{command:?} {message}");
        if exit(&answer) == 111 {
            assert!(message.contains("nonsense-4711"), "{command:?} {message}");
        }
    }
    let answer = ask(at, "listuser", admin, json!({"contextid": CONTEXT.0, "nonsense": 1}).to_string()).await;
    assert_eq!(exit(&answer), 111);
}

#[tokio::test]
async fn what_is_no_command_is_not_there() {
    let (_cluster, at) = started().await;
    assert_eq!(ask(at, "conquer", None, "{}").await.status, 404);
    assert_eq!(ask(at, "", None, "{}").await.status, 404);
    let got = Client::new(at, "").send("GET", "/admin/v1/listserver", &[], Bytes::new()).await;
    assert_eq!(got.status, 405);
    assert_eq!(Client::new(at, "").send("GET", "/health/ready", &[], Bytes::new()).await.status, 200);
    assert_eq!(
        Client::new(at, "").send("GET", "/ajax/login?action=login", &[], Bytes::new()).await.status,
        404
    );
}
