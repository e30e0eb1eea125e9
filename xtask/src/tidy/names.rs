//! A test's name is a sentence: whoever sees it fail knows what no longer holds.

use super::Violation;
use super::source::lines;
use super::tree::Tree;

/// The shortest sentences have three words: `logins_are_counted`.
const WORDS_MIN: usize = 3;

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending(&[".rs"]) {
        let mut after_attribute = false;
        for line in lines(path, text) {
            let code = line.text.trim();
            let function = code.split_once("fn ").and_then(|(_, rest)| rest.split('(').next());
            if let Some(name) = function.filter(|name| after_attribute && name.split('_').count() < WORDS_MIN)
            {
                let advice = format!("say in a sentence what `{name}` shows");
                violations.push(Violation::new(path, line.number, "name", advice));
            }
            let attribute = code.starts_with("#[test]") || code.starts_with("#[tokio::test");
            after_attribute = attribute || (after_attribute && code.starts_with('#'));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_whose_name_says_nothing_is_caught() {
        let text = "#[test]\nfn it_works() {}\n#[tokio::test(flavor = \"x\")]\n#[should_panic]\nasync fn login() {}\n\
            fn helper() {}\n#[test]\nfn a_login_is_counted() {}\n";
        let lines: Vec<usize> =
            check(&Tree::planted(&[("a.rs", text)])).into_iter().map(|violation| violation.line).collect();
        assert_eq!(lines, [2, 5]);
    }
}
