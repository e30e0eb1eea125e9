//! Web tiers whose files name no node: they hear of nodes in the cluster's mesh.

use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;

use crate::http::{Answer, send};
use crate::running::{PATIENCE, Running, zebu};
use crate::serve::registered;

/// The cluster as every process is told of it. Nobody but this test speaks on that port of the group.
struct Mesh {
    port: u16,
    dir: tempfile::TempDir,
}

impl Mesh {
    fn new() -> Self {
        let port = UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("routes.key");
        std::fs::write(&key, "0123456789abcdef".repeat(4)).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        Self { port, dir }
    }

    fn start(&self, name: &str, text: &str) -> Running {
        // A line a request that fails would fill what nobody reads: then the log waits, and who writes it.
        let text = format!(
            "workers = 1\n[log]\nlevel = 'error'\n{text}[cluster]\nname = 'oxserver'\nplaintext = true\nbind = ['127.0.0.1:0']\n\
             multicast_group = '239.255.67.81'\nmulticast_port = {}\nmulticast_interface = '127.0.0.1'\nbeacon_ms = 500\n",
            self.port
        );
        let file = self.dir.path().join(format!("{name}.toml"));
        std::fs::write(&file, text).unwrap();
        Running::start(zebu(["serve", "--config"]).arg(file))
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
