//! `zebu cluster …`: from no CA to certificates, through a rotation, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::running::{outcome, zebu};

/// What a command printed and its exit code; whatever it complained of comes first.
fn cluster(dir: &Path, words: &[&str]) -> (i32, String) {
    let (code, said, errors) = outcome(zebu(["cluster"]).args(words).arg("--dir").arg(dir));
    (code, format!("{errors}{said}"))
}

fn done(dir: &Path, words: &[&str]) -> String {
    let (code, said) = cluster(dir, words);
    assert_eq!(code, 0, "{words:?}: {said}");
    said
}

#[test]
fn a_rotation_is_two_commands_and_one_for_each_node_and_the_list_says_who_is_left() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("cluster");
    assert!(done(&dir, &["ca", "create", "oxserver"]).contains("next: zebu cluster certificate NODE"));
    for node in ["OX-1", "OX-2"] {
        let said = done(&dir, &["certificate", node]);
        assert!(said.contains(&format!("{node}.pem: good until ")) && said.contains("730 days"), "{said}");
        let mode = fs::metadata(dir.join(format!("{node}.pem"))).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(!done(&dir, &["ca", "show"]).contains("needs a new one"));
    assert!(done(&dir, &["ca", "rotate"]).contains("zebu cluster ca rotate --finish"));
    done(&dir, &["certificate", "OX-2"]);
    let shown = done(&dir, &["ca", "show"]);
    let left: Vec<&str> = shown.lines().filter(|line| line.contains("needs a new one")).collect();
    assert!(left.len() == 1 && left[0].starts_with("OX-1: good until "), "{shown}");
    assert!(shown.contains("rotation under way"));
    let (code, said) = cluster(&dir, &["ca", "rotate"]);
    assert!(code == 1 && said.contains("give every node a new certificate"), "{said}");
    done(&dir, &["ca", "rotate", "--finish"]);
    assert!(!done(&dir, &["ca", "show"]).contains("rotation under way"));
    assert!(done(&dir, &["ca", "renew"]).contains("nothing is interrupted"));
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path();
    let refused = |words: &[&str], expected: &str| {
        let (code, said) = cluster(dir, words);
        assert!(
            code == 1 && said.lines().count() == 1 && said.contains(expected),
            "{words:?}: {code} {said}"
        );
    };
    refused(&["certificate", "OX-1"], "authority.pem: ");
    refused(&["ca", "create", "a b"], "cluster \"a b\": must be 1 to 64 letters");
    done(dir, &["ca", "create", "oxserver"]);
    refused(&["ca", "create", "oxserver"], "renew or rotate it");
    refused(&["ca", "rotate", "--finish"], "no rotation is under way");
    refused(&["certificate", "OX-1", "--days", "0"], "days 0: must be from 1 to 36500");
    fs::set_permissions(dir.join("authority.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    refused(&["ca", "show"], "chmod 600");
}
