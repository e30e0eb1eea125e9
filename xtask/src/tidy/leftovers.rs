//! Nothing is left for later inside the sources: it is done, or it is written on an issue.

use super::Violation;
use super::source::{has_word, lines};
use super::tree::Tree;

/// Written in halves, or this file would be the first violation.
const WORDS: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
];
const SKIPPED: [&str; 4] = [
    concat!("#[ig", "nore"),
    concat!("test.sk", "ip("),
    concat!("it.sk", "ip("),
    concat!("describe.sk", "ip("),
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending(&[".rs", ".ts", ".svelte", ".mjs", ".css", ".sh", ".md", ".toml", ".sql"])
    {
        for line in lines(path, text) {
            if let Some(word) = WORDS.iter().find(|word| has_word(line.text, word)) {
                let advice = format!("do it now or write an issue: `{word}`");
                violations.push(Violation::new(path, line.number, "leftover", advice));
            }
            if SKIPPED.iter().any(|mark| line.text.contains(mark)) {
                violations.push(Violation::new(path, line.number, "leftover", "mend the test or delete it"));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leftover_is_caught_and_words_that_only_look_alike_are_not() {
        for (index, word) in WORDS.iter().chain(&SKIPPED).enumerate() {
            let text = format!("fine\n// {word} later\n");
            assert_eq!(check(&Tree::planted(&[("a.rs", &text)])).len(), 1, "number {index}");
        }
        assert_eq!(check(&Tree::planted(&[("a.rs", "// a METODO, tasks to do\n")])), []);
    }
}
