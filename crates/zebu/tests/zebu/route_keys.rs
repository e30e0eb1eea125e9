//! The keys of routes: made beside a web tier's configuration or by command, and changed step by step.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::http::Person;
use crate::running::{Running, outcome, zebu};

fn keys(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn a_web_tier_that_is_told_of_no_key_keeps_one_beside_its_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let (config, file) = (dir.path().join("web.toml"), dir.path().join("routes.key"));
    let start = |more: &str| {
        fs::write(&config, format!("[web]\nlisten = '127.0.0.1:0'\n{more}")).unwrap();
        let mut web = Running::start(zebu(["serve", "--config"]).arg(&config));
        web.wait_for("ready web ");
        web.signal("TERM");
        let (status, errors, _) = web.end();
        assert!(status.success(), "{status}: {errors}");
        errors
    };
    start("sign_routes = false\n");
    assert!(!file.exists());
    let said = start("");
    assert!(said.contains("made a key for routes"), "{said}");
    let made = keys(&file);
    assert_eq!((made.len(), made[0].len()), (1, 64));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!start("").contains("made a key"));
    assert_eq!(keys(&file), made, "the same after a restart");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let (code, _, errors) = outcome(zebu(["serve", "--config"]).arg(&config));
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("route_key_file"), "{errors}");
}

#[test]
fn a_key_is_changed_by_three_commands_and_signs_nobody_out_of_their_node() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shared.key");
    let key = |words: &str| outcome(zebu(["front", "key"]).args(words.split(' ')).arg(&file));
    let done = |words: &str| {
        let (code, said, errors) = key(words);
        assert_eq!((code, errors.as_str()), (0, ""), "{words}");
        said
    };
    assert!(done("create").ends_with("name it there as [web] route_key_file\n"));
    let (code, _, errors) = key("create");
    assert_eq!(code, 1);
    assert!(errors.ends_with("shared.key: it is there already\n"), "{errors}");
    let old = keys(&file);
    assert!(
        done("rotate").contains("a new key is believed, the one before still signs\nnext: copy it to every")
    );
    let added = keys(&file);
    assert_eq!((added.len(), &added[0]), (2, &old[0]));
    assert!(done("rotate").contains("the new key signs"));
    assert_eq!(keys(&file), [added[1].clone(), old[0].clone()]);
    assert!(done("rotate --finish").contains("one key is left"));
    assert_eq!(keys(&file), [added[1].clone()]);
}

#[test]
fn the_nodes_of_a_demo_are_aimed_at_by_signed_routes_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, address) = Running::demo(&["--dir".as_ref(), dir.path().as_os_str()]);
    for node in ["OX-1", "OX-2"] {
        let mut oxadmin = Person::sign_in(address, "oxadmin", Some(node));
        for _ in 0..4 {
            assert_eq!(oxadmin.data("GET", "cluster?action=status", "")["served_by"], node);
        }
    }
    // By turns, whatever the client wants.
    let bare = [("cookie", "JSESSIONID=0123456789abcdef.OX-1")];
    let mut given = std::collections::BTreeSet::new();
    for _ in 0..4 {
        let answer = crate::http::send(address, "GET", "/ajax/capabilities?action=all", &bare, "").unwrap();
        let cookies = answer.headers.get("set-cookie").cloned().unwrap_or_default();
        let id = cookies.lines().find_map(|line| line.strip_prefix("JSESSIONID=")).unwrap_or_default();
        given.insert(
            id.split(';').next().unwrap_or_default().rsplit('.').next().unwrap_or_default().to_owned(),
        );
    }
    assert_eq!(given.into_iter().collect::<Vec<_>>(), ["OX-1", "OX-2"]);
    assert!(dir.path().join("etc/routes.key").exists());
    demo.stop();
}
