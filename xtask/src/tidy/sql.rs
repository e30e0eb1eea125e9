//! Every SQL statement is written in `crates/store`, beside the function that runs it.

use super::Violation;
use super::source::lines;
use super::tree::Tree;

const STATEMENTS: [&str; 5] = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE "];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.ending(&[".rs"]) {
        if path.starts_with("crates/store/") || !path.starts_with("crates/") {
            continue;
        }
        for line in lines(path, text).iter().filter(|line| !line.test && !line.comment) {
            if STATEMENTS.iter().any(|statement| line.text.contains(&format!("\"{statement}"))) {
                let advice = "move the statement into crates/store, as a function with a name";
                violations.push(Violation::new(path, line.number, "sql", advice));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_outside_the_store_is_caught() {
        let planted = "fn f() { run(\"SELECT 1\") }\n";
        assert_eq!(check(&Tree::planted(&[("crates/app/src/a.rs", planted)])).len(), 1);
        assert_eq!(check(&Tree::planted(&[("crates/store/src/a.rs", planted)])), []);
    }
}
