//! The map of `docs/ARCHITECTURE.md` is the one written list of rooms and of what each may use. This reads it, and checks
//! that every crate's folder is on it and every folder on it is there.

use super::Violation;
use super::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

/// Where the map is written.
pub(super) const PATH: &str = "docs/ARCHITECTURE.md";
const HEAD: &str = "| folder | what lives there | may use |";

/// A room of the house.
#[derive(Debug, PartialEq)]
pub(super) struct Room {
    /// Where the map has it, from 1.
    pub(super) line: usize,
    /// The rooms that its code may name, without the `zebu-` of the crates.
    pub(super) may_use: BTreeSet<String>,
}

/// The rooms of the map by their folders.
pub(super) fn rooms(tree: &Tree) -> BTreeMap<String, Room> {
    let lines = tree.text(PATH).lines().enumerate();
    let rows = lines
        .skip_while(|(_, line)| line.trim() != HEAD)
        .skip(2)
        .take_while(|(_, line)| line.starts_with('|'));
    let mut rooms: BTreeMap<String, Room> = BTreeMap::new();
    for (index, row) in rows {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let (folders, _, uses) = (cells.next().unwrap_or(""), cells.next(), cells.next().unwrap_or(""));
        for folder in folders.split(',').map(|folder| folder.trim().trim_matches('`').trim_end_matches('/')) {
            let may_use = uses.split(',').map(|name| name.trim().trim_matches('`').to_owned());
            let may_use = may_use.filter(|name| name != "-" && !name.is_empty()).collect();
            rooms.insert(folder.to_owned(), Room { line: index + 1, may_use });
        }
    }
    let every: BTreeSet<String> =
        rooms.keys().filter_map(|folder| folder.strip_prefix("crates/")).map(str::to_owned).collect();
    for room in rooms.values_mut().filter(|room| room.may_use.contains("all")) {
        room.may_use = every.clone();
    }
    rooms
}

/// The name by which sources and manifests know the room in a folder.
pub(super) fn name(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap_or(folder)
}

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let (rooms, mut violations) = (rooms(tree), Vec::new());
    for manifest in tree.paths.iter().filter(|path| path.ends_with("/Cargo.toml")) {
        let folder = manifest.trim_end_matches("/Cargo.toml");
        if !rooms.contains_key(folder) {
            violations.push(Violation::new(
                manifest,
                0,
                "map",
                format!("enter `{folder}` in the map of {PATH}"),
            ));
        }
    }
    for (folder, room) in &rooms {
        if !tree.paths.iter().any(|path| path.starts_with(&format!("{folder}/"))) {
            let advice = format!("there is no folder `{folder}`: take it off the map until there is");
            violations.push(Violation::new(PATH, room.line, "map", advice));
        }
        for used in room.may_use.iter().filter(|used| !rooms.keys().any(|folder| name(folder) == *used)) {
            let advice = format!("`{folder}` may use `{used}`, which is no room of this map");
            violations.push(Violation::new(PATH, room.line, "map", advice));
        }
    }
    violations
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A map for the tests of the checks that stand on it.
    pub(in crate::tidy) const MAP: &str = "# Map\n\n| folder | what lives there | may use |\n|---|---|---|\n\
        | `crates/model` | types | - |\n| `crates/store` | SQL | model |\n| `crates/app` | use cases | model, store |\n\
        | `crates/web` | HTTP | app, model |\n| `testing/kit` | clusters | app, model, web |\n| `crates/zebu` | the binary | all |\n";

    #[test]
    fn a_crate_off_the_map_and_a_room_without_a_folder_are_both_caught() {
        let folders =
            ["crates/model", "crates/store", "crates/app", "crates/web", "testing/kit", "crates/secret"];
        let manifests: Vec<String> = folders.iter().map(|folder| format!("{folder}/Cargo.toml")).collect();
        let mut files: Vec<(&str, &str)> = manifests.iter().map(|path| (path.as_str(), "")).collect();
        files.push((PATH, MAP));
        let advice: Vec<String> =
            check(&Tree::planted(&files)).into_iter().map(|found| found.advice).collect();
        assert_eq!(
            advice,
            [
                "enter `crates/secret` in the map of docs/ARCHITECTURE.md",
                "there is no folder `crates/zebu`: take it off the map until there is"
            ]
        );
    }

    #[test]
    fn the_table_is_read_and_all_means_every_crate() {
        let rooms = rooms(&Tree::planted(&[(PATH, MAP)]));
        let uses = |folder: &str| rooms[folder].may_use.iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(uses("crates/model"), [""; 0]);
        assert_eq!(uses("crates/web"), ["app", "model"]);
        assert_eq!(uses("crates/zebu"), ["app", "model", "store", "web", "zebu"]);
    }
}
