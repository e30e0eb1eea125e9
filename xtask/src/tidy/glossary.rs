//! `docs/GLOSSARY.md` has each word once, in the order of the alphabet: one word for one thing, easily found.

use super::Violation;
use super::tree::Tree;

const PATH: &str = "docs/GLOSSARY.md";
const RULE: &str = "glossary";

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut before = String::new();
    for (index, line) in tree.text(PATH).lines().enumerate() {
        let Some(term) = line.strip_prefix("| **").and_then(|rest| rest.split("**").next()) else { continue };
        let term = term.to_lowercase();
        if term == before {
            violations.push(Violation::new(PATH, index + 1, RULE, format!("`{term}` is explained twice")));
        } else if term < before {
            violations.push(Violation::new(
                PATH,
                index + 1,
                RULE,
                format!("`{term}` belongs before `{before}`"),
            ));
        }
        before = term;
    }
    if before.is_empty() {
        violations.push(Violation::new(
            PATH,
            0,
            RULE,
            "explain the words: one row `| **word** | meaning |` each",
        ));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_explained_twice_or_out_of_order_is_caught() {
        let tree = Tree::planted(&[(PATH, "| **file** | a |\n| **File** | b |\n| **context** | c |\n")]);
        let lines: Vec<usize> = check(&tree).into_iter().map(|violation| violation.line).collect();
        assert_eq!(lines, [2, 3]);
        assert_eq!(check(&Tree::planted(&[])).len(), 1);
    }
}
