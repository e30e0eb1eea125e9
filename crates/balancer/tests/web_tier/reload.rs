//! Members, balancers and paths that are changed by reading the configuration again, while people are served.

use std::path::Path;
use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use zebu_balancer::{BalancerConfig, Config, FoundNode, MemberState, MeshMembers, Weight};

use crate::log::Log;
use crate::manager::{asked, change, managed, shares};
use crate::node::{self, Node};
use crate::tier::{Browser, Tier, config, eventually, get};

/// An hour: whoever comes has a tenth of its share for the whole test.
const SLOW_START_MS: u64 = 3_600_000;

/// A node that answers what is asked for below `/ajax/slow` when there is a permit.
async fn slow(route: &'static str, go: &Arc<Semaphore>) -> Node {
    let go = go.clone();
    Node::start_with(route, move |request: Request<Incoming>| {
        let go = go.clone();
        async move {
            if request.uri().path() == "/ajax/slow" {
                go.acquire().await.unwrap().forget();
            }
            node::text(route)
        }
    })
    .await
}

fn routes(tier: &Tier) -> Vec<String> {
    tier.snapshot().members.into_iter().map(|member| member.route).collect()
}

#[tokio::test]
async fn who_goes_finishes_what_it_has_who_stays_keeps_all_and_who_comes_starts_slowly() {
    let go = Arc::new(Semaphore::new(0));
    let a = slow("OX-1", &go).await;
    let (b, c) = (Node::start("OX-2").await, Node::start("OX-3").await);
    let with = |nodes: &[&Node]| Config { slow_start_ms: SLOW_START_MS, ..config(nodes) };
    let tier = Tier::with(with(&[&a, &b])).await;
    tier.get("/ajax/x", "JSESSIONID=1.OX-2").await;
    let mut browser = Browser::connect(tier.address).await;
    let under_way = tokio::spawn(async move { browser.send(get("/ajax/slow", "JSESSIONID=1.OX-1")).await });
    eventually("the request is under way", || a.requests() == 1 && tier.snapshot().in_flight == 1).await;
    let before = tier.snapshot().members.remove(1);

    tier.reload(&with(&[&c, &b])).unwrap();
    assert_eq!(routes(&tier), ["OX-3", "OX-2"]);
    assert_eq!(tier.snapshot().members.remove(1), before, "what was counted is kept");
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-2");
    assert_eq!(b.connections(), 1, "its connection is used again");
    for _ in 0..55 {
        tier.get("/ajax/x", "").await;
    }
    // One in eleven, but for what was owed to one of them before.
    assert!((3..=7).contains(&c.requests()), "{}", c.requests());
    assert_ne!(tier.get("/ajax/x", "JSESSIONID=1.OX-1").await.body(), "OX-1");
    assert_eq!(a.requests(), 1, "it gets nothing more");

    assert!(!under_way.is_finished());
    go.add_permits(1);
    assert_eq!(under_way.await.unwrap().unwrap().body(), "OX-1");
}

#[tokio::test]
async fn changed_parameters_hold_for_members_that_stay_and_what_was_found_of_them_too() {
    let go = Arc::new(Semaphore::new(0));
    let a = slow("OX-1", &go).await;
    let (b, c) = (Node::start("OX-2").await, Node::start("OX-3").await);
    let tier = Tier::over(&[&a, &b, &c]).await;
    c.kill().await;
    tier.get("/ajax/x", "JSESSIONID=1.OX-3").await;
    eventually("it is down", || tier.snapshot().members[2].state == MemberState::Down).await;
    let mut new = config(&[&a, &b, &c]);
    new.members[0].timeout_ms = Some(50);
    new.members[1].weight = Weight::parse("3").unwrap();
    new.members[2].smax = 1;
    tier.reload(&new).unwrap();
    assert_eq!(tier.snapshot().members[2].state, MemberState::Down);
    // Of what they were given before something may be owed to one of them.
    let (of_a, of_b) = shares(&tier, [&a, &b]).await;
    assert!(of_a.abs_diff(10) <= 2 && of_b.abs_diff(30) <= 2, "{of_a} {of_b}");
    assert_eq!(tier.get("/ajax/slow", "JSESSIONID=1.OX-1").await.status(), 504);
    c.revive();
    eventually("its watch goes on", || tier.is_up("OX-3")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_while_it_ran_still_holds() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::with(managed(&[&a, &b], dir.path())).await;
    asked(&tier, dir.path(), change("OX-2", Some("3"), Some("N"))).await.unwrap();
    let mut new = managed(&[&a, &b], dir.path());
    new.members[0].weight = Weight::parse("2").unwrap();
    new.members[1].weight = Weight::parse("5").unwrap();
    let log = Log::default();
    let heard = log.listen();
    tier.reload(&new).unwrap();
    drop(heard);
    let said =
        |route: &str| log.text().contains(&format!("still holds balancer=\"nodes\" route=\"{route}\""));
    assert!(said("OX-2") && !said("OX-1"), "{}", log.text());
    let shown =
        || tier.snapshot().members.into_iter().map(|member| (member.weight, member.flags.to_string()));
    let weight = |text: &str| Weight::parse(text).unwrap();
    let expected = [(weight("2"), String::new()), (weight("3"), "N".to_owned())];
    assert_eq!(shown().collect::<Vec<_>>(), expected);
    // Also for one that goes and comes again.
    tier.reload(&managed(&[&a], dir.path())).unwrap();
    assert_eq!(routes(&tier), ["OX-1"]);
    tier.reload(&new).unwrap();
    assert_eq!(shown().collect::<Vec<_>>(), expected);
    // And the manager changes those that are there now.
    asked(&tier, dir.path(), change("OX-2", None, Some("-N"))).await.unwrap();
    assert_eq!(tier.snapshot().members[1].state, MemberState::Up);
}

#[tokio::test]
async fn members_of_the_mesh_stay_behind_those_of_the_configuration() {
    let nodes = [Node::start("OX-1").await, Node::start("OX-2").await, Node::start("OX-3").await];
    let [a, b, c] = &nodes;
    let with = |nodes: &[&Node]| Config { mesh_members: MeshMembers::Also, ..config(nodes) };
    let tier = Tier::with(with(&[a])).await;
    let found = |node: &Node| FoundNode { route: node.route.into(), http: node.address, ajp: None };
    tier.found(&[found(b), found(c)]);
    tier.get("/ajax/x", "JSESSIONID=1.OX-3").await;
    eventually("all is done", || tier.snapshot().in_flight == 0).await;
    let before = tier.snapshot().members.remove(2);
    assert_eq!((before.route.as_str(), before.requests), ("OX-3", 1));
    tier.reload(&with(&[b])).unwrap();
    assert_eq!(routes(&tier), ["OX-2", "OX-3"]);
    assert_eq!(tier.snapshot().members.remove(1), before);
    tier.reload(&with(&[a])).unwrap();
    assert_eq!(routes(&tier), ["OX-1", "OX-2", "OX-3"], "one that is named no more is found again");
    // Named members stay alone if the mesh is not asked for any more.
    tier.reload(&Config { mesh_members: MeshMembers::Auto, ..config(&[c]) }).unwrap();
    assert_eq!(routes(&tier), ["OX-3"]);
    assert_eq!(tier.snapshot().members[0].requests, 1, "it is the one that was found");
}

#[tokio::test]
async fn members_of_the_mesh_take_the_place_of_named_ones_and_the_other_way_round_without_a_request_that_fails()
 {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let found = |node: &Node| FoundNode { route: node.route.into(), http: node.address, ajp: None };
    let tier = Tier::with(config(&[&a])).await;
    let mut browser = Browser::connect(tier.address).await;
    let mut served = async |expected: &str| {
        let cookie = format!("JSESSIONID=1.{expected}");
        assert_eq!(browser.send(get("/ajax/x", &cookie)).await.unwrap().body(), expected);
    };
    served("OX-1").await;
    tier.found(&[found(&a), found(&b)]);
    assert_eq!(routes(&tier), ["OX-1"], "nobody asked for them");
    // Now somebody does.
    tier.reload_with(&config(&[]), &[found(&a), found(&b)]).unwrap();
    assert_eq!(routes(&tier), ["OX-1", "OX-2"]);
    served("OX-1").await;
    served("OX-2").await;
    assert_eq!(a.connections(), 1, "it is the same member");
    let mut heavy = config(&[]);
    heavy.mesh_parameters.weight = Weight::parse("3").unwrap();
    tier.reload(&heavy).unwrap();
    served("OX-2").await;
    assert!(tier.snapshot().members.iter().all(|member| member.weight == heavy.mesh_parameters.weight));
    assert_eq!(b.connections(), 1, "it is the same member");
    tier.reload_with(&config(&[&b]), &[]).unwrap();
    assert_eq!(routes(&tier), ["OX-2"]);
    served("OX-2").await;
    assert_eq!((a.requests(), b.requests(), b.connections()), (2, 3, 1));
}

fn balancer(name: &str, node: &Node, path: &str) -> BalancerConfig {
    let members = config(&[node]).members;
    BalancerConfig { name: name.into(), members, paths: vec![path.into()], ..BalancerConfig::default() }
}

#[tokio::test]
async fn balancers_come_and_go_with_their_paths() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let with = |balancers| Config { balancers, ..config(&[]) };
    let tier = Tier::with(with(vec![balancer("one", &a, "/ajax")])).await;
    assert_eq!(tier.get("/two/x", "").await.body(), "<p>zebu", "nobody has it: a page of the web client");
    tier.reload(&with(vec![balancer("two", &b, "/two"), balancer("one", &a, "/ajax")])).unwrap();
    assert_eq!(tier.get("/two/x", "").await.body(), "OX-2");
    assert_eq!(tier.get("/ajax/x", "").await.body(), "OX-1");
    tier.reload(&with(vec![balancer("two", &b, "/ajax")])).unwrap();
    assert_eq!(tier.get("/ajax/x", "").await.body(), "OX-2");
    assert_eq!(tier.get("/two/x", "").await.body(), "<p>zebu", "nobody has it: a page of the web client");
}

fn written(dir: &Path, members: &[(&str, &Node)]) {
    let line =
        |(route, node): &(&str, &Node)| format!("BalancerMember http://{} route={route}\n", node.address);
    let members: String = members.iter().map(line).collect();
    let text = format!("<Proxy balancer://ox>\n{members}</Proxy>\nProxyPass /ajax balancer://ox/ajax\n");
    std::fs::write(dir.join("proxy.conf"), text).unwrap();
}

#[tokio::test]
async fn the_content_of_apache_s_text_is_read_again_and_what_cannot_work_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let file = dir.path().join("proxy.conf").to_str().unwrap().to_owned();
    let config = Config { proxy_config: file, ..config(&[]) };
    written(dir.path(), &[("OX-1", &a)]);
    let tier = Tier::with(config.clone()).await;
    written(dir.path(), &[("OX-1", &a), ("OX-2", &b)]);
    tier.reload(&config).unwrap();
    assert_eq!(routes(&tier), ["OX-1", "OX-2"]);
    let before = tier.snapshot();
    written(dir.path(), &[("OX-2", &a), ("OX-2", &b)]);
    let tight = Config { connections_max: 1, ..config };
    let refusal = tier.reload(&tight).unwrap_err().to_string();
    assert!(refusal.contains("two members have the route \"OX-2\""), "{refusal}");
    std::fs::write(dir.path().join("proxy.conf"), "ProxyPas /ajax x\n").unwrap();
    let refusal = tier.reload(&tight).unwrap_err().to_string();
    assert!(refusal.contains("proxy.conf:1: "), "{refusal}");
    assert_eq!(tier.snapshot(), before);
    // Two at once: the limit is what it was.
    let (mut one, mut other) = (Browser::connect(tier.address).await, Browser::connect(tier.address).await);
    assert_eq!(one.send(get("/ajax/x", "JSESSIONID=1.OX-1")).await.unwrap().body(), "OX-1");
    assert_eq!(other.send(get("/ajax/x", "JSESSIONID=1.OX-2")).await.unwrap().body(), "OX-2");
    assert_eq!(one.send(get("/ajax/x", "JSESSIONID=1.OX-1")).await.unwrap().body(), "OX-1");
}
