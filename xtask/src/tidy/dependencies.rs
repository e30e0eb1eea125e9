//! Each dependency has its one line of why in `docs/DEPENDENCIES.md`, and each line there is still a dependency. Versions
//! are written once: in the root manifest.

use super::Violation;
use super::tree::Tree;
use serde_json::Value;
use std::collections::BTreeMap;

const PATH: &str = "docs/DEPENDENCIES.md";
const MANIFEST: &str = "Cargo.toml";
/// A workspace of its own: it is built with other flags.
const FUZZ: &str = "fuzz/Cargo.toml";
const CLIENT: &str = "ui/package.json";
const RULE: &str = "dependency";

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut used = of_workspace(tree.text(MANIFEST));
    used.extend(of_workspace(tree.text(FUZZ)));
    used.extend(of_client(tree.text(CLIENT)));
    let explained = explained(tree.text(PATH));
    let mut violations = own_versions(tree);
    for (name, manifest) in &used {
        if !explained.contains_key(name) {
            violations.push(Violation::new(
                manifest,
                0,
                RULE,
                format!("say in {PATH} why `{name}` is needed"),
            ));
        }
    }
    for (name, line) in &explained {
        if !used.contains_key(name) {
            violations.push(Violation::new(
                PATH,
                *line,
                RULE,
                format!("strike `{name}`: nobody depends on it"),
            ));
        }
    }
    for name in of_workspace(tree.text(MANIFEST)).keys().filter(|name| !is_taken(tree, name)) {
        violations.push(Violation::new(MANIFEST, 0, RULE, format!("strike `{name}`: no crate takes it")));
    }
    violations
}

fn of_workspace(manifest: &str) -> BTreeMap<String, &'static str> {
    let table: toml::Table = manifest.parse().unwrap_or_default();
    let dependencies = table.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let names = dependencies.and_then(toml::Value::as_table).into_iter().flatten().map(|(name, _)| name);
    names.filter(|name| !name.starts_with("zebu-")).map(|name| (name.clone(), MANIFEST)).collect()
}

fn of_client(manifest: &str) -> BTreeMap<String, &'static str> {
    let package: Value = serde_json::from_str(manifest).unwrap_or_default();
    let sections = ["dependencies", "devDependencies"]
        .map(|section| package.get(section).and_then(Value::as_object).cloned());
    sections.into_iter().flatten().flatten().map(|(name, _)| (name, CLIENT)).collect()
}

/// Rows that begin with a name in backticks, and their lines.
fn explained(text: &str) -> BTreeMap<String, usize> {
    let rows = text.lines().enumerate().filter_map(|(index, line)| {
        let name = line.strip_prefix("| `")?.split('`').next()?;
        Some((name.to_owned(), index + 1))
    });
    rows.collect()
}

fn is_taken(tree: &Tree, name: &str) -> bool {
    let takes = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    tree.ending(&["/Cargo.toml"]).any(|(_, text)| text.lines().any(takes))
}

/// Crates that name a version themselves.
fn own_versions(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending(&["/Cargo.toml"]) {
        let mut in_dependencies = false;
        for (index, line) in text.lines().enumerate() {
            if line.starts_with('[') {
                let versions_belong_here = line.trim() == "[workspace.dependencies]";
                in_dependencies = line.trim().ends_with("dependencies]") && !versions_belong_here;
            } else if in_dependencies
                && line.contains('=')
                && !line.starts_with('#')
                && !line.contains("workspace = true")
            {
                let advice = "write the version in the root manifest and say `workspace = true` here";
                violations.push(Violation::new(path, index + 1, RULE, advice));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_without_a_reason_and_a_reason_without_a_dependency_are_caught() {
        let tree = Tree::planted(&[
            (
                MANIFEST,
                "[workspace.dependencies]\nzebu-model = \"1\"\nserde = \"1\"\nlibc = \"1\"\nidle = \"1\"\n",
            ),
            (
                "crates/a/Cargo.toml",
                "[dependencies]\nserde.workspace = true\nlibc.workspace = true\nother = \"2\"\n",
            ),
            (CLIENT, "{\"devDependencies\":{\"vite\":\"8\"}}"),
            (PATH, "| `serde` | why |\n| `idle` | why |\n| `gone` | why |\n"),
        ]);
        let found: Vec<String> = check(&tree).into_iter().map(|violation| violation.advice).collect();
        let expected = [
            "write the version in the root manifest and say `workspace = true` here",
            "say in docs/DEPENDENCIES.md why `libc` is needed",
            "say in docs/DEPENDENCIES.md why `vite` is needed",
            "strike `gone`: nobody depends on it",
            "strike `idle`: no crate takes it",
        ];
        assert_eq!(found, expected);
    }
}
