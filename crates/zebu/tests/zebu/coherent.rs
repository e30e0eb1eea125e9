//! Processes that answer from memory, and what each of them changes.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use zebu_store::configdb::members;

use crate::http::{Person, send};
use crate::ready::{ADMIN, MASTER, ready};
use crate::running::{PATIENCE, Running, signal};

/// The addresses of a demo's nodes, by name.
fn nodes(address: SocketAddr) -> Vec<(String, SocketAddr)> {
    let mut oxadmin = Person::sign_in(address, "oxadmin", None);
    let status = oxadmin.data("GET", "cluster?action=status", "");
    let text = |node: &Value, field: &str| node[field].as_str().unwrap().to_owned();
    let nodes = status["nodes"].as_array().unwrap().iter();
    nodes.map(|node| (text(node, "name"), text(node, "address").parse().unwrap())).collect()
}

fn metric(node: SocketAddr, line: &str) -> u64 {
    let metrics = send(node, "GET", "/metrics", &[], "").unwrap().text();
    let value = metrics.lines().filter_map(|each| each.strip_prefix(line)?.trim().parse::<u64>().ok());
    value.sum()
}

/// Statements about folders and their contents that a node answered from memory.
fn remembered(node: SocketAddr) -> u64 {
    ["tree", "folder"]
        .map(|scope| format!("zebu_cache_statements_total{{scope=\"{scope}\",by=\"memory\"}}"))
        .map(|line| metric(node, &line))
        .iter()
        .sum()
}

fn titles(person: &mut Person, folder: &str) -> Vec<String> {
    let rows = person.data("GET", &format!("infostore?action=all&folder={folder}&columns=700"), "");
    rows.as_array().unwrap().iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}

fn lives(dir: &Path) -> Vec<(String, String)> {
    let config = zebu_store::Config::new(format!("sqlite:{}/db/config.db", dir.display()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = zebu_store::Store::open(config).await.unwrap();
        let mut tx = store.config_write().await.unwrap();
        let all = members::all(&mut tx).await.unwrap();
        all.into_iter().map(|member| (member.name, member.life)).collect()
    })
}

/// The cluster page shows how the node that answers stands with the two others, and so do its metrics.
fn is_a_live_map(address: SocketAddr, nodes: &[SocketAddr]) {
    let mut oxadmin = Person::sign_in(address, "oxadmin", None);
    let status = oxadmin.data("GET", "cluster?action=status", "");
    let (live, mesh) = (&status["live"], &status["mesh"]);
    let coherence = &live["coherence"];
    assert_eq!((&coherence["stage"], &coherence["joined"]), (&"member".into(), &true.into()), "{status}");
    assert_eq!(coherence["epochs"][0]["what"], "began", "{status}");
    let members = coherence["members"].as_array().unwrap();
    let mut names: Vec<&str> = members
        .iter()
        .map(|member| {
            assert!(member["lease_ms"].as_u64().unwrap() > 0 && member["connected"] == true, "{status}");
            live["names"][member["incarnation"].as_str().unwrap()].as_str().unwrap()
        })
        .chain([status["served_by"].as_str().unwrap()])
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["OX-1", "OX-2", "OX-3"]);
    assert_eq!(mesh["peers"].as_array().unwrap().len(), 2);
    let tree =
        live["cache"]["kinds"].as_array().unwrap().iter().find(|kind| kind["scope"] == "tree").unwrap();
    assert!(tree["hits"].as_u64().unwrap() > 0, "{status}");
    for node in nodes {
        for line in ["zebu_coherence_joined", "zebu_coherence_epoch", "zebu_push_told"] {
            assert_eq!(metric(*node, &format!("{line} ")), 1, "{line}");
        }
    }
}

#[test]
fn nodes_answer_from_memory_and_what_one_of_them_changes_is_true_on_all_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["--nodes".as_ref(), "3".as_ref(), "--dir".as_ref(), dir.path().as_os_str()];
    let (demo, address) = Running::demo(&words);
    let nodes: Vec<SocketAddr> = nodes(address).into_iter().map(|(_, address)| address).collect();
    assert_eq!(nodes.len(), 3);
    let mut people: Vec<Person> = nodes.iter().map(|node| Person::sign_in(*node, "anna", None)).collect();
    let folders = people[0].data("GET", "folders?action=list&parent=15&columns=1", "");
    let folder = folders[0][0].as_str().unwrap().to_owned();
    let body = format!(r#"{{"folder_id":"{folder}","title":"0","url":"http://example.org/"}}"#);
    let file = people[0].data("PUT", "infostore?action=new", &body);
    let file = file.as_str().unwrap().to_owned();
    let deadline = Instant::now() + PATIENCE;
    let mut round = 0;
    // As long as it takes until each has answered from memory many times.
    while nodes.iter().any(|node| remembered(*node) < 100) {
        round += 1;
        let title = round.to_string();
        let body = format!(r#"{{"title":"{title}"}}"#);
        let action = format!("infostore?action=update&id={file}&timestamp=9000000000000");
        people[round % 3].data("PUT", &action, &body);
        for person in &mut people {
            for _ in 0..3 {
                let found = titles(person, &folder);
                assert!(found.contains(&title), "round {round}: {found:?}");
            }
        }
        assert!(
            Instant::now() < deadline,
            "after {round} rounds {:?}",
            nodes.iter().map(|node| remembered(*node))
        );
    }
    assert!(round > 1, "nobody remembered anything that had been changed");
    is_a_live_map(address, &nodes);
    // The gauge of each node has read its first write back on all three.
    let sum = |line: &str| nodes.iter().map(|node| metric(*node, line)).sum::<u64>();
    while sum("zebu_gauge_answers_total ") < 3 {
        assert!(Instant::now() < deadline, "no node's gauge has read anything");
    }
    for bound in ["10", "100", "1000", "10000", "more"] {
        assert_eq!(sum(&format!("zebu_gauge_old_total{{up_to_ms=\"{bound}\"}} ")), 0);
    }
    demo.stop();
    assert_eq!(lives(dir.path()), [], "who has stopped is no member");
}

#[test]
fn what_an_operator_s_command_changes_holds_at_once_on_a_node_that_answers_from_memory() {
    let machine = ready().with_a_context();
    let node = machine.start_groupware();
    machine.tool(&format!("createuser {ADMIN} -u anna -d Anna -g Anna -s A -p secret -e anna@example.com"));
    let deadline = Instant::now() + PATIENCE;
    while metric(node, "zebu_mesh_connected ") != 1 {
        assert!(Instant::now() < deadline, "the node and the admin daemon are not connected");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let let_in = || {
        let answer =
            send(node, "POST", "/ajax/login?action=login", &form, "name=anna&password=secret").unwrap();
        answer.json()["session"].is_string()
    };
    let mut anna = Person::sign_in(node, "anna", None);
    let by_memory = || metric(node, "zebu_cache_statements_total{scope=\"principals\",by=\"memory\"}");
    let mut round = 0;
    while round < 3 || by_memory() < 20 {
        round += 1;
        for (change, allowed) in [("--access-infostore off", false), ("--access-infostore on", true)] {
            machine.tool(&format!("changeuser {ADMIN} -u anna {change}"));
            for _ in 0..5 {
                let answer = anna.ask("GET", "folders?action=get&id=9", "").unwrap();
                assert_eq!(answer["error"].is_null(), allowed, "round {round}, {change}: {answer}");
            }
        }
        for (command, allowed) in [("disablecontext", false), ("enablecontext", true)] {
            machine.tool(&format!("{command} {MASTER} -c 1"));
            assert_eq!(let_in(), allowed, "round {round}, {command}");
        }
        assert!(Instant::now() < deadline, "after {round} rounds: {}", by_memory());
    }
}

#[test]
fn a_node_that_was_killed_takes_its_former_life_s_place_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut demo, _) = Running::demo(&["--dir".as_ref(), dir.path().as_os_str()]);
    let of_one = || lives(dir.path()).into_iter().filter(|(name, _)| name == "OX-1").collect::<Vec<_>>();
    let before = of_one();
    assert_eq!(before.len(), 1);
    signal("KILL", demo.said("child OX-1 pid "));
    demo.wait_for("child OX-1 died");
    demo.wait_for("child OX-1 pid ");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = of_one();
        assert_eq!(now.len(), 1, "two lives of one node beside each other: {now:?}");
        if now != before {
            break;
        }
        assert!(Instant::now() < deadline, "OX-1 did not come back");
    }
    demo.stop();
}
