//! A crate that is asked for is used: each dependency of a manifest is named somewhere in that crate's sources.

use super::Violation;
use super::source::has_word;
use super::tree::Tree;

/// Packages whose library has another name.
const LIBRARIES: [(&str, &str); 1] = [("md-5", "md5")];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (manifest, text) in tree.ending(&["/Cargo.toml"]) {
        let folder = manifest.trim_end_matches("Cargo.toml");
        let sources: Vec<&str> = tree
            .ending(&[".rs"])
            .filter(|(path, _)| path.starts_with(folder))
            .map(|(_, text)| text)
            .collect();
        for (line, name) in dependencies(text) {
            let library = library(name);
            if !sources.iter().any(|source| has_word(source, &library)) {
                violations.push(Violation::new(
                    manifest,
                    line,
                    "unused",
                    format!("strike `{name}`: no source names it"),
                ));
            }
        }
    }
    violations
}

/// The names below the headings of dependencies, of tests too, and their lines.
fn dependencies(manifest: &str) -> Vec<(usize, &str)> {
    let (mut names, mut inside) = (Vec::new(), false);
    for (index, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.trim().ends_with("dependencies]");
        } else if inside && line.contains('=') && !line.starts_with('#') {
            names.push((index + 1, line.split(['.', ' ', '=']).next().unwrap_or(line)));
        }
    }
    names
}

fn library(package: &str) -> String {
    let known = LIBRARIES.iter().find(|(name, _)| *name == package);
    known.map_or_else(|| package.replace('-', "_"), |(_, library)| (*library).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_that_no_source_names_is_caught() {
        let manifest = "[dependencies]\nmd-5.workspace = true\nidle = { workspace = true }\n[lints]\nworkspace = true\n\
            [dev-dependencies]\nhttp-body.workspace = true\n";
        let tree = Tree::planted(&[
            ("crates/a/Cargo.toml", manifest),
            ("crates/a/src/lib.rs", "use md5::Md5;\n"),
            ("crates/a/tests/b.rs", "use http_body_util::Full;\n"),
        ]);
        let lines: Vec<usize> = check(&tree).into_iter().map(|violation| violation.line).collect();
        assert_eq!(lines, [3, 7]);
    }
}
