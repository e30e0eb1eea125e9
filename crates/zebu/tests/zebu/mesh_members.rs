//! Web tiers whose files name no node: they hear of nodes in the cluster's mesh.

use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use zebu_store::Store;
use zebu_store::configdb::nodes;

use crate::http::{Answer, send};
use crate::running::{PATIENCE, Running, zebu};
use crate::serve::registered;

/// The cluster as every process is told of it.
struct Mesh {
    /// How processes find each other, as lines of `[cluster]`.
    discovery: String,
    dir: tempfile::TempDir,
}

impl Mesh {
    /// By beacons. Nobody but this test speaks on that port of the group.
    fn new() -> Self {
        let port = UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
        Self::by(&format!(
            "multicast_group = '239.255.67.81'\nmulticast_port = {port}\nmulticast_interface = '127.0.0.1'\nbeacon_ms = 500\n"
        ))
    }

    fn by(discovery: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("routes.key");
        std::fs::write(&key, "0123456789abcdef".repeat(4)).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        Self { discovery: discovery.to_owned(), dir }
    }

    fn start(&self, name: &str, text: &str) -> Running {
        self.start_by(name, text, &self.discovery)
    }

    fn start_by(&self, name: &str, text: &str, discovery: &str) -> Running {
        Running::start(zebu(["serve", "--config"]).arg(self.file(name, text, discovery)))
    }

    /// Writes the file of a process.
    fn file(&self, name: &str, text: &str, discovery: &str) -> PathBuf {
        // A line a request that fails would fill what nobody reads: then the log waits, and who writes it.
        let text = format!(
            "workers = 1\n[log]\nlevel = 'error'\n{text}[cluster]\nname = 'oxserver'\nplaintext = true\nbind = ['127.0.0.1:0']\n\
             {discovery}"
        );
        let file = self.dir.path().join(format!("{name}.toml"));
        std::fs::write(&file, text).unwrap();
        file
    }

    fn configdb(&self) -> PathBuf {
        self.dir.path().join("config.db")
    }

    /// Waits until a web tier has exactly these members.
    fn wait_until_members_are(&self, web: &str, expected: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let tiers = registered(&self.configdb()).1;
            let own = tiers.iter().find(|(name, _)| name == web).map(|(_, report)| &report["members"]);
            let members = own.and_then(Value::as_array).into_iter().flatten();
            let routes: Vec<&str> = members.filter_map(|member| member["route"].as_str()).collect();
            if routes == expected {
                return;
            }
            assert!(Instant::now() < deadline, "{web} has {routes:?} instead of {expected:?}");
        }
    }

    fn node(&self, number: u32) -> Running {
        let configdb = self.configdb();
        let mut node = self.start(
            &format!("OX-{number}"),
            &format!(
                "[node]\nname = 'OX-{number}'\nroute = 'OX-{number}'\n[store]\nconfigdb = 'sqlite:{}'\n\
                 [groupware]\nlisten = '127.0.0.1:0'\n[ajp]\nlisten = '127.0.0.1:0'\n",
                configdb.display()
            ),
        );
        node.wait_for(&format!("ready groupware OX-{number} http://"));
        node
    }

    /// The settings of a web tier that has no database.
    fn alone(&self, more: &str) -> String {
        let key = self.dir.path().join("routes.key");
        let key = key.display();
        format!("[web]\nlisten = '127.0.0.1:0'\nslow_start_ms = 100\nroute_key_file = '{key}'\n{more}")
    }

    /// Where the mesh of a node listens.
    fn place_of(&self, node: &str) -> String {
        let config = zebu_store::Config::new(format!("sqlite:{}", self.configdb().display()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut tx = Store::open(config).await.unwrap().config().await.unwrap();
            let all = nodes::all(&mut tx).await.unwrap();
            all.into_iter().find(|entered| entered.name == node).unwrap().mesh
        })
    }

    /// A web tier that reports who its members are.
    fn web(&self, name: &str, more: &str) -> (Running, SocketAddr) {
        let configdb = self.configdb();
        let mut web = self.start(
            name,
            &format!(
                "[node]\nname = '{name}'\n[store]\nconfigdb = 'sqlite:{}'\n[web]\nlisten = '127.0.0.1:0'\n\
                 slow_start_ms = 100\nroute_key_file = '{}'\n{more}",
                configdb.display(),
                self.dir.path().join("routes.key").display()
            ),
        );
        let address = web.wait_for("ready web http://").trim_end_matches('/').parse().unwrap();
        (web, address)
    }
}

/// A request of a session with this id, or of none.
fn ask(web: SocketAddr, id: Option<&str>) -> Answer {
    let cookie = id.map(|id| format!("JSESSIONID={id}"));
    let headers: Vec<_> = cookie.iter().map(|cookie| ("cookie", cookie.as_str())).collect();
    send(web, "GET", "/ajax/login?action=autologin", &headers, "").unwrap()
}

/// The session id that an answer sets: the node that it comes from had been shown none of its own.
fn given(answer: &Answer) -> Option<String> {
    let line =
        answer.headers.get("set-cookie")?.split('\n').find_map(|line| line.strip_prefix("JSESSIONID="))?;
    Some(line.split(';').next().unwrap().to_owned())
}

fn route(id: &str) -> String {
    id.rsplit_once('.').unwrap().1.to_owned()
}

/// Asks until exactly these nodes have answered in a row of requests that belong to nobody.
fn wait_until_served_by(web: SocketAddr, expected: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ids = (0..12).filter_map(|_| given(&ask(web, None)));
        let found: BTreeSet<String> = ids.map(|id| route(&id)).collect();
        if found.iter().map(String::as_str).eq(expected.iter().copied()) {
            return;
        }
        assert!(Instant::now() < deadline, "{found:?} instead of {expected:?}");
    }
}

#[test]
fn nodes_come_and_go_without_a_word_in_the_web_tiers_files_and_all_web_tiers_agree_on_them() {
    let mesh = Mesh::new();
    let (_one, two) = (mesh.node(1), mesh.node(2));
    let (_web, first) = mesh.web("web-1", "");
    let (_by_ajp, second) = mesh.web("web-2", "mesh_protocol = 'ajp'\n");
    for tier in [first, second] {
        wait_until_served_by(tier, &["OX-1", "OX-2"]);
    }
    let three = mesh.node(3);
    for tier in [first, second] {
        wait_until_served_by(tier, &["OX-1", "OX-2", "OX-3"]);
    }
    // A session of one web tier is at home with the other, though they have never heard of each other.
    let id = loop {
        if let Some(id) = given(&ask(first, None)).filter(|id| route(id) == "OX-3") {
            break id;
        }
    };
    for tier in [first, second, first] {
        assert_eq!(given(&ask(tier, Some(&id))), None, "its node knows it");
    }

    three.signal("KILL");
    for tier in [first, second] {
        let moved = ask(tier, Some(&id));
        assert!(moved.status < 500 && given(&moved).is_some_and(|id| route(&id) != "OX-3"), "{moved:?}");
        wait_until_served_by(tier, &["OX-1", "OX-2"]);
    }
    for name in ["web-1", "web-2"] {
        mesh.wait_until_members_are(name, &["OX-1", "OX-2"]);
    }
    // Who stops says so first.
    two.signal("TERM");
    assert!(two.end().0.success());
    for (name, tier) in [("web-1", first), ("web-2", second)] {
        wait_until_served_by(tier, &["OX-1"]);
        mesh.wait_until_members_are(name, &["OX-1"]);
    }
}

#[test]
fn named_members_stay_alone_unless_the_mesh_is_asked_for_too() {
    let mesh = Mesh::new();
    let (mut one, _two) = (mesh.node(1), mesh.node(2));
    let address = one.said("ready groupware OX-1 http://");
    let named = format!("[[web.members]]\nroute = 'OX-1'\naddress = '{address}'\n");
    let (_both, also) = mesh.web("also", &format!("mesh_members = 'also'\n{named}"));
    wait_until_served_by(also, &["OX-1", "OX-2"]);
    let configdb = mesh.configdb();
    let alone = format!(
        "[node]\nname = 'OX-3'\nroute = 'OX-3'\n[store]\nconfigdb = 'sqlite:{}'\n[groupware]\nlisten = '127.0.0.1:0'\n\
         [web]\nlisten = '127.0.0.1:0'\n{named}",
        configdb.display()
    );
    let mut process = mesh.start("alone", &alone);
    let alone = process.wait_for("ready web http://").trim_end_matches('/').parse().unwrap();
    // It is in the mesh itself: the other one hears of it.
    wait_until_served_by(also, &["OX-1", "OX-2", "OX-3"]);
    wait_until_served_by(alone, &["OX-1"]);
}

/// Silence that is noticed soon, so that the test need not wait long for a node to be forgotten.
const SOON: &str = "heartbeat_ms = 100\nsilence_ms_max = 500\n";

#[test]
fn without_multicast_the_registry_names_the_nodes() {
    let mesh = Mesh::by(&format!("discovery = 'registry'\n{SOON}"));
    let _one = mesh.node(1);
    let (_web, web) = mesh.web("web-1", "");
    wait_until_served_by(web, &["OX-1"]);
    let (two, three) = (mesh.node(2), mesh.node(3));
    wait_until_served_by(web, &["OX-1", "OX-2", "OX-3"]);
    // Who stops says so first; who is killed is forgotten.
    two.signal("TERM");
    assert!(two.end().0.success());
    mesh.wait_until_members_are("web-1", &["OX-1", "OX-3"]);
    three.signal("KILL");
    mesh.wait_until_members_are("web-1", &["OX-1"]);
    wait_until_served_by(web, &["OX-1"]);

    let file = mesh.file("no-store", &mesh.alone(""), &mesh.discovery);
    let (_, errors, _) = Running::start(zebu(["serve", "--config"]).arg(file)).end();
    assert!(errors.contains("[cluster] discovery = \"registry\" needs a [store] for that"), "{errors}");
}

#[test]
fn one_peer_that_is_named_is_enough_for_a_web_tier_without_a_database_by_http_and_by_ajp() {
    let mesh = Mesh::by(&format!("discovery = 'registry'\n{SOON}"));
    let (_one, two) = (mesh.node(1), mesh.node(2));
    let peers = format!("discovery = 'peers'\npeers = ['127.0.0.1:1', '{}']\n{SOON}", mesh.place_of("OX-1"));
    let tiers = ["", "mesh_protocol = 'ajp'\n"].map(|more| {
        let mut web = mesh.start_by(&format!("web{}", more.len()), &mesh.alone(more), &peers);
        let address = web.wait_for("ready web http://").trim_end_matches('/').parse().unwrap();
        (web, address)
    });
    for (_, tier) in &tiers {
        wait_until_served_by(*tier, &["OX-1", "OX-2"]);
    }
    let _three = mesh.node(3);
    two.signal("TERM");
    assert!(two.end().0.success());
    for (_, tier) in &tiers {
        wait_until_served_by(*tier, &["OX-1", "OX-3"]);
    }
}

#[test]
fn sighup_changes_between_named_members_and_those_of_the_mesh_and_no_request_fails() {
    let mesh = Mesh::by(&format!("discovery = 'registry'\n{SOON}"));
    let (mut one, _two) = (mesh.node(1), mesh.node(2));
    let address = one.said("ready groupware OX-1 http://");
    let named = mesh.alone(&format!("[[web.members]]\nroute = 'OX-1'\naddress = '{address}'\n"));
    let peers = |place: &str| format!("discovery = 'peers'\npeers = ['{place}']\n{SOON}");
    let written = |text: &str, place: Option<&str>| {
        let file = mesh.file("web", text, &peers(place.unwrap_or("127.0.0.1:1")));
        if place.is_none() {
            // Nobody follows the mesh: the file has no [cluster] then.
            let whole = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, &whole[..whole.find("[cluster]").unwrap()]).unwrap();
        }
        file
    };
    let mut web = Running::start(zebu(["serve", "--config"]).arg(written(&named, None)));
    let tier = web.wait_for("ready web http://").trim_end_matches('/').parse().unwrap();
    wait_until_served_by(tier, &["OX-1"]);
    let asking = Asking::start(tier);
    // A mesh in which nobody answers changes nothing.
    written(&mesh.alone(""), Some("127.0.0.1:1"));
    web.signal("HUP");
    asking.goes_on(Duration::from_secs(2));
    wait_until_served_by(tier, &["OX-1"]);
    written(&mesh.alone(""), Some(&mesh.place_of("OX-1")));
    web.signal("HUP");
    wait_until_served_by(tier, &["OX-1", "OX-2"]);
    written(&named, None);
    web.signal("HUP");
    wait_until_served_by(tier, &["OX-1"]);
    assert_eq!(asking.end(), Vec::<String>::new());
}

/// Requests of nobody's, one after the other, and what did not go well of them.
struct Asking {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
    thread: JoinHandle<Vec<String>>,
}

impl Asking {
    fn start(web: SocketAddr) -> Self {
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ends, count) = (Arc::clone(&stop), Arc::clone(&asked));
        let thread = thread::spawn(move || {
            let mut failed = Vec::new();
            while !ends.load(Ordering::Relaxed) {
                let answer = ask(web, None);
                if answer.status >= 500 {
                    failed.push(format!("{answer:?}"));
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
            failed
        });
        Self { stop, asked, thread }
    }

    /// For so long at least, and some requests.
    fn goes_on(&self, at_least: Duration) {
        let (began, before) = (Instant::now(), self.asked.load(Ordering::Relaxed));
        while began.elapsed() < at_least || self.asked.load(Ordering::Relaxed) < before + 20 {
            assert!(began.elapsed() < PATIENCE && !self.thread.is_finished());
            thread::yield_now();
        }
    }

    fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
