//! A test waits for a condition, never for a time. Where something outside can only be polled, the line says why:
//! `// tidy-allow(sleep): reason`, on the line itself or the one above.

use super::Violation;
use super::source::lines;
use super::tree::Tree;

const WAITS: [&str; 3] = ["sleep(", "waitForTimeout(", "setTimeout("];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending(&[".rs", ".ts", ".svelte", ".mjs"]) {
        for line in lines(path, text).iter().filter(|line| line.test && !line.comment) {
            let waits = WAITS.iter().any(|wait| line.text.contains(wait));
            if waits && !line.allows("sleep") {
                violations.push(Violation::new(
                    path,
                    line.number,
                    "sleep",
                    "wait for a condition, or turn the fake clock",
                ));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeping_test_is_caught_and_a_reason_excuses_it() {
        let body = concat!("#[cfg(test)]\nmod tests {\n    fn f() { sl", "eep(1) }\n}\n");
        assert_eq!(check(&Tree::planted(&[("crates/a/src/b.rs", body)])).len(), 1);
        let excused = body.replace("    fn", "    // tidy-allow(sleep): polls another process\n    fn");
        assert_eq!(check(&Tree::planted(&[("crates/a/src/b.rs", &excused)])), []);
        let outside = concat!("fn f() { sl", "eep(1) }\n");
        assert_eq!(check(&Tree::planted(&[("crates/a/src/b.rs", outside)])), []);
        let browser = concat!("await page.waitFor", "Timeout(500);\n");
        assert_eq!(check(&Tree::planted(&[("ui/e2e/main.mjs", browser)])).len(), 1);
    }
}
