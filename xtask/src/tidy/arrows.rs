//! Arrows between rooms point only as the map says: in the manifests, in the sources, and through re-exports, by which a
//! room could hand on another one that its user may not know (`tidy-allow(arrow): reason` where that is meant). The
//! client is a room too: it imports nothing from outside.

use super::map::{self, Room, name};
use super::source::{Line, lines};
use super::tree::Tree;
use super::{Violation, map::rooms};
use std::collections::{BTreeMap, BTreeSet};

const RULE: &str = "arrow";
/// Tests of any room may stand on these.
const FOR_TESTS: [&str; 2] = ["kit", "mariadb"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let rooms = rooms(tree);
    let mut violations = Vec::new();
    for (folder, room) in
        rooms.iter().filter(|(folder, _)| tree.paths.contains(&format!("{folder}/Cargo.toml")))
    {
        manifest(tree, folder, room, &mut violations);
        // Our own sources plant forbidden names in strings; without an entry in our manifest they reach nothing.
        if folder != "xtask" {
            sources(tree, folder, &rooms, &mut violations);
        }
    }
    client(tree, &mut violations);
    violations
}

fn manifest(tree: &Tree, folder: &str, room: &Room, violations: &mut Vec<Violation>) {
    let path = format!("{folder}/Cargo.toml");
    let text = tree.text(&path);
    let mut section = "";
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            section = line.trim();
        }
        let Some(used) = line.strip_prefix("zebu-") else { continue };
        let used = used.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
        let for_tests = section == "[dev-dependencies]" && FOR_TESTS.contains(&used);
        if section.ends_with("dependencies]") && !room.may_use.contains(used) && !for_tests {
            violations.push(Violation::new(&path, index + 1, RULE, forbidden(folder, used)));
        }
    }
}

fn sources(tree: &Tree, folder: &str, rooms: &BTreeMap<String, Room>, violations: &mut Vec<Violation>) {
    let Some(room) = rooms.get(folder) else { return };
    let prefix = format!("{folder}/");
    for (path, text) in tree.ending(&[".rs"]).filter(|(path, _)| path.starts_with(&prefix)) {
        for line in lines(path, text).iter().filter(|line| !line.comment) {
            for used in named(line) {
                let own = used == name(folder);
                let for_tests = FOR_TESTS.contains(&used) && line.test;
                if !own && !for_tests && !room.may_use.contains(used) {
                    violations.push(Violation::new(path, line.number, RULE, forbidden(folder, used)));
                } else if let Some(user) = handed_on(line, folder, used, rooms) {
                    let advice = format!("`{user}` may use `{folder}` but not `{used}`: do not re-export it");
                    violations.push(Violation::new(path, line.number, RULE, advice));
                }
            }
        }
    }
}

/// The rooms that a line names as `zebu_<room>` in a path or an import.
fn named<'a>(line: &Line<'a>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (start, found) in line.text.match_indices("zebu_") {
        let rest = line.text.get(start + found.len()..).unwrap_or("");
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let before = line.text.get(..start).unwrap_or("");
        let imported = before.trim_end().ends_with("use") || after.starts_with("::");
        if imported && !before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            names.insert(name);
        }
    }
    names
}

/// A room that would get at `used` through a re-export on this line although the map keeps it away.
fn handed_on<'a>(
    line: &Line<'_>,
    folder: &str,
    used: &str,
    rooms: &'a BTreeMap<String, Room>,
) -> Option<&'a str> {
    let exported = line.text.trim_start().starts_with("pub use zebu_");
    let mut users = rooms.iter().filter(|(user, room)| {
        room.may_use.contains(name(folder)) && !room.may_use.contains(used) && name(user) != used
    });
    if exported && !line.allows(RULE) { users.next().map(|(user, _)| user.as_str()) } else { None }
}

fn client(tree: &Tree, violations: &mut Vec<Violation>) {
    for (path, text) in tree.ending(&[".ts", ".svelte", ".mjs"]).filter(|(path, _)| path.starts_with("ui/")) {
        let depth = path.split('/').count() - 2;
        for line in lines(path, text) {
            let up = line
                .text
                .split(['"', '\''])
                .filter(|part| part.starts_with("../"))
                .map(|part| part.matches("../").count());
            if up.max().is_some_and(|up| up > depth) && line.text.contains("import") {
                let advice =
                    format!("the client imports nothing from outside `ui/` (see the map of {})", map::PATH);
                violations.push(Violation::new(path, line.number, RULE, advice));
            }
        }
    }
}

fn forbidden(folder: &str, used: &str) -> String {
    format!("`{folder}` may not use `{used}`: move the code, or change the map of {} first", map::PATH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::map::tests::MAP;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        let mut files = vec![(map::PATH, MAP), (path, text)];
        let manifests: Vec<String> =
            ["model", "store", "app", "web"].map(|room| format!("crates/{room}/Cargo.toml")).into();
        files.extend(
            manifests.iter().filter(|manifest| *manifest != path).map(|manifest| (manifest.as_str(), "")),
        );
        check(&Tree::planted(&files))
            .into_iter()
            .map(|violation| (violation.line, violation.advice))
            .collect()
    }

    #[test]
    fn a_planted_dependency_is_caught_and_the_kit_is_for_tests_only() {
        let planted = "[dependencies]\nzebu-app.workspace = true\nzebu-store.workspace = true\n[dev-dependencies]\nzebu-kit.workspace = true\n";
        let violations = found("crates/web/Cargo.toml", planted);
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0], (3, forbidden("crates/web", "store")));
        assert_eq!(found("crates/web/Cargo.toml", "[dependencies]\nzebu-kit.workspace = true\n").len(), 1);
    }

    #[test]
    fn a_planted_import_is_caught() {
        let path = "crates/model/src/rights.rs";
        assert_eq!(
            found(path, "//! Rights.\nuse zebu_store::Tx;\n"),
            [(2, forbidden("crates/model", "store"))]
        );
        assert_eq!(found(path, "fn f() { zebu_app::run() }\n"), [(1, forbidden("crates/model", "app"))]);
        assert_eq!(found(path, "// zebu_app::run is above us\nfn zebu_app_name() {}\n"), []);
    }

    #[test]
    fn the_kit_is_seen_in_tests_only() {
        let path = "crates/web/src/router.rs";
        assert_eq!(found(path, "#[cfg(test)]\nmod tests {\n    use zebu_kit::Cluster;\n}\n"), []);
        assert_eq!(found(path, "use zebu_kit::Cluster;\n").len(), 1);
    }

    #[test]
    fn a_re_export_to_a_room_that_may_not_know_is_caught() {
        let path = "crates/app/src/lib.rs";
        let violations = found(path, "pub use zebu_model::Rights;\npub use zebu_store::Tx;\n");
        assert_eq!(violations.len(), 1, "{violations:?}");
        let excused =
            found(path, "// tidy-allow(arrow): counts only, for a log line\npub use zebu_store::Meter;\n");
        assert_eq!(excused, []);
        assert!(violations[0].1.starts_with("`crates/web` may use `crates/app` but not `store`"));
    }

    #[test]
    fn the_client_reaches_out_of_its_room_nowhere() {
        assert_eq!(
            found("ui/src/a/b.ts", "import x from \"../c\";\nimport y from '../../../crates/web/y';\n").len(),
            1
        );
    }
}
