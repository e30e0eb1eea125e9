//! What balancers and members are told by their parameters, seen from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use zebu_balancer::{BalancerConfig, Config, Flags, MemberState};

use crate::node::{self, Node};
use crate::tier::{Tier, config, eventually, request};

/// A configuration of one balancer over these nodes.
fn balanced(nodes: &[&Node], change: impl FnOnce(&mut BalancerConfig)) -> Config {
    let Config { members, .. } = config(nodes);
    let mut balancer = BalancerConfig { members, ..BalancerConfig::default() };
    change(&mut balancer);
    Config { balancers: vec![balancer], ..config(&[]) }
}

fn state(tier: &Tier, route: &str) -> MemberState {
    let members = tier.snapshot().members;
    members.into_iter().find(|member| member.route == route).unwrap().state
}

#[tokio::test]
async fn without_failover_a_session_is_told_that_its_own_server_is_gone() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::with(balanced(&[&a, &b], |balancer| balancer.nofailover = true)).await;
    b.kill().await;
    let first = tier.get("/ajax/x", "JSESSIONID=1.OX-2").await;
    assert_eq!(first.status(), 503, "the attempt that found it dead goes nowhere else");
    let answer = tier.get("/ajax/x", "JSESSIONID=1.OX-2").await;
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!((answer.status().as_u16(), body["code"].as_str()), (503, Some("WEB-0009")));
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_eq!(
        tier.get("/ajax/x", "JSESSIONID=1.OX-9").await.body(),
        "OX-1",
        "a route of nobody is no session"
    );
    assert_eq!(a.requests(), 1);
}

#[tokio::test]
async fn a_status_of_the_list_puts_its_member_in_error_until_its_retry_is_over() {
    let status = Arc::new(AtomicU16::new(507));
    let a = Node::start("OX-1").await;
    let b = {
        let status = status.clone();
        Node::start_with("OX-2", move |_| {
            let mut response = node::text("OX-2");
            *response.status_mut() = StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap();
            std::future::ready(response)
        })
        .await
    };
    let mut config = balanced(&[&a, &b], |balancer| balancer.fail_on_status = vec![507]);
    config.balancers[0].members[1].retry_ms = Some(300);
    let tier = Tier::with(config).await;
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.status(), 507, "the client sees the answer");
    assert_eq!(state(&tier, "OX-2"), MemberState::Error);
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-1");
    status.store(200, Ordering::SeqCst);
    eventually("its retry is over", || state(&tier, "OX-2") == MemberState::Up).await;
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-2");
}

#[tokio::test]
async fn the_sessions_of_a_member_that_is_taken_out_go_where_it_redirects() {
    let (a, b, c) = (Node::start("OX-1").await, Node::start("OX-2").await, Node::start("OX-3").await);
    let config = balanced(&[&a, &b, &c], |balancer| {
        balancer.members[1].flags = Flags::DISABLED;
        balancer.members[1].redirect = "OX-3".into();
    });
    let tier = Tier::with(config).await;
    for _ in 0..4 {
        assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-3");
    }
    assert_eq!((b.requests(), state(&tier, "OX-2")), (0, MemberState::Disabled));
}

#[tokio::test]
async fn a_draining_member_keeps_its_sessions_and_gets_no_others() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::with(balanced(&[&a, &b], |balancer| balancer.members[1].flags = Flags::DRAIN)).await;
    for _ in 0..3 {
        assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-2");
        assert_eq!(tier.get("/ajax/x", "").await.body(), "OX-1");
    }
}

#[tokio::test]
async fn no_more_members_are_tried_than_allowed() {
    let nodes = [Node::start("OX-1").await, Node::start("OX-2").await, Node::start("OX-3").await];
    for node in &nodes[..2] {
        node.kill().await;
    }
    let all: Vec<_> = nodes.iter().collect();
    let tier = Tier::with(balanced(&all, |balancer| balancer.attempts_max = Some(1))).await;
    assert_eq!(tier.get("/ajax/x", "").await.status(), 503, "two of three were tried");
    assert_eq!(nodes[2].requests(), 0);
    assert_eq!(tier.get("/ajax/x", "").await.body(), "OX-3");
}

#[tokio::test]
async fn a_member_has_no_more_requests_at_once_than_it_may_and_others_wait_as_long_as_they_may() {
    let go = Arc::new(Semaphore::new(0));
    let a = {
        let go = go.clone();
        Node::start_with("OX-1", move |_| {
            let go = go.clone();
            async move {
                go.acquire().await.unwrap().forget();
                node::text("OX-1")
            }
        })
        .await
    };
    let start = async |acquire_ms| {
        let config = balanced(&[&a], |balancer| {
            balancer.members[0].requests_max = Some(1);
            balancer.members[0].acquire_ms = acquire_ms;
        });
        Arc::new(Tier::with(config).await)
    };
    let asked = |tier: &Arc<Tier>| {
        let tier = tier.clone();
        tokio::spawn(async move { tier.send(request("POST", "/ajax/x", "", "body")).await })
    };
    let (impatient, patient) = (start(0).await, start(60_000).await);
    let first = asked(&impatient);
    eventually("the node has it", || a.requests() == 1).await;
    let answer = asked(&impatient).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!((answer.status().as_u16(), body["code"].as_str()), (503, Some("WEB-0010")));
    go.add_permits(1);
    assert_eq!(first.await.unwrap().body(), "OX-1");

    let first = asked(&patient);
    eventually("the node has the second", || a.requests() == 2).await;
    let second = asked(&patient);
    eventually("the tier has both", || patient.snapshot().in_flight == 2).await;
    assert_eq!(a.requests(), 2, "the other waits at the tier");
    go.add_permits(2);
    assert_eq!(first.await.unwrap().body(), "OX-1");
    assert_eq!(second.await.unwrap().body(), "OX-1");
    assert_eq!(a.requests(), 3);
}

#[tokio::test]
async fn a_request_may_wait_for_a_member_that_comes_back() {
    let node = Node::start("OX-1").await;
    let mut config = balanced(&[&node], |balancer| {
        balancer.wait_ms = 20_000;
        balancer.force_recovery = false;
    });
    config.probe_interval_ms = 20;
    let tier = Arc::new(Tier::with(config).await);
    node.kill().await;
    assert_eq!(tier.get("/ajax/x", "").await.status(), 503, "the first finds it dead");
    let waiting = {
        let tier = tier.clone();
        tokio::spawn(async move { tier.get("/ajax/x", "").await })
    };
    eventually("it waits", || tier.snapshot().in_flight == 1).await;
    node.revive();
    assert_eq!(waiting.await.unwrap().body(), "OX-1");
}

#[tokio::test]
async fn a_node_that_says_it_drains_loses_its_users_to_others_without_an_error() {
    let draining = Arc::new(AtomicBool::new(false));
    let (a, b) = (Node::start("OX-1").await, {
        let draining = draining.clone();
        Node::start_with("OX-2", move |_| {
            let mut response = node::text("OX-2");
            if draining.load(Ordering::SeqCst) {
                response.headers_mut().insert("x-zebu-draining", HeaderValue::from_static("1"));
            }
            std::future::ready(response)
        })
        .await
    });
    // It says the same when it is asked how it is.
    let config = balanced(&[&a, &b], |balancer| balancer.members[1].check.uri = "/check".into());
    let tier = Tier::with(config).await;
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-2");
    draining.store(true, Ordering::SeqCst);
    let last = tier.get("/ajax/x", "JSESSIONID=1.OX-2").await;
    assert_eq!((last.status().as_u16(), last.headers().get("x-zebu-draining")), (200, None));
    for _ in 0..3 {
        assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-1");
        assert_eq!(tier.get("/ajax/x", "").await.body(), "OX-1");
    }
    assert_eq!(state(&tier, "OX-2"), MemberState::Draining);
    draining.store(false, Ordering::SeqCst);
    eventually("it is given back", || state(&tier, "OX-2") == MemberState::Up).await;
}

#[tokio::test]
async fn a_member_whose_checks_fail_is_not_used_until_they_pass() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let config = balanced(&[&a, &b], |balancer| {
        let check = &mut balancer.members[1].check;
        check.uri = "/check".into();
        check.interval_ms = Some(20);
        check.fails = 2;
        check.passes = 2;
    });
    let tier = Tier::with(config).await;
    // The node answers its check like any request: 200.
    eventually("it was checked", || b.requests() >= 2).await;
    assert_eq!(state(&tier, "OX-2"), MemberState::Up);
    drop((a, tier));

    let status = Arc::new(AtomicU16::new(500));
    let (a, b) = (Node::start("OX-1").await, {
        let status = status.clone();
        Node::start_with("OX-2", move |request| {
            let status = status.clone();
            async move {
                let is_check = request.uri().path() == "/check";
                let _ = request.into_body().collect().await;
                let mut response = node::text("OX-2");
                if is_check {
                    *response.status_mut() = StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap();
                }
                response
            }
        })
        .await
    });
    let config = balanced(&[&a, &b], |balancer| {
        balancer.members[1].check.uri = "/check".into();
        balancer.members[1].check.interval_ms = Some(20);
    });
    let tier = Tier::with(config).await;
    eventually("its check failed", || state(&tier, "OX-2") == MemberState::Failing).await;
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-1");
    status.store(204, Ordering::SeqCst);
    eventually("its check passed", || state(&tier, "OX-2") == MemberState::Up).await;
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-2");
}

#[tokio::test]
async fn one_that_fails_far_more_often_than_its_peers_is_left_out_for_a_while() {
    let (a, b) = (Node::start("OX-1").await, {
        Node::start_with("OX-2", |_| {
            let mut response = node::text("OX-2");
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            std::future::ready(response)
        })
        .await
    });
    let mut config = balanced(&[&a, &b], |_| {});
    config.outlier_interval_ms = 100;
    config.outlier_requests_min = 1;
    config.outlier_ejection_ms = 200;
    let tier = Tier::with(config).await;
    let mut ejections = 0;
    while ejections < 2 {
        for route in ["OX-1", "OX-2"] {
            tier.get("/ajax/x", &format!("JSESSIONID=1.{route}")).await;
        }
        if state(&tier, "OX-2") == MemberState::Outlier {
            ejections += 1;
            assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-1");
            eventually("it is given another chance", || state(&tier, "OX-2") == MemberState::Up).await;
        }
    }
    assert_eq!(state(&tier, "OX-1"), MemberState::Up);
}

#[tokio::test]
async fn apache_s_own_text_is_a_configuration() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proxy.conf");
    let text = format!(
        "<Proxy balancer://one>\n  BalancerMember http://{} route=OX-1\n</Proxy>\n\
         <Proxy balancer://two>\n  BalancerMember http://{} route=OX-2 loadfactor=2.5\n</Proxy>\n\
         ProxyPass /ajax balancer://one/ajax stickysession=JSESSIONID\n\
         ProxyPass /old/private !\nProxyPass /old balancer://two/new\n",
        a.address, b.address
    );
    std::fs::write(&file, text).unwrap();
    let tier = Tier::with(Config { proxy_config: file.display().to_string(), ..config(&[]) }).await;
    assert_eq!(tier.get("/ajax/login?a=b", "").await.body(), "OX-1");
    assert_eq!(tier.get("/old/x/y?a=b", "").await.body(), "OX-2");
    assert_eq!(b.last_head().0, "/new/x/y?a=b");
    assert_eq!(tier.get("/old/private/x", "").await.status(), 200, "the web client's own page");
    assert_eq!((a.requests(), b.requests()), (1, 1));
    let members = tier.snapshot().members;
    assert_eq!((members[1].balancer.as_str(), members[1].weight.hundredths()), ("two", 250));
}

#[tokio::test]
async fn a_text_that_is_not_understood_is_refused_with_file_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proxy.conf");
    std::fs::write(
        &file,
        "# ours\n<Proxy balancer://x>\n  BalancerMember http://h:1 loadfaktor=5\n</Proxy>\n",
    )
    .unwrap();
    let config = Config { proxy_config: file.display().to_string(), ..config(&[]) };
    let bound = zebu_balancer::Server::bind(config, zebu_balancer::Assets::default(), Arc::new(|| 0)).await;
    let error = bound.err().unwrap().to_string();
    assert!(error.contains("proxy.conf:3: loadfaktor is no parameter of a member"), "{error}");
}

#[tokio::test]
async fn a_session_may_have_another_cookie_and_be_named_in_the_query() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let config = balanced(&[&a, &b], |balancer| {
        let sticky = balancer.sticky.as_mut().unwrap();
        sticky.cookie = "SID".into();
        sticky.parameter = "sid".into();
        sticky.separator = Some('!');
    });
    let tier = Tier::with(config).await;
    for _ in 0..3 {
        assert_eq!(tier.get("/ajax/x", "SID=x!OX-2").await.body(), "OX-2");
        assert_eq!(tier.get("/ajax/x?sid=x!OX-1&y=1", "SID=x!OX-2").await.body(), "OX-1");
    }
}

#[tokio::test]
async fn a_client_cannot_aim_at_a_node_it_was_not_given_and_two_tiers_agree_on_routes() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys");
    std::fs::write(&file, "ab".repeat(32)).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let start = async |route: &'static str| {
        Node::start_with(route, move |_| {
            let mut response = node::text(route);
            let cookie = format!("JSESSIONID=0123456789abcdef.{route}; Path=/; HttpOnly");
            response.headers_mut().insert("set-cookie", HeaderValue::from_str(&cookie).unwrap());
            std::future::ready(response)
        })
        .await
    };
    let (a, b) = (start("OX-1").await, start("OX-2").await);
    let signing = || Config { sign_routes: true, route_key_file: Some(file.clone()), ..config(&[&a, &b]) };
    let (first, second) = (Tier::with(signing()).await, Tier::with(signing()).await);
    let answer = first.get("/ajax/x", "").await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("JSESSIONID=0123456789abcdef-") && cookie.ends_with(".OX-1"), "{cookie}");
    for _ in 0..3 {
        assert_eq!(first.get("/ajax/x", &cookie).await.body(), "OX-1");
        assert_eq!(second.get("/ajax/x", &cookie).await.body(), "OX-1", "the other tier has the same key");
    }
    let seen = a.last_head().1["cookie"].clone();
    assert_eq!(seen, "JSESSIONID=0123456789abcdef.OX-1", "a foreign node sees its session id as it made it");

    // A tier that owes nobody anything gives by turns.
    let third = Tier::with(signing()).await;
    let forged = cookie.replace("OX-1", "OX-2");
    assert_eq!(third.get("/ajax/x", &forged).await.body(), "OX-1", "not where it was aimed at");
    assert_eq!(third.get("/ajax/x", &forged).await.body(), "OX-2", "it is its turn");
    assert_eq!(b.last_head().1["cookie"], "JSESSIONID=0123456789abcdef", "the node names its own route anew");
}

#[tokio::test]
async fn who_sends_too_much_is_told_when_to_come_back() {
    let node = Node::start_with("OX-1", |request| {
        let asked = request.headers().get("x-zebu-asks").is_some_and(|asks| asks == "tenant");
        let mut response = node::text("OX-1");
        if asked {
            response.headers_mut().insert("x-zebu-tenant", HeaderValue::from_static("7"));
        }
        std::future::ready(response)
    })
    .await;
    let limited = Config { client_requests_per_second: 1, client_requests_burst: 2, ..config(&[&node]) };
    let tier = Tier::with(limited).await;
    assert_eq!(tier.get("/ajax/x", "").await.status(), 200);
    assert_eq!(tier.get("/ajax/x", "").await.status(), 200);
    let answer = tier.get("/ajax/x", "").await;
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!((answer.status().as_u16(), body["code"].as_str()), (429, Some("WEB-0011")));
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_eq!(node.requests(), 2);
    assert_eq!(tier.get("/", "").await.status(), 200, "our own files are not counted");

    let limited = Config { tenant_requests_per_second: 1, tenant_requests_burst: 3, ..config(&[&node]) };
    let tier = Tier::with(limited).await;
    for session in ["one", "two"] {
        let answer = tier.get(&format!("/ajax/x?session={session}"), "").await;
        assert_eq!((answer.status().as_u16(), answer.headers().get("x-zebu-tenant")), (200, None));
    }
    let began = std::time::Instant::now();
    let mut refused = 0;
    for _ in 0..20 {
        refused += u64::from(tier.get("/ajax/x?session=one", "").await.status() == 429);
    }
    // Of twenty, one was left of the burst, and one came back each second since.
    assert!(refused + 2 + began.elapsed().as_secs() >= 18, "{refused}");
    assert!(refused > 0 && refused < 20, "{refused}");
}

#[tokio::test]
async fn what_a_tomcat_writes_into_addresses_is_followed_once_it_is_known_to_be_one() {
    let (a, b) = (Node::start("tc1").await, Node::start("tc2").await);
    let page = "/ajax/page;jsessionid=0123456789abcdef.tc2";
    let signing = |check_interval_ms| Config { sign_routes: true, check_interval_ms, ..config(&[&a, &b]) };
    // Nobody has been asked: they might be nodes of ours.
    let tier = Tier::with(signing(0)).await;
    for _ in 0..10 {
        tier.get(page, "").await;
    }
    assert_eq!((a.requests(), b.requests()), (5, 5));
    let tier = Tier::with(signing(20)).await;
    let began = std::time::Instant::now();
    // By turns it would never be the same twice in a row.
    let mut in_a_row = 0;
    while in_a_row < 10 {
        let before = b.requests();
        tier.get(page, "").await;
        in_a_row = if b.requests() > before { in_a_row + 1 } else { 0 };
        assert!(began.elapsed() < std::time::Duration::from_secs(60));
    }
}

#[tokio::test]
async fn a_balancer_that_signs_nothing_follows_bare_routes() {
    let (a, b) = (Node::start("tc1").await, Node::start("tc2").await);
    let bare = balanced(&[&a, &b], |balancer| balancer.sign_routes = false);
    let tier = Tier::with(Config { sign_routes: true, ..bare }).await;
    for _ in 0..10 {
        tier.get("/ajax/page;jsessionid=0123456789abcdef.tc2", "").await;
    }
    assert_eq!((a.requests(), b.requests()), (0, 10));
}
