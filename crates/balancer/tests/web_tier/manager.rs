//! Members that are changed while the web tier runs: over the socket, and by the page.

use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Response};
use http_body_util::Full;
use zebu_balancer::{Change, Config, ManagerConfig, MemberState, Order, Reply, ask};

use crate::node::Node;
use crate::tier::{Browser, Tier, config, eventually};

pub(crate) fn managed(nodes: &[&Node], dir: &Path) -> Config {
    let manager = ManagerConfig {
        socket: Some(dir.join("members.sock")),
        members_file: Some(dir.join("members.json")),
        ..ManagerConfig::default()
    };
    Config { manager, ..config(nodes) }
}

/// Asks as `zebu members` does, once somebody listens.
pub(crate) async fn asked(tier: &Tier, dir: &Path, order: Order) -> Result<serde_json::Value, String> {
    let socket = dir.join("members.sock");
    eventually("it listens", || socket.exists()).await;
    let reply = tokio::task::spawn_blocking(move || ask(&socket, &order)).await.unwrap().unwrap();
    assert_eq!(tier.snapshot().members.len(), 2);
    match reply {
        Reply::Members(members) => Ok(members),
        Reply::Refused(reason) => Err(reason),
    }
}

pub(crate) fn change(route: &str, weight: Option<&str>, status: Option<&str>) -> Order {
    let [weight, status] = [weight, status].map(|text| text.map(str::to_owned));
    Order::Change(Change { route: route.to_owned(), balancer: None, weight, status })
}

pub(crate) async fn shares(tier: &Tier, nodes: [&Node; 2]) -> (u64, u64) {
    let before = nodes.map(Node::requests);
    for _ in 0..40 {
        tier.get("/ajax/x", "").await;
    }
    (nodes[0].requests() - before[0], nodes[1].requests() - before[1])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_weight_shows_in_the_distribution_and_is_kept_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let mut tier = Tier::with(managed(&[&a, &b], dir.path())).await;
    assert_eq!(shares(&tier, [&a, &b]).await, (20, 20));
    let members = asked(&tier, dir.path(), change("OX-2", Some("3"), None)).await.unwrap();
    assert_eq!((&members[0]["weight"], &members[1]["weight"]), (&1.into(), &3.into()), "{members}");
    assert_eq!(shares(&tier, [&a, &b]).await, (10, 30));
    let mode = std::fs::metadata(dir.path().join("members.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    tier.stop();
    tier.ended().await;
    assert!(!dir.path().join("members.sock").exists(), "its socket has gone with it");

    let tier = Tier::with(managed(&[&a, &b], dir.path())).await;
    assert_eq!(shares(&tier, [&a, &b]).await, (10, 30));
    asked(&tier, dir.path(), change("OX-2", Some("1"), None)).await.unwrap();
    assert_eq!(shares(&tier, [&a, &b]).await, (20, 20));
    assert_eq!(std::fs::read_to_string(dir.path().join("members.json")).unwrap(), "[]\n", "as configured");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_take_a_member_out_and_bring_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::with(managed(&[&a, &b], dir.path())).await;
    let state = |tier: &Tier| tier.snapshot().members[1].state;
    asked(&tier, dir.path(), change("OX-2", None, Some("N"))).await.unwrap();
    assert_eq!(state(&tier), MemberState::Draining);
    assert_eq!(shares(&tier, [&a, &b]).await, (40, 0));
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-2", "its own sessions stay");
    asked(&tier, dir.path(), change("OX-2", None, Some("D-N"))).await.unwrap();
    assert_eq!(state(&tier), MemberState::Disabled);
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-1");
    asked(&tier, dir.path(), change("OX-2", None, Some("-D"))).await.unwrap();
    assert_eq!(state(&tier), MemberState::Up);
    // Of what it was given before something may be owed to one of them.
    let (a, b) = shares(&tier, [&a, &b]).await;
    assert!(a.abs_diff(b) <= 2, "{a} {b}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_refused_with_the_field_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::with(managed(&[&a, &b], dir.path())).await;
    let before = asked(&tier, dir.path(), Order::List).await.unwrap();
    for (order, named) in [
        (change("OX-9", Some("2"), None), "route OX-9: there is no such member"),
        (change("OX-1", Some("0.5"), None), "weight must be from 1 to 100, with two decimals at most"),
        (change("OX-1", Some("101"), None), "weight must be from 1 to 100, with two decimals at most"),
        (change("OX-1", Some("2"), Some("X")), "status: 'X' is no status letter"),
        (change("OX-1", None, Some("E")), "status: E cannot be set"),
        (change("OX-1", None, None), "nothing to change: say weight or status"),
    ] {
        let refusal = asked(&tier, dir.path(), order).await.unwrap_err();
        assert!(refusal.starts_with(named), "{refusal}");
    }
    // Where it cannot be kept it does not hold either.
    std::fs::create_dir(dir.path().join("members.json")).unwrap();
    let refusal = asked(&tier, dir.path(), change("OX-1", Some("2"), None)).await.unwrap_err();
    assert!(refusal.contains("members.json") && refusal.ends_with("nothing was changed"), "{refusal}");
    let after = asked(&tier, dir.path(), Order::List).await.unwrap();
    let settings = |members: &serde_json::Value| {
        [0, 1].map(|index| (members[index]["weight"].clone(), members[index]["flags"].clone()))
    };
    assert_eq!(settings(&before), settings(&after));
}

/// A request to the page, with this password if there is one.
async fn page(
    at: SocketAddr,
    method: &str,
    password: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response<String> {
    let mut request = Request::builder().method(method).uri("/").header("host", at.to_string());
    if !password.is_empty() {
        let shown = STANDARD.encode(format!("manager:{password}"));
        request = request.header("authorization", format!("Basic {shown}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.to_owned().into())).unwrap();
    let answer = Browser::connect(at).await.send(request).await.unwrap();
    answer.map(|body| String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_members_and_changes_them_for_who_has_the_password_and_came_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let password = dir.path().join("password");
    let mut file = std::fs::OpenOptions::new();
    let file = file.write(true).create_new(true).mode(0o600).open(&password).unwrap();
    std::io::Write::write_all(&mut &file, b"hush\n").unwrap();
    let mut config = managed(&[&a, &b], dir.path());
    config.manager.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.manager.password_file = Some(password.clone());
    config.check_interval_ms = 20;
    let tier = Tier::with(config).await;
    eventually("the page is there", || tier.status.manager_page().is_some()).await;
    let at = tier.status.manager_page().unwrap();
    eventually("they were checked", || {
        tier.snapshot().members.iter().all(|member| member.last_check.is_some())
    })
    .await;

    for wrong in ["", "hus", "hushh"] {
        let answer = page(at, "GET", wrong, &[], "").await;
        assert_eq!(answer.status(), 401, "{wrong}");
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
        assert!(!answer.body().contains("OX-1"));
    }
    let answer = page(at, "GET", "hush", &[], "").await;
    assert_eq!(answer.status(), 200);
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let html = answer.body();
    assert!(!html.contains("<script"), "{html}");
    for shown in [
        "<html lang=\"en\">",
        "<th scope=\"row\">OX-2</th>",
        "s ago: well",
        &a.address.to_string(),
        "<th scope=\"col\">Left out</th>",
    ] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    // Everything that can be filled in has a label.
    assert_eq!(html.matches("<label for=\"w").count(), 2);
    assert_eq!(html.matches("<label><input type=\"checkbox\"").count(), 12);
    let token = html.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(token.len(), 64);

    let form = |token: &str, more: &str| format!("token={token}&route=OX-2&balancer=nodes&{more}");
    for (token, headers) in [("", vec![]), ("ab", vec![]), (token, vec![("sec-fetch-site", "cross-site")])] {
        let answer = page(at, "POST", "hush", &headers, &form(token, "weight=3")).await;
        assert_eq!(answer.status(), 403, "{}", answer.body());
    }
    assert_eq!(page(at, "POST", "", &[], &form(token, "weight=3")).await.status(), 401);
    let refused = page(at, "POST", "hush", &[], &form(token, "weight=300")).await;
    assert_eq!(refused.status(), 422);
    let alert =
        "<p role=\"alert\">Nothing was changed: weight must be from 1 to 100, with two decimals at most</p>";
    assert!(refused.body().contains(alert), "{}", refused.body());
    assert_eq!(tier.snapshot().members[1].weight.hundredths(), 100);
    let long = form(token, &format!("weight={}", "1".repeat(10_000)));
    assert_eq!(page(at, "POST", "hush", &[], &long).await.status(), 400);

    let same = [("sec-fetch-site", "same-origin")];
    let done = page(at, "POST", "hush", &same, &form(token, "weight=2%2E5&H=on&I=on")).await;
    assert_eq!((done.status().as_u16(), done.headers()["location"].to_str().unwrap()), (303, "/"));
    let changed = &tier.snapshot().members[1];
    assert_eq!((changed.weight.hundredths(), changed.flags.to_string().as_str()), (250, "IH"));
    let html = page(at, "GET", "hush", &[], "").await.into_body();
    assert!(html.contains("value=\"2.5\"") && html.matches(" checked>").count() == 2, "{html}");
    // A letter that is not ticked any more is taken away.
    page(at, "POST", "hush", &same, &form(token, "weight=1")).await;
    assert_eq!(tier.snapshot().members[1].flags.to_string(), "");
    assert_eq!(page(at, "PUT", "hush", &[], "").await.status(), 405);

    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(page(at, "GET", "hush", &[], "").await.status(), 503, "others may read the password");
}
