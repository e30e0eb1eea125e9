//! `zebu serve` with a configuration file of the test's.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use zebu_store::Store;
use zebu_store::configdb::{nodes, web_tiers};

use crate::http::send;
use crate::running::{PATIENCE, Running, outcome, zebu};

fn file(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("zebu.toml");
    fs::write(&path, text).unwrap();
    path
}

/// Who is registered in a configdb: nodes, then web tiers with what they report.
pub(crate) fn registered(configdb: &Path) -> (Vec<String>, Vec<(String, serde_json::Value)>) {
    let config = zebu_store::Config::new(format!("sqlite:{}", configdb.display()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut tx = Store::open(config).await.unwrap().config().await.unwrap();
        let nodes = nodes::all(&mut tx).await.unwrap().into_iter().map(|node| node.name).collect();
        let reports = web_tiers::all(&mut tx).await.unwrap().into_iter();
        let tiers = reports.map(|report| (report.name, serde_json::from_str(&report.status).unwrap()));
        (nodes, tiers.collect())
    })
}

#[test]
fn one_process_plays_all_the_roles_its_file_names() {
    let dir = tempfile::tempdir().unwrap();
    let configdb = dir.path().join("config.db");
    let text = format!(
        "workers = 1\n[log]\nformat = 'json'\n[node]\nname = 'OX-7'\n[store]\nconfigdb = 'sqlite:{}'\n\
         [groupware]\nlisten = '127.0.0.1:0'\n[web]\nlisten = '127.0.0.1:0'\n",
        configdb.display()
    );
    let mut both = Running::start(zebu(["serve", "--config"]).arg(file(dir.path(), &text)));
    let node = both.wait_for("ready groupware OX-7 http://").parse().unwrap();
    let web: SocketAddr = both.wait_for("ready web http://").trim_end_matches('/').parse().unwrap();
    assert_eq!(send(node, "GET", "/health/ready", &[], "").unwrap().status, 200);
    assert_eq!(send(web, "GET", "/", &[], "").unwrap().status, 200);
    let deadline = Instant::now() + PATIENCE;
    let tiers = loop {
        let (nodes, tiers) = registered(&configdb);
        assert_eq!(nodes, ["OX-7"]);
        if !tiers.is_empty() {
            break tiers;
        }
        assert!(Instant::now() < deadline, "the web tier reports nothing");
    };
    assert_eq!(tiers[0].0, "OX-7");
    assert_eq!(tiers[0].1["listen"], web.to_string());
    both.signal("TERM");
    let (status, errors, _) = both.end();
    assert!(status.success(), "{status}: {errors}");
    assert_eq!(registered(&configdb), (vec![], vec![]));
    // What it logged, to the last line.
    for line in errors.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn the_end_of_standard_input_is_the_end_of_the_process_if_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = zebu(["serve", "--until-stdin-closes", "--config"]);
    // Standard input is closed from the start.
    let web =
        Running::start(command.arg(file(dir.path(), "[web]\nlisten = '127.0.0.1:0'\n")).stdin(Stdio::null()));
    let (status, errors, _) = web.end();
    assert!(status.success(), "{status}: {errors}");
}

#[test]
fn what_cannot_be_served_is_said_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let check = |text: &str, expected: &str| {
        let path = file(dir.path(), text);
        let (code, said, errors) = outcome(zebu(["serve", "--config"]).arg(&path));
        let expected = expected.replace("FILE", &path.display().to_string());
        assert_eq!((code, said.as_str()), (1, ""));
        let last = errors.lines().last().unwrap();
        assert!(last.starts_with(&format!("zebu: {expected}")), "{last}");
    };
    check("", "FILE: it names no role: a [groupware], an [admin] or a [web] is needed");
    check("[web]\nlisten = 'here'\n", "FILE:2: invalid socket address syntax");
    check("[log]\nlevel = 'a=b=c'\n[web]\n", "[log] level \"a=b=c\" is no log level: ");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    check(
        &format!("[web]\nlisten = '{address}'\n"),
        &format!("cannot listen on {address}: another process is listening there"),
    );
    let missing = dir.path().join("none.toml");
    let (code, _, errors) = outcome(zebu(["serve", "--config"]).arg(&missing));
    assert_eq!(code, 1);
    assert!(errors.starts_with(&format!("zebu: cannot read {}: ", missing.display())), "{errors}");
}
