//! `zebu demo` from its start to its end, and what may happen in between.

use std::ffi::OsStr;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use crate::http::{Person, aimed_at, send};
use crate::running::{PATIENCE, Running, outcome, signal, zebu};

/// The folder of everybody's folders.
const PUBLIC: &str = "15";

fn in_dir(dir: &Path) -> [&OsStr; 2] {
    [OsStr::new("--dir"), dir.as_os_str()]
}

/// Ids by title of the folders below another.
fn folders(person: &mut Person, parent: &str) -> Vec<(String, String)> {
    let rows = person.data("GET", &format!("folders?action=list&parent={parent}&columns=1,300"), "");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(|row| (text(&row[1]), text(&row[0]))).collect()
}

/// The folder of the sample files.
fn welcome(person: &mut Person) -> String {
    let found = folders(person, PUBLIC).into_iter().find(|(title, _)| title == "Welcome to Zebu");
    found.expect("the folder of the samples").1
}

/// Titles and sizes of the items in a folder, sorted.
fn files(person: &mut Person, folder: &str) -> Vec<(String, u64)> {
    let rows = person.data("GET", &format!("infostore?action=all&folder={folder}&columns=700,704"), "");
    let rows = rows.as_array().unwrap().iter();
    let mut files: Vec<_> =
        rows.map(|row| (row[0].as_str().unwrap().to_owned(), row[1].as_u64().unwrap())).collect();
    files.sort();
    files
}

fn node_in_charge(oxadmin: &mut Person) -> String {
    oxadmin.data("GET", "cluster?action=status", "")["served_by"].as_str().unwrap().to_owned()
}

#[test]
fn the_nodes_of_a_demo_are_connected_with_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut words = in_dir(dir.path()).to_vec();
    words.extend(["--nodes", "3"].map(OsStr::new));
    let (demo, address) = Running::demo(&words);
    let mut oxadmin = Person::sign_in(address, "oxadmin", None);
    let deadline = Instant::now() + PATIENCE;
    let nodes = loop {
        let status = oxadmin.data("GET", "cluster?action=status", "");
        let mesh = &status["mesh"];
        if mesh["peers"].as_array().is_some_and(|peers| peers.len() == 2) {
            assert_eq!((&mesh["encrypted"], &mesh["missing"]), (&Value::Bool(true), &Value::Array(vec![])));
            break status["nodes"].as_array().unwrap().clone();
        }
        assert!(Instant::now() < deadline, "{mesh}");
    };
    assert_eq!(nodes.len(), 3);
    for node in nodes {
        let node: SocketAddr = node["address"].as_str().unwrap().parse().unwrap();
        let metrics = || send(node, "GET", "/metrics", &[], "").unwrap().text();
        while !metrics().contains("\nzebu_mesh_connected 2\n") {
            assert!(Instant::now() < deadline, "{}", metrics());
        }
        assert_eq!(send(node, "GET", "/health/ready", &[], "").unwrap().text(), "ready\n");
    }
    demo.stop();
}

#[test]
fn a_demo_serves_the_client_and_lets_everybody_in() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, address) = Running::demo(&in_dir(dir.path()));
    let page = send(address, "GET", "/", &[], "").unwrap();
    assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    assert!(page.text().contains("<title>Zebu</title>"));
    for name in ["anna", "ben", "ben@defaultcontext", "anna@1", "oxadmin"] {
        let mut person = Person::sign_in(address, name, None);
        let folder = welcome(&mut person);
        let samples = files(&mut person, &folder);
        let names: Vec<&str> = samples.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "Connect your file manager.txt",
            "How a cluster works.svg",
            "Permissions at a glance.csv",
            "Welcome.md",
        ];
        assert_eq!(names, expected);
        assert!(samples.iter().all(|(_, size)| *size > 100), "{samples:?}");
    }
    demo.stop();
}

#[test]
fn the_team_may_write_in_the_sample_folder() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, address) = Running::demo(&in_dir(dir.path()));
    let mut ben = Person::sign_in(address, "ben", None);
    let groups = ben.data("GET", "group?action=all", "");
    let team = groups.as_array().unwrap().iter().find(|group| group["name"] == "team").unwrap();
    assert_eq!(team["display_name"], "Team");
    assert_eq!(team["members"], serde_json::json!([3, 4]));
    let folder = welcome(&mut ben);
    let body = format!(r#"{{"folder_id":"{folder}","title":"From ben","url":"http://example.org/"}}"#);
    ben.data("PUT", "infostore?action=new", &body);
    let mut anna = Person::sign_in(address, "anna", None);
    assert_eq!(files(&mut anna, &folder).len(), 5);
    demo.stop();
}

#[test]
fn a_killed_node_costs_nobody_anything_and_comes_back_at_its_address() {
    let dir = tempfile::tempdir().unwrap();
    let (mut demo, address) = Running::demo(&in_dir(dir.path()));
    let mut oxadmin = Person::sign_in(address, "oxadmin", Some("OX-1"));
    assert_eq!(node_in_charge(&mut oxadmin), "OX-1");
    let id = aimed_at(address, "OX-1");
    let killed = demo.said("child OX-1 pid ");
    signal("KILL", &killed);
    // No answer is missed meanwhile: the other node gives it.
    assert!(!folders(&mut oxadmin, PUBLIC).is_empty());
    assert_eq!(demo.wait_for("child OX-1 died"), " (signal 9), restarting");
    assert_ne!(demo.wait_for("child OX-1 pid "), killed);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut again = Person::sign_in_by(address, "oxadmin", Some(&id));
        if node_in_charge(&mut again) == "OX-1" {
            break;
        }
        assert!(Instant::now() < deadline, "OX-1 serves nobody since it was started anew");
    }
    assert!(!folders(&mut oxadmin, PUBLIC).is_empty());
    demo.stop();
}

#[test]
fn a_killed_web_tier_comes_back_at_its_address() {
    let dir = tempfile::tempdir().unwrap();
    let (mut demo, address) = Running::demo(&in_dir(dir.path()));
    let mut anna = Person::sign_in(address, "anna", None);
    signal("KILL", demo.said("child web pid "));
    demo.wait_for("child web pid ");
    let deadline = Instant::now() + PATIENCE;
    while anna.ask("GET", "folders?action=root&columns=1", "").is_err() {
        assert!(Instant::now() < deadline, "nobody answers at {address}");
    }
    assert!(!folders(&mut anna, PUBLIC).is_empty());
    demo.stop();
}

#[test]
fn the_same_directory_again_has_everything_that_was_made_and_nothing_that_was_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, address) = Running::demo(&in_dir(dir.path()));
    let mut anna = Person::sign_in(address, "anna", None);
    let made = anna.data(
        "PUT",
        &format!("folders?action=new&folder_id={PUBLIC}"),
        r#"{"title":"Mine","module":"infostore"}"#,
    );
    let mut oxadmin = Person::sign_in(address, "oxadmin", None);
    let samples = welcome(&mut oxadmin);
    oxadmin.data("PUT", "folders?action=delete&timestamp=9999999999999", &format!(r#"["{samples}"]"#));
    demo.stop();

    let (status, said, errors) =
        outcome(&mut zebu([OsStr::new("filestore"), OsStr::new("check")].iter().chain(&in_dir(dir.path()))));
    assert_eq!((status, errors.as_str()), (0, ""), "{said}");
    assert!(said.starts_with("files ") && said.contains("orphans 0, missing 0, quota ok"), "{said}");

    let (demo, address) = Running::demo(&in_dir(dir.path()));
    // Sessions are data like any other: nobody has to sign in anew.
    let mut anna = anna.at(address);
    let id = made.as_str().unwrap().to_owned();
    assert_eq!(folders(&mut anna, PUBLIC), [("Mine".to_owned(), id)]);
    Person::sign_in(address, "ben", None);
    demo.stop();
}

#[test]
fn a_temporary_directory_is_removed_at_the_end() {
    let outer = tempfile::tempdir().unwrap();
    let arguments = ["demo", "--port", "0", "--nodes", "1"];
    let mut demo = Running::start(zebu(arguments).env("TMPDIR", outer.path()));
    demo.wait_for("ready http://");
    assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
    demo.stop();
    assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 0);
}

#[test]
fn a_signal_to_every_process_at_once_ends_all_of_them_well_and_starts_none() {
    // Ctrl-C in a terminal, and a service manager that takes every process of a service.
    for name in ["INT", "TERM"] {
        let dir = tempfile::tempdir().unwrap();
        let (mut demo, _) = Running::demo(&in_dir(dir.path()));
        let children = ["web", "OX-1", "OX-2"].map(|child| demo.said(&format!("child {child} pid ")));
        demo.signal_with(name, &children);
        let (status, errors, said) = demo.end();
        assert!(status.success(), "{status}");
        assert_eq!(errors, "");
        assert!(!said.iter().any(|line| line.contains("died")), "{said:#?}");
    }
}

#[test]
fn one_request_to_stop_may_arrive_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, _) = Running::demo(&in_dir(dir.path()));
    demo.signal("INT");
    demo.signal("INT");
    let (status, errors, _) = demo.end();
    assert!(status.success(), "{status}: {errors}");
}

#[test]
fn a_demo_that_is_killed_leaves_no_process_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, address) = Running::demo(&in_dir(dir.path()));
    let node = last_member(dir.path());
    assert!(TcpStream::connect(node).is_ok());
    demo.signal("KILL");
    demo.end();
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_ok() || TcpStream::connect(node).is_ok() {
        assert!(Instant::now() < deadline, "{address} or {node} is still served");
    }
}

/// Where the web tier finds its last member.
fn last_member(dir: &Path) -> SocketAddr {
    let text = fs::read_to_string(dir.join("etc/web.toml")).unwrap();
    let address = text.lines().filter_map(|line| line.strip_prefix("address = \"")).next_back().unwrap();
    address.trim_end_matches('"').parse().unwrap()
}

#[test]
fn a_second_demo_in_the_same_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, _) = Running::demo(&in_dir(dir.path()));
    let second =
        outcome(&mut zebu(["demo", "--port", "0"].map(OsStr::new).iter().chain(&in_dir(dir.path()))));
    let real = fs::canonicalize(dir.path()).unwrap();
    let expected = format!("zebu: another demo is running in {}\n", real.display());
    assert_eq!(second, (1, String::new(), expected));
    demo.stop();
}

#[test]
fn a_port_that_is_taken_is_refused_before_anything_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let refused = outcome(&mut zebu(["demo", "--port", &port].map(OsStr::new).iter().chain(&in_dir(&data))));
    let expected = format!("zebu: port {port} is taken by another process; --port takes another\n");
    assert_eq!(refused, (1, String::new(), expected));
    assert!(!data.exists());
}

#[test]
fn a_directory_that_cannot_be_written_to_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    // Below a file nobody can write, whoever runs the test.
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("data");
    let (code, said, errors) =
        outcome(&mut zebu(["demo", "--port", "0"].map(OsStr::new).iter().chain(&in_dir(&below))));
    assert_eq!((code, said.as_str()), (1, ""));
    let start = format!("zebu: cannot write to {}: ", below.display());
    assert!(errors.starts_with(&start) && errors.lines().count() == 1, "{errors}");
}
