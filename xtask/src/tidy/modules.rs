//! Modules are named after what they hold; what comes from where can be seen; and no feature changes behaviour.

use super::Violation;
use super::source::lines;
use super::tree::Tree;

/// Names that say nothing about what is inside.
const NAMELESS: [&str; 6] = ["common", "utils", "util", "types", "helpers", "misc"];
/// Written in halves, or this file would be the first violation.
const FEATURES: [&str; 2] = [concat!("cfg(fea", "ture"), concat!("cfg_attr(fea", "ture")];
const RULE: &str = "module";

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending(&[".rs", ".ts", ".svelte"]) {
        let named = path.rsplit('/').take(2).map(|part| part.split('.').next().unwrap_or(part));
        if named.into_iter().any(|name| NAMELESS.contains(&name)) {
            violations.push(Violation::new(path, 0, RULE, "name the module after what it holds"));
        }
        for line in lines(path, text).iter().filter(|line| path.ends_with(".rs") && !line.comment) {
            let code = line.text.trim();
            if code.contains("use ") && code.ends_with("::*;") && !line.test {
                violations.push(Violation::new(path, line.number, RULE, "name what you import"));
            }
            if FEATURES.iter().any(|feature| code.contains(feature)) {
                violations.push(Violation::new(
                    path,
                    line.number,
                    RULE,
                    "choose behaviour at run time, not by a feature",
                ));
            }
        }
    }
    for (path, text) in tree.ending(&["Cargo.toml"]) {
        if let Some(index) = text.lines().position(|line| line.trim() == "[features]") {
            violations.push(Violation::new(
                path,
                index + 1,
                RULE,
                "choose behaviour at run time, not by a feature",
            ));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameless_modules_glob_imports_and_features_are_caught() {
        let feature = concat!("#[cfg(fea", "ture = \"x\")]\nfn f() {}\n");
        let tree = Tree::planted(&[
            ("crates/a/src/utils.rs", ""),
            ("crates/a/src/common/mod.rs", ""),
            ("ui/src/api/types.ts", ""),
            (
                "crates/a/src/b.rs",
                concat!("use a::", "*;\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n"),
            ),
            ("crates/a/src/c.rs", feature),
            ("crates/a/Cargo.toml", "[features]\nx = []\n"),
        ]);
        let mut paths: Vec<String> = check(&tree).into_iter().map(|violation| violation.path).collect();
        paths.sort();
        let expected = [
            "crates/a/Cargo.toml",
            "crates/a/src/b.rs",
            "crates/a/src/c.rs",
            "crates/a/src/common/mod.rs",
            "crates/a/src/utils.rs",
            "ui/src/api/types.ts",
        ];
        assert_eq!(paths, expected);
    }
}
