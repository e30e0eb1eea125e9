//! `cargo xtask tidy`: the repository tests itself. Each check is a file of this folder with a test that plants a
//! violation and sees it caught. A check only reads; it answers what is wrong, where, and what to do about it.

mod arrows;
mod dependencies;
mod glossary;
mod headers;
mod leftovers;
mod lengths;
mod licences;
mod links;
mod machine;
mod map;
mod modules;
mod names;
mod promises;
mod pure;
mod sleeps;
mod source;
mod sql;
mod tree;
mod unused;

use crate::Result;
use std::fmt;
use tree::Tree;

/// One thing that is wrong. Printed as `path:line: rule: what to do`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    /// From 1; 0 where the whole file is meant.
    line: usize,
    rule: &'static str,
    advice: String,
}

impl Violation {
    fn new(path: &str, line: usize, rule: &'static str, advice: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, advice: advice.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}: {}", self.path, self.line, self.rule, self.advice)
    }
}

/// All checks, in the order of their names.
const CHECKS: [fn(&Tree) -> Vec<Violation>; 17] = [
    arrows::check,
    dependencies::check,
    glossary::check,
    headers::check,
    leftovers::check,
    lengths::check,
    licences::check,
    links::check,
    machine::check,
    map::check,
    modules::check,
    names::check,
    promises::check,
    pure::check,
    sleeps::check,
    sql::check,
    unused::check,
];

/// Runs every check over the repository and prints one line per violation.
pub(crate) fn run(arguments: &[String]) -> Result {
    if !arguments.is_empty() {
        return Err("usage: cargo xtask tidy".into());
    }
    let tree = Tree::load()?;
    let (violations, failed) = judge(&tree);
    for violation in &violations {
        println!("{violation}");
    }
    println!("tidy: {} files checked, {} violations", tree.paths.len(), violations.len());
    println!("tidy: {} passed, {failed} failed", CHECKS.len() - failed);
    if violations.is_empty() { Ok(()) } else { Err("the tree is not tidy".into()) }
}

/// What all checks found, in the order of paths and lines, and how many of them found something.
fn judge(tree: &Tree) -> (Vec<Violation>, usize) {
    let found = CHECKS.map(|check| check(tree));
    let failed = found.iter().filter(|found| !found.is_empty()).count();
    let mut violations: Vec<Violation> = found.into_iter().flatten().collect();
    violations.sort();
    (violations, failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_import_planted_in_this_repository_is_caught_and_is_the_only_thing_caught() {
        let mut tree = Tree::load().unwrap();
        let (before, _) = judge(&tree);
        let path = "crates/model/src/planted.rs";
        tree.paths.insert(path.to_owned());
        tree.files.insert(path.to_owned(), "//! Planted.\nuse zebu_store::WriteTx;\n".to_owned());
        let (mut after, _) = judge(&tree);
        after.retain(|violation| !before.contains(violation));
        let [caught] = after.as_slice() else { panic!("caught {after:?}") };
        assert_eq!((caught.path.as_str(), caught.line, caught.rule), (path, 2, "arrow"));
    }
}
