//! Files stay short: one operation or one idea each.

use super::Violation;
use super::tree::Tree;

/// The 95th percentile of all source files.
const P95_LINES_MAX: usize = 450;
/// Any one file, exceptions aside.
const LINES_MAX: usize = 900;
/// Files that may be longer, each with its reason.
const EXCEPTIONS: [(&str, &str); 0] = [];
const RULE: &str = "length";

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    with_exceptions(tree, &EXCEPTIONS)
}

fn with_exceptions(tree: &Tree, exceptions: &[(&str, &str)]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let sources = tree.ending(&[".rs", ".ts", ".svelte", ".mjs", ".css", ".sh"]);
    let mut lengths: Vec<(usize, &str)> = sources.map(|(path, text)| (text.lines().count(), path)).collect();
    lengths.sort_unstable();
    for (lines, path) in &lengths {
        let excepted = exceptions.iter().any(|(exception, _)| exception == path);
        if *lines > LINES_MAX && !excepted {
            violations.push(Violation::new(
                path,
                *lines,
                RULE,
                format!("split it: more than {LINES_MAX} lines"),
            ));
        } else if *lines <= LINES_MAX && excepted {
            violations.push(Violation::new(
                path,
                *lines,
                RULE,
                "strike its exception in tidy/lengths.rs: not needed",
            ));
        }
    }
    for (gone, _) in exceptions.iter().filter(|(exception, _)| !tree.files.contains_key(*exception)) {
        violations.push(Violation::new(
            gone,
            0,
            RULE,
            "strike its exception in tidy/lengths.rs: no such file",
        ));
    }
    if let Some((lines, path)) =
        lengths.get(lengths.len() * 95 / 100).filter(|(lines, _)| *lines > P95_LINES_MAX)
    {
        let advice = format!("the 95th percentile is over {P95_LINES_MAX} lines: split the longest files");
        violations.push(Violation::new(path, *lines, RULE, advice));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(files: &[(&str, usize)], exceptions: &[(&str, &str)]) -> Vec<String> {
        let texts: Vec<(&str, String)> =
            files.iter().map(|(path, lines)| (*path, "x\n".repeat(*lines))).collect();
        let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (*path, text.as_str())).collect();
        with_exceptions(&Tree::planted(&files), exceptions).into_iter().map(|found| found.advice).collect()
    }

    #[test]
    fn a_long_file_is_caught_unless_excepted() {
        let mut files: Vec<(String, usize)> = (0..40).map(|index| (format!("{index}.rs"), 100)).collect();
        files.push(("long.rs".to_owned(), LINES_MAX + 1));
        let files: Vec<(&str, usize)> = files.iter().map(|(path, lines)| (path.as_str(), *lines)).collect();
        assert_eq!(advice(&files, &[]), ["split it: more than 900 lines"]);
        assert_eq!(advice(&files, &[("long.rs", "a table")]), [""; 0]);
    }

    #[test]
    fn an_exception_that_nobody_needs_is_caught() {
        assert_eq!(advice(&[("a.rs", 3)], &[("a.rs", "why"), ("b.rs", "why")]).len(), 2);
    }

    #[test]
    fn many_middling_files_are_caught() {
        assert_eq!(advice(&[("a.rs", 100), ("b.rs", P95_LINES_MAX + 1)], &[]).len(), 1);
    }
}
