//! Which node a request goes to.

use zebu_balancer::{Config, Weight};

use crate::node::Node;
use crate::tier::{Browser, Tier, config, get};

#[tokio::test]
async fn a_session_stays_with_the_node_its_cookie_names() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::over(&[&a, &b]).await;
    for _ in 0..5 {
        assert_eq!(tier.get("/ajax/x?action=y", "JSESSIONID=123.OX-2").await.body(), "OX-2");
        assert_eq!(tier.get("/infostore/", "a=b; JSESSIONID=99.9.OX-1; c=d").await.body(), "OX-1");
    }
    assert!(tier.snapshot().members.iter().all(|member| member.sessions_assigned == 0));
}

#[tokio::test]
async fn one_connection_may_carry_several_sessions() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::over(&[&a, &b]).await;
    let mut browser = Browser::connect(tier.address).await;
    for _ in 0..3 {
        for route in ["OX-1", "OX-2"] {
            let answer = browser.send(get("/ajax/x", &format!("JSESSIONID=1.{route}"))).await.unwrap();
            assert_eq!(answer.body(), route);
        }
    }
    assert_eq!((a.connections(), b.connections()), (1, 1), "connections to nodes are reused");
}

#[tokio::test]
async fn a_client_without_cookies_is_known_by_its_path_and_the_node_never_sees_it() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::over(&[&a, &b]).await;
    for _ in 0..3 {
        assert_eq!(tier.get("/ajax/login;jsessionid=77.OX-2?action=x", "").await.body(), "OX-2");
    }
    assert_eq!(b.last_head().0, "/ajax/login?action=x");
}

#[tokio::test]
async fn the_path_counts_before_the_cookie_and_a_known_route_before_a_foreign_one() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::over(&[&a, &b]).await;
    for _ in 0..3 {
        assert_eq!(tier.get("/ajax/x;jsessionid=1.OX-1", "JSESSIONID=1.OX-2").await.body(), "OX-1");
        assert_eq!(tier.get("/ajax/x;jsessionid=1.OTHER", "JSESSIONID=1.OX-2").await.body(), "OX-2");
        assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OTHER; JSESSIONID=1.OX-2").await.body(), "OX-2");
        assert_eq!(tier.get("/ajax/x;jsessionid=1.OX-2", "JSESSIONID=1.OTHER").await.body(), "OX-2");
    }
}

#[tokio::test]
async fn new_sessions_are_shared_out_by_weight() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let mut config: Config = config(&[&a, &b]);
    config.members[0].weight = Weight::of_hundredths(300).unwrap();
    let tier = Tier::with(config).await;
    for number in 0..100 {
        // No session, no route, a route nobody has.
        let cookie = ["", "JSESSIONID=123", "JSESSIONID=123.OX-9"][number % 3];
        assert_eq!(tier.get("/ajax/login", cookie).await.status(), 200);
    }
    assert_eq!((a.requests(), b.requests()), (75, 25));
    let assigned: Vec<_> = tier.snapshot().members.iter().map(|member| member.sessions_assigned).collect();
    assert_eq!(assigned, [75, 25]);
}
