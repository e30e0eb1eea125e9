//! Every relative link of a document leads to a file that is there.

use super::Violation;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending(&[".md"]) {
        for (index, line) in text.lines().enumerate() {
            for target in targets(line).filter(|target| !leads_somewhere(tree, path, target)) {
                let advice = format!("there is no `{target}`");
                violations.push(Violation::new(path, index + 1, "link", advice));
            }
        }
    }
    violations
}

/// What stands between `](` and `)`, without its fragment; addresses of other hosts aside.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = links.filter_map(|link| link.split('#').next());
    files.filter(|file| !file.is_empty() && !file.contains("://") && !file.starts_with("mailto:"))
}

fn leads_somewhere(tree: &Tree, document: &str, target: &str) -> bool {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    let path = parts.join("/");
    tree.paths.contains(&path) || tree.paths.iter().any(|file| file.starts_with(&format!("{path}/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_link_is_caught_and_the_others_are_followed() {
        let text = "[a](b.md) [c](../README.md#top) [d](../xtask) [e](https://example.org/x) [f](gone.md)\n";
        let files = [("docs/a.md", text), ("docs/b.md", ""), ("README.md", ""), ("xtask/Cargo.toml", "")];
        assert_eq!(
            check(&Tree::planted(&files)),
            [Violation::new("docs/a.md", 1, "link", "there is no `gone.md`")]
        );
    }
}
