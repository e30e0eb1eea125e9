//! `docs/PROMISES.md` has a row for each promise that names what shows it, or says "not yet". A command that is named
//! must exist: a test by its name in its crate, a subcommand or step of this tool.

use super::Violation;
use super::tree::Tree;
use crate::{SUBCOMMANDS, test::STEPS};

const PATH: &str = "docs/PROMISES.md";
const RULE: &str = "promise";
const PROMISES: usize = 12;

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for number in 1..=PROMISES {
        let head = format!("| P{number} |");
        let Some((index, row)) =
            tree.text(PATH).lines().enumerate().find(|(_, line)| line.starts_with(&head))
        else {
            violations.push(Violation::new(PATH, 0, RULE, format!("P{number} has no row")));
            continue;
        };
        let shown_by = row.trim_end_matches('|').rsplit('|').next().unwrap_or("");
        let commands: Vec<&str> =
            shown_by.split('`').skip(1).step_by(2).filter(|code| code.starts_with("cargo ")).collect();
        if commands.is_empty() && !shown_by.contains("not yet") {
            let advice = format!("name a command that shows P{number}, or say \"not yet\"");
            violations.push(Violation::new(PATH, index + 1, RULE, advice));
        }
        for command in commands.into_iter().filter(|command| !exists(tree, command)) {
            violations.push(Violation::new(
                PATH,
                index + 1,
                RULE,
                format!("`{command}` names nothing that exists"),
            ));
        }
    }
    violations
}

fn exists(tree: &Tree, command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words.as_slice() {
        ["cargo", "xtask", "test", steps @ ..] => {
            steps.iter().all(|name| STEPS.iter().any(|step| step.name == *name))
        }
        ["cargo", "xtask", name, ..] => SUBCOMMANDS.iter().any(|subcommand| subcommand.name == *name),
        ["cargo", "test", "-p", package, tests @ ..] => {
            tests.iter().filter(|test| !test.starts_with('-')).all(|test| has_test(tree, package, test))
        }
        _ => false,
    }
}

/// True if the crate has a function or a module of tests by this name (`module::function` by its last part).
fn has_test(tree: &Tree, package: &str, test: &str) -> bool {
    let name = format!("name = \"{package}\"");
    let manifest = tree.ending(&["/Cargo.toml"]).find(|(_, text)| text.lines().any(|line| line == name));
    let Some((path, _)) = manifest else { return false };
    let folder = path.trim_end_matches("Cargo.toml");
    let last = test.rsplit("::").next().unwrap_or(test);
    let named = [format!("fn {last}("), format!("mod {last} "), format!("mod {last};")];
    let mut sources = tree.ending(&[".rs"]).filter(|(path, _)| path.starts_with(folder));
    sources.any(|(path, text)| {
        path.ends_with(&format!("/{last}.rs")) || named.iter().any(|named| text.contains(named))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_without_a_proof_and_a_proof_that_does_not_exist_are_caught() {
        let rows = (4..=PROMISES).map(|number| format!("| P{number} | promised | not yet |\n"));
        let mut text =
            "| P1 | promised | `cargo test -p zebu-a a_true_test` |\n| P2 | promised | soon |\n".to_owned();
        text.push_str("| P3 | promised | `cargo test -p zebu-a gone` and `cargo xtask tidy` and `cargo xtask test gone` |\n");
        text.extend(rows);
        let tree = Tree::planted(&[
            (PATH, &text),
            ("crates/a/Cargo.toml", "[package]\nname = \"zebu-a\"\n"),
            ("crates/a/src/b.rs", "fn a_true_test() {}\n"),
        ]);
        let found: Vec<String> = check(&tree).into_iter().map(|violation| violation.advice).collect();
        let expected = [
            "name a command that shows P2, or say \"not yet\"",
            "`cargo test -p zebu-a gone` names nothing that exists",
            "`cargo xtask test gone` names nothing that exists",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_missing_row_is_caught() {
        assert_eq!(check(&Tree::planted(&[])).len(), PROMISES);
    }
}
