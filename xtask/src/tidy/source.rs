//! Lines of source as the checks read them: which are comments, which are tests, which carry an exception.

/// One line of a source file.
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: usize,
    pub(super) text: &'a str,
    /// It belongs to a test: by the file's place, or after `#[cfg(test)]` of an inner module.
    pub(super) test: bool,
    /// It is nothing but a comment.
    pub(super) comment: bool,
    /// The line before it, for exceptions that stand above what they excuse.
    before: &'a str,
}

impl Line<'_> {
    /// True if this line or the one above says `tidy-allow(rule): reason`, with a reason.
    pub(super) fn allows(&self, rule: &str) -> bool {
        [self.text, self.before].iter().any(|text| allowed(text, rule))
    }
}

fn allowed(text: &str, rule: &str) -> bool {
    let reason = text.split_once(&format!("tidy-allow({rule}):")).map(|(_, reason)| reason.trim());
    reason.is_some_and(|reason| reason.len() > 3)
}

/// The lines of a file.
pub(super) fn lines<'a>(path: &str, text: &'a str) -> Vec<Line<'a>> {
    let mut test = is_test_file(path);
    let (mut before, mut lines) = ("", Vec::new());
    for (index, text) in text.lines().enumerate() {
        let trimmed = text.trim_start();
        // `#[cfg(test)] mod tests { … }` closes a file by convention; `mod tests;` is a file of its own.
        test |= before.trim() == "#[cfg(test)]" && trimmed.contains("mod ") && trimmed.ends_with('{');
        let comment = trimmed.starts_with("//") || trimmed.starts_with("/*") || trimmed.starts_with("* ");
        lines.push(Line { number: index + 1, text, test, comment, before });
        before = text;
    }
    lines
}

/// True for files that hold nothing but tests, measurements or what they stand on: what is built of development dependencies.
pub(super) fn is_test_file(path: &str) -> bool {
    let in_folder = ["tests", "testing", "examples", "e2e", "lab", "fuzz"]
        .iter()
        .any(|folder| path.split('/').rev().skip(1).any(|part| part == *folder));
    in_folder || path.ends_with("/tests.rs") || path.ends_with(".test.ts") || path.ends_with("_test.rs")
}

/// True if `word` stands in `text` by itself: no letter, digit or underscore on either side.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let joined = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let (before, after) = (text.get(..start).unwrap_or(""), text.get(start + word.len()..).unwrap_or(""));
        !joined(before.chars().next_back()) && !joined(after.chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_test_module_is_seen_and_an_import_for_tests_is_not() {
        let text = "#[cfg(test)]\nuse a::b;\nfn f() {}\n#[cfg(test)]\nmod tests {\n    // x\n}\n";
        let tests: Vec<bool> = lines("crates/a/src/b.rs", text).iter().map(|line| line.test).collect();
        assert_eq!(tests, [false, false, false, false, true, true, true]);
        assert!(is_test_file("crates/a/src/b/tests.rs") && is_test_file("testing/kit/src/lib.rs"));
        assert!(is_test_file("crates/a/examples/b.rs"));
        assert!(!is_test_file("crates/a/src/latest.rs"));
    }

    #[test]
    fn an_exception_needs_its_rule_and_a_reason() {
        assert!(allowed("wait(); // tidy-allow(sleep): polls a process", "sleep"));
        assert!(!allowed("wait(); // tidy-allow(sleep):", "sleep"));
        assert!(!allowed("wait(); // tidy-allow(path): polls a process", "sleep"));
    }

    #[test]
    fn a_word_ends_where_another_letter_begins() {
        assert!(has_word("an ox(", "ox") && !has_word("fox", "ox") && !has_word("oxen", "ox"));
    }
}
