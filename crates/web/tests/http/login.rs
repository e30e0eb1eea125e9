//! `/ajax/login`: what opens a session, what keeps it, and all the ways in which it is not opened.

use serde_json::json;
use zebu_app::SessionConfig;
use zebu_app::operator::users::{self, UserChange};
use zebu_app::operator::{Named, contexts};
use zebu_app::sessions::AtLimit;
use zebu_kit::{ANNA, BEN, CONTEXT, Cluster, OTHER_CONTEXT, PASSWORD, Sent};

#[tokio::test]
async fn a_login_answers_who_one_is_and_sets_cookies_that_scripts_cannot_read() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client("anna");
    let answer = client.sign_in("anna", PASSWORD).await;
    let object = answer.json();
    assert_eq!((&object["user"], &object["user_id"]), (&json!("anna"), &json!(ANNA.0)));
    assert_eq!((&object["context_id"], &object["locale"]), (&json!(CONTEXT.0), &json!("en_US")));
    for name in ["session", "random"] {
        let id = object[name].as_str().unwrap();
        assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{name}: {id}");
    }
    let cookies: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    for prefix in ["open-xchange-secret-", "open-xchange-public-session-", "JSESSIONID="] {
        let cookie = cookies.iter().find(|cookie| cookie.starts_with(prefix)).expect(prefix);
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"));
        assert!(!cookie.contains("Max-Age") && !cookie.contains("Secure"), "{cookie}");
    }
    assert!(client.jar.find("JSESSIONID").unwrap().ends_with(".OX-1"));
}

#[tokio::test]
async fn behind_tls_every_cookie_is_for_tls_only() {
    let cluster = Cluster::start(1).await;
    let client = cluster.direct(0, "anna");
    let headers = [("x-forwarded-proto", "https"), ("content-type", "application/x-www-form-urlencoded")];
    let form = format!("name=anna&password={PASSWORD}&client=x");
    let answer = client.send("POST", "/ajax/login?action=login", &headers, form.into()).await;
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 5);
    assert!(cookies.iter().all(|cookie| cookie.to_str().unwrap().ends_with("; Secure")), "{cookies:?}");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_or_context_look_the_same() {
    let cluster = Cluster::start(1).await;
    let mut bodies = Vec::new();
    for (login, password) in
        [("anna", "wrong"), ("nobody", PASSWORD), ("anna@nowhere", PASSWORD), ("anna", "x")]
    {
        let answer = cluster.client("").sign_in(login, password).await;
        assert_eq!(answer.status, 200);
        let mut body = answer.json();
        assert_eq!(body["code"], "LGI-0006", "{login}");
        body["error_id"].take();
        bodies.push(body);
        assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 1, "no cookie but JSESSIONID");
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
}

#[tokio::test]
async fn a_password_is_taken_from_the_body_only() {
    let cluster = Cluster::start(1).await;
    let client = cluster.client("anna");
    let query = [("name", "anna"), ("password", PASSWORD)];
    assert_eq!(client.ajax("login", "login", &query, Sent::Form(&[])).await.code(), "SVL-0002");
    assert_eq!(client.ajax("login", "login", &query, Sent::Nothing).await.code(), "SVL-0017");
}

#[tokio::test]
async fn without_the_secret_of_its_cookie_a_session_id_opens_nothing() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let ben = cluster.client("ben").login().await;
    let session = anna.session.clone().unwrap();
    // Ben has a secret, but another one.
    assert_eq!(ben.get("user", "get", &[("session", &session)]).await.code(), "SES-0206");
    let nobody = cluster.client("nobody");
    assert_eq!(nobody.get("user", "get", &[("session", &session)]).await.code(), "SES-0206");
    assert_eq!(nobody.get("user", "get", &[]).await.code(), "SES-0201");
    assert_eq!(nobody.get("user", "get", &[("session", "0123")]).await.code(), "SES-0203");
    let unknown = format!("00000001{}", "0".repeat(24));
    assert_eq!(anna.get("user", "get", &[("session", &unknown)]).await.code(), "SES-0203");
    assert_eq!(anna.get("user", "get", &[]).await.data()["id"], json!(ANNA.0));
}

#[tokio::test]
async fn a_disabled_context_is_shut_at_once_on_every_node() {
    let cluster = Cluster::start(2).await;
    let eve = cluster.client("eve@other").pinned("OX-2").login().await;
    contexts::disable(&cluster.nodes[0].app, &Named::Id(OTHER_CONTEXT), None).await.unwrap();
    assert_eq!(eve.get("user", "get", &[]).await.code(), "SES-0204");
    assert_eq!(cluster.client("").sign_in("eve@other", PASSWORD).await.code(), "LGI-0005");
    assert_eq!(cluster.client("").sign_in("eve@other", "wrong").await.code(), "LGI-0006");
    contexts::enable(&cluster.nodes[0].app, &Named::Id(OTHER_CONTEXT)).await.unwrap();
    assert_eq!(eve.get("user", "get", &[]).await.code(), "");
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    let cluster = Cluster::start(2).await;
    let ben = cluster.client("ben").pinned("OX-2").login().await;
    let off = UserChange { enabled: Some(false), ..UserChange::default() };
    users::change(&cluster.nodes[0].app, CONTEXT, &Named::Id(BEN), &off).await.unwrap();
    assert_eq!(ben.get("user", "get", &[]).await.code(), "SES-0203");
    assert_eq!(cluster.client("").sign_in("ben", PASSWORD).await.code(), "LGI-0005");
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_lives_while_it_is() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    for _ in 0..5 {
        cluster.clock.advance_ms(8 * 3_600_000);
        assert_eq!(anna.get("user", "get", &[]).await.code(), "");
    }
    cluster.clock.advance_ms(13 * 3_600_000);
    assert_eq!(anna.get("user", "get", &[]).await.code(), "SES-0203");
}

#[tokio::test]
async fn who_stays_signed_in_comes_back_after_days_without_a_password() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").login().await;
    let autologin = [("client", "zebu-kit")];
    assert_eq!(anna.get("login", "autologin", &autologin).await.code(), "SES-0203", "she did not ask for it");
    let stored = anna.get("login", "store", &[]).await;
    let cookies: Vec<&str> =
        stored.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    let kept = cookies.iter().filter(|cookie| cookie.contains("Max-Age=604800")).count();
    assert_eq!(kept, 3, "{cookies:?}");

    cluster.clock.advance_ms(3 * 24 * 3_600_000);
    let again = anna.get("login", "autologin", &autologin).await.json();
    assert_eq!(again["session"].as_str(), anna.session.as_deref());
    assert_eq!((&again["user"], &again["user_id"]), (&json!("anna"), &json!(ANNA.0)));
    let other_client = [("client", "other")];
    assert_eq!(anna.get("login", "autologin", &other_client).await.code(), "SES-0203");

    anna.get("login", "logout", &[]).await;
    assert_eq!(anna.get("login", "autologin", &autologin).await.code(), "SES-0203");
}

#[tokio::test]
async fn a_user_has_only_so_many_sessions() {
    let sessions = SessionConfig { per_user_max: 2, at_limit: AtLimit::Refuse, ..SessionConfig::default() };
    let cluster = Cluster::start_with(1, sessions, |_| {}).await;
    let _first = cluster.client("anna").login().await;
    let second = cluster.client("anna").login().await;
    assert_eq!(cluster.client("").sign_in("anna", PASSWORD).await.code(), "SES-0007");
    second.get("login", "logout", &[]).await;
    assert_eq!(cluster.client("").sign_in("anna", PASSWORD).await.code(), "");
}

#[tokio::test]
async fn a_request_with_another_nodes_route_is_served_and_keeps_its_id() {
    let cluster = Cluster::start(2).await;
    let anna = cluster.client("anna").pinned("OX-2").login().await;
    let past_the_tier = cluster.direct(0, "anna").pinned("OX-2").login().await;
    let names = |id: String, route: &str| id.starts_with("0123456789abcdef-") && id.ends_with(route);
    let id = past_the_tier.jar.find("JSESSIONID").unwrap();
    assert!(names(id.clone(), ".OX-1"), "{id}");
    let id = anna.jar.find("JSESSIONID").unwrap();
    assert!(names(id.clone(), ".OX-2"), "{id}");
    let foreign = cluster.client("ben").pinned("TOMCAT-7").login().await;
    let id = foreign.jar.find("JSESSIONID").unwrap();
    assert!(names(id.clone(), ".OX-1") || names(id.clone(), ".OX-2"), "{id}");
}
