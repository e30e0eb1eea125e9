//! Everything that Zebu is built from is under a permissive licence: nothing obliges those who pass the binary on.

use super::Violation;
use super::tree::{CLIENT_LOCK, Package, Tree};

/// What may be used; of a choice (`OR`) one is enough, of a conjunction (`AND`) all must be.
const PERMISSIVE: [&str; 18] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BlueOak-1.0.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "OFL-1.1",
    "Python-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];
/// Packages of the client's build that are neither linked nor shipped, under a licence that binds only changes to
/// themselves: each with its reason.
const BUILD_ONLY: [(&str, &str); 1] =
    [("lightningcss", "the bundler's CSS compiler: it runs while the client is built")];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let refused = tree.packages.iter().filter(|package| !is_permitted(package));
    refused.map(|package| Violation::new(package.lock, 0, "licence", advice(package))).collect()
}

fn is_permitted(package: &Package) -> bool {
    let excepted = BUILD_ONLY.iter().any(|(name, _)| {
        // `lightningcss-linux-x64-gnu` is the same program for one platform.
        package.lock == CLIENT_LOCK && package.name.split("-linux-").next() == Some(name)
    });
    excepted || any_of(&words(&package.licence)).is_some_and(|(permitted, rest)| permitted && rest.is_empty())
}

fn advice(package: &Package) -> String {
    format!("do without `{}`: its licence is `{}`", package.name, package.licence)
}

/// The words of an expression. Old crates write `MIT/Apache-2.0` for a choice.
fn words(expression: &str) -> Vec<String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    spaced.replace(" WITH ", "\u{0}").split_whitespace().map(|word| word.replace('\u{0}', " WITH ")).collect()
}

type Parsed<'a> = Option<(bool, &'a [String])>;

/// `a OR b`: one is enough. Answers the verdict and the words that are left; `None` if it is no expression.
fn any_of(words: &[String]) -> Parsed<'_> {
    let (mut permitted, mut rest) = all_of(words)?;
    while let Some((_, after)) = rest.split_first().filter(|(word, _)| *word == "OR") {
        let (other, left) = all_of(after)?;
        (permitted, rest) = (permitted || other, left);
    }
    Some((permitted, rest))
}

/// `a AND b`: all must be; binds closer than `OR`.
fn all_of(words: &[String]) -> Parsed<'_> {
    let (mut permitted, mut rest) = one(words)?;
    while let Some((_, after)) = rest.split_first().filter(|(word, _)| *word == "AND") {
        let (other, left) = one(after)?;
        (permitted, rest) = (permitted && other, left);
    }
    Some((permitted, rest))
}

/// A licence by its name, or an expression in parentheses.
fn one(words: &[String]) -> Parsed<'_> {
    let (word, rest) = words.split_first()?;
    if word != "(" {
        return Some((PERMISSIVE.contains(&word.as_str()), rest));
    }
    let (permitted, rest) = any_of(rest)?;
    let (closing, rest) = rest.split_first()?;
    (closing == ")").then_some((permitted, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_judged_as_written() {
        let judged = |licence: &str| {
            is_permitted(&Package { lock: "Cargo.lock", name: "x".to_owned(), licence: licence.to_owned() })
        };
        for licence in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
            "MIT AND (BSD-3-Clause OR LGPL-2.1)",
        ] {
            assert!(judged(licence), "{licence}");
        }
        for licence in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT", "MIT MIT", "SEE LICENSE IN x", "MPL-2.0"] {
            assert!(!judged(licence), "{licence}");
        }
    }

    #[test]
    fn a_planted_copyleft_package_is_caught() {
        let mut tree = Tree::planted(&[]);
        for (name, licence) in [("kind", "MIT"), ("binding", "AGPL-3.0-only")] {
            tree.packages.push(Package {
                lock: "Cargo.lock",
                name: name.to_owned(),
                licence: licence.to_owned(),
            });
        }
        let found: Vec<String> = check(&tree).into_iter().map(|violation| violation.advice).collect();
        assert_eq!(found, ["do without `binding`: its licence is `AGPL-3.0-only`"]);
    }
}
