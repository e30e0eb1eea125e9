//! What the command line understands, and how it says that it does not.

use crate::running::{outcome, zebu};

fn refused(arguments: &[&str]) -> String {
    let (code, said, errors) = outcome(&mut zebu(arguments));
    assert_eq!((code, said.as_str()), (2, ""), "{arguments:?}");
    assert!(errors.starts_with("zebu: ") && errors.lines().count() == 1, "{errors}");
    errors
}

#[test]
fn what_is_not_understood_is_said_in_one_line_and_ends_with_two() {
    assert!(refused(&["serv"]).contains("'serv'"));
    assert!(refused(&["serve"]).contains("--config <FILE>"));
    assert!(refused(&["demo", "--nodes", "0"]).contains("1..=16"));
    assert!(refused(&["demo", "--nodes", "17"]).contains("1..=16"));
    assert!(refused(&["demo", "--port", "65536"]).contains("65536"));
    assert!(refused(&["filestore", "check"]).contains("--dir <DIR>"));
    assert!(refused(&["filestore", "check", "--dir", "a", "--config", "b"]).contains("cannot be used with"));
    refused(&[]);
    refused(&["config"]);
}

#[test]
fn help_and_version_are_answers() {
    let (code, said, errors) = outcome(&mut zebu(["--version"]));
    assert_eq!(
        (code, said.as_str(), errors.as_str()),
        (0, concat!("zebu ", env!("CARGO_PKG_VERSION"), "\n"), "")
    );
    let (code, said, _) = outcome(&mut zebu(["--help"]));
    assert_eq!(code, 0);
    for command in ["serve", "demo", "config", "filestore"] {
        assert!(said.contains(command), "{said}");
    }
}

#[test]
fn the_example_of_a_configuration_is_printed() {
    let (code, said, errors) = outcome(&mut zebu(["config", "example"]));
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(said.contains("[groupware]\n") && said.contains("[web]\n"));
    assert_eq!(said, include_str!("../../src/example.toml"));
}

#[test]
fn a_file_store_is_only_checked_where_there_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let (code, said, errors) = outcome(zebu(["filestore", "check", "--dir"]).arg(dir.path()));
    assert_eq!((code, said.as_str()), (1, ""));
    assert_eq!(errors, format!("zebu: there are no data of a demo in {}\n", dir.path().display()));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
