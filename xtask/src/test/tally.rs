//! What test runners say in their closing lines, added up: cargo test, nextest, vitest, Node's own, and this tool's.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// The sum of all closing lines among the lines that a runner printed.
pub(super) fn of(lines: &[String]) -> Tally {
    let mut total = Tally::default();
    for line in lines {
        if let Some(tally) = closing(&plain(line)) {
            total += tally;
        }
    }
    total
}

/// What one line counts, if it is a closing line of a runner we know.
fn closing(line: &str) -> Option<Tally> {
    // These two begin with spaces; the others do not, and where they do, one runner shows what another printed.
    if let Some((_, counts)) = line.trim().strip_prefix("Summary [").and_then(|rest| rest.split_once("run: "))
    {
        return counted(counts);
    }
    if let Some(counts) = line.trim().strip_prefix("Tests  ") {
        return counted(counts);
    }
    if let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) {
        return counted(counts);
    }
    if let Some(count) = line.strip_prefix("# ").or(line.strip_prefix("ℹ ")) {
        let (word, number) = count.split_once(' ')?;
        return counted(&format!("{number} {word}"));
    }
    // Our own: `name: 3 passed, 0 failed`, or without the name. Nothing else may stand on the line.
    let counts =
        line.split_once(": ").filter(|(name, _)| !name.contains(' ')).map_or(line, |(_, counts)| counts);
    let all_known = counts.split(", ").all(|part| one(part, &mut Tally::default()).is_some());
    all_known.then(|| counted(counts)).flatten()
}

/// Adds up `3 passed, 1 failed`, however the runner separates them. What it counts besides is left out.
fn counted(counts: &str) -> Option<Tally> {
    // nextest: `120 passed (2 slow, 1 leaky), 3 skipped`; vitest: `1 failed | 11 passed (12)`.
    let outside: String =
        counts.split('(').map(|part| part.split_once(')').map_or(part, |(_, after)| after)).collect();
    let mut tally = Tally::default();
    let known = outside.split([',', ';', '|']).filter_map(|part| one(part, &mut tally)).count();
    (known > 0).then_some(tally)
}

fn one(part: &str, tally: &mut Tally) -> Option<()> {
    let (number, what) = part.trim().split_once(' ')?;
    let number: u64 = number.parse().ok()?;
    match what.strip_prefix("steps ").unwrap_or(what) {
        "passed" | "pass" => tally.passed += number,
        "failed" | "fail" | "cancelled" | "timed out" => tally.failed += number,
        "skipped" | "ignored" => tally.skipped += number,
        _ => return None,
    }
    Some(())
}

/// The line without the colours that a runner gave it.
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or("").to_owned();
    parts.fold(first, |line, part| line + part.split_once('m').map_or("", |(_, text)| text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_each_runner_are_understood() {
        let cases = [
            (
                "     Summary [   1.204s] 123 tests run: 120 passed (2 slow, 1 leaky), 3 failed, 2 skipped",
                (120, 3, 2),
            ),
            ("     Summary [  31.0s] 3 tests run: 1 passed, 1 failed, 1 timed out, 0 skipped", (1, 2, 0)),
            (
                "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.00s",
                (5, 0, 1),
            ),
            ("test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out", (5, 2, 0)),
            (
                "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[31m1 failed\u{1b}[39m | \u{1b}[32m11 passed\u{1b}[39m (12)",
                (11, 1, 0),
            ),
            ("# pass 7", (7, 0, 0)),
            ("ℹ fail 1", (0, 1, 0)),
            ("tidy: 15 passed, 0 failed", (15, 0, 0)),
            ("first: 14 steps passed", (14, 0, 0)),
            ("8 passed, 1 failed, 2 skipped", (8, 1, 2)),
        ];
        for (line, (passed, failed, skipped)) in cases {
            assert_eq!(of(&[line.to_owned()]), Tally { passed, failed, skipped }, "{line}");
        }
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in [
            "# tests 7",
            "test a::b ... ok",
            "12 files, 3 passed over",
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored",
            " Test Files  2 passed (2)",
            "",
            "PASS [ 0.1s] x",
        ] {
            assert_eq!(of(&[line.to_owned()]), Tally::default(), "{line}");
        }
    }
}
