//! What only one machine knows stays out of the tree: its folders, and the registry it happened to download from.

use super::Violation;
use super::source::lines;
use super::tree::Tree;

/// Written in halves, or this file would be the first violation.
const FOLDERS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
const RULE: &str = "machine";

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in &tree.files {
        for line in lines(path, text) {
            if FOLDERS.iter().any(|folder| names_folder(line.text, folder)) && !line.allows(RULE) {
                violations.push(Violation::new(path, line.number, RULE, "name no folder of one machine"));
            }
            if let Some(advice) = registry(path, line.text.trim()) {
                violations.push(Violation::new(path, line.number, RULE, advice));
            }
        }
    }
    violations
}

/// True if an absolute path begins in the folder; `/ajax/x/` or a URL's path that only contains its name does not count.
fn names_folder(text: &str, folder: &str) -> bool {
    text.match_indices(folder).any(|(start, _)| {
        let (before, after) =
            (text.get(..start).unwrap_or(""), text.get(start + folder.len()..).unwrap_or(""));
        let joined = before.ends_with(|c: char| c.is_alphanumeric() || "._-}>)*/".contains(c));
        !joined && after.starts_with(|c: char| c.is_alphanumeric() || c == '.')
    })
}

fn registry(path: &str, line: &str) -> Option<&'static str> {
    if path.ends_with("Cargo.lock") {
        let elsewhere = line.starts_with("source = ") && !line.contains(CRATES_IO);
        return elsewhere.then_some("crates come from crates.io only: remove the replacement and lock again");
    }
    if path.ends_with("package-lock.json") {
        let advice =
            "lock without addresses: npm install --package-lock-only --omit-lockfile-registry-resolved";
        return line.starts_with("\"resolved\": \"http").then_some(advice);
    }
    let configured = (path.ends_with(".npmrc")
        && line.split('=').next().is_some_and(|key| key.trim().ends_with("registry")))
        || (path.starts_with(".cargo/") && (line.starts_with("[source") || line.starts_with("[registries")));
    configured.then_some("which registry to use is for each machine to say")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::planted(&[(path, text)])).len()
    }

    #[test]
    fn a_folder_of_one_machine_is_caught() {
        for folder in FOLDERS {
            assert_eq!(count("a.rs", &format!("let dir = \"{folder}somewhere\";\n")), 1);
            assert_eq!(count("a.rs", &format!("let url = \"/ajax{folder}somewhere\";\n")), 0);
        }
    }

    #[test]
    fn a_registry_that_is_not_the_public_one_is_caught() {
        assert_eq!(count("Cargo.lock", "source = \"registry+https://mirror.example/index\"\n"), 1);
        assert_eq!(count("Cargo.lock", &format!("source = \"{CRATES_IO}\"\n")), 0);
        assert_eq!(count("ui/package-lock.json", "  \"resolved\": \"https://mirror.example/x.tgz\",\n"), 1);
        assert_eq!(count("ui/.npmrc", "omit-lockfile-registry-resolved=true\n"), 0);
        assert_eq!(count("ui/.npmrc", "registry=https://mirror.example/\n"), 1);
        assert_eq!(count(".cargo/config.toml", "[source.crates-io]\n"), 1);
    }
}
