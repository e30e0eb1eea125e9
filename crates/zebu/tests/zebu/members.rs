//! `zebu members`: the members of a running web tier, changed by command, kept over restarts and hand-overs, written down.

use std::fs;
use std::path::{Path, PathBuf};

use crate::running::{Running, outcome, zebu};

fn config(dir: &Path) -> PathBuf {
    let path = dir.join("web.toml");
    let [handover, socket, file] = ["web.sock", "members.sock", "members.json"].map(|name| dir.join(name));
    let text = format!(
        "[web]\nlisten = '127.0.0.1:0'\nhandover = '{}'\n[web.manager]\nsocket = '{}'\nmembers_file = '{}'\n\
         [[web.members]]\nroute = 'OX-1'\naddress = '127.0.0.1:1'\n[[web.members]]\nroute = 'OX-2'\naddress = '127.0.0.1:2'\n",
        handover.display(),
        socket.display(),
        file.display()
    );
    fs::write(&path, text).unwrap();
    path
}

fn start(config: &Path) -> Running {
    let mut web = Running::start(zebu(["serve", "--config"]).arg(config));
    web.wait_for("ready web ");
    web
}

/// A line of the members' table, its columns apart.
fn member(table: &str, route: &str) -> Vec<String> {
    let line = table.lines().find(|line| line.split_whitespace().nth(1) == Some(route)).unwrap();
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn what_is_changed_by_command_is_kept_and_written_down_with_who_wanted_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let members =
        |words: &str| outcome(zebu(["members"]).args(words.split(' ')).arg("--config").arg(&config));
    let done = |words: &str| {
        let (code, said, errors) = members(words);
        assert_eq!((code, errors.as_str()), (0, ""), "{words}");
        said
    };
    let (code, _, errors) = members("list");
    assert!(code == 1 && errors.contains("does not answer"), "{errors}");

    let web = start(&config);
    let listed = done("list");
    assert!(listed.starts_with("balancer  route  address"), "{listed}");
    assert_eq!(member(&listed, "OX-1")[3..5], ["1", "-"]);
    assert_eq!(member(&done("set OX-1 --weight 2.5 --status HI"), "OX-1")[3..5], ["2.5", "IH"]);
    assert_eq!(member(&done("set OX-1 --status -I"), "OX-1")[3..5], ["2.5", "H"]);
    assert_eq!(member(&done("drain OX-2"), "OX-2")[4], "N");
    let (code, said, errors) = members("set OX-1 --weight 200");
    assert_eq!((code, said.as_str()), (1, ""));
    assert_eq!(errors, "zebu: weight must be from 1 to 100, with two decimals at most\n");
    let (code, ..) = members("set OX-1");
    assert_eq!(code, 2);

    // A successor has it all, and the socket is its own.
    let successor = start(&config);
    let (status, errors, _) = web.end();
    assert!(status.success(), "{status}: {errors}");
    let audit: Vec<_> = errors.lines().filter(|line| line.contains("zebu_balancer::audit")).collect();
    assert_eq!(audit.len(), 3, "{errors}");
    for part in ["who=\"uid ", "route=\"OX-1\"", "old=\"weight 1 status -\"", "new=\"weight 2.5 status IH\""]
    {
        assert!(audit[0].contains(part), "{part}: {}", audit[0]);
    }
    assert_eq!(member(&done("list"), "OX-1")[3..5], ["2.5", "H"]);
    assert_eq!(member(&done("drain OX-2 --undo"), "OX-2")[4], "-");
    successor.signal("TERM");
    assert!(successor.end().0.success());

    let again = start(&config);
    let listed: serde_json::Value = serde_json::from_str(&done("list --json")).unwrap();
    assert_eq!((&listed[0]["weight"], &listed[0]["flags"]), (&2.5.into(), &"H".into()), "{listed}");
    assert_eq!(listed[1]["flags"], "");
    again.signal("TERM");
    assert!(again.end().0.success());
}
