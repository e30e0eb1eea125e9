//! The rooms of pure decisions see no file, no socket, no clock, no randomness and no runtime.

use super::Violation;
use super::source::{has_word, lines};
use super::tree::Tree;

const PURE: [&str; 3] = ["crates/ajp/", "crates/model/", "crates/formats/"];
const IMPURE: [&str; 9] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "tokio",
    "getrandom",
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in
        tree.ending(&[".rs"]).filter(|(path, _)| PURE.iter().any(|room| path.starts_with(room)))
    {
        for line in lines(path, text).iter().filter(|line| !line.test && !line.comment) {
            if let Some(impure) = IMPURE.iter().find(|impure| has_word(line.text, impure)) {
                let advice =
                    format!("take the answer as a parameter: `{impure}` has no place among pure decisions");
                violations.push(Violation::new(path, line.number, "pure", advice));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_among_pure_decisions_is_caught() {
        let planted = "use std::time::SystemTime;\n";
        assert_eq!(check(&Tree::planted(&[("crates/model/src/a.rs", planted)])).len(), 1);
        assert_eq!(check(&Tree::planted(&[("crates/app/src/a.rs", planted)])), []);
    }
}
