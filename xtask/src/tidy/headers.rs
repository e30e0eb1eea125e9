//! Every source file says first what it is: `//!` in Rust, a comment in the client's files. A `.test.ts` is explained by
//! the file beside it that it tests.

use super::Violation;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let sources = tree.ending(&[".rs", ".ts", ".svelte", ".mjs", ".css", ".sh"]);
    let ours = sources.filter(|(path, _)| !path.ends_with(".test.ts"));
    ours.filter(|(path, text)| !has_header(path, text)).map(|(path, _)| missing(path)).collect()
}

fn missing(path: &str) -> Violation {
    Violation::new(path, 1, "header", "begin with a comment: what it is, who calls it, what it must never do")
}

fn has_header(path: &str, text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("");
    if path.ends_with(".rs") {
        return first.starts_with("//!");
    }
    let comment = |line: &str| ["//", "/*", "<!--"].iter().any(|opening| line.starts_with(opening));
    let in_second_line = first.starts_with("<script") || first.starts_with("#!");
    comment(first)
        || (in_second_line && lines.next().is_some_and(|line| comment(line) || line.starts_with("# ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_its_header_is_caught() {
        let tree = Tree::planted(&[
            ("a.rs", "//! What it is.\n"),
            ("b.rs", "// Not what it is.\nuse a::b;\n"),
            ("c.ts", "// What it is.\n"),
            ("d.ts", "import x from 'x';\n"),
            ("e.svelte", "<script lang=\"ts\">\n  // What it is.\n"),
            ("f.svelte", "<p>nothing</p>\n"),
            ("g.sh", "#!/usr/bin/env bash\n# What it is.\n"),
        ]);
        let paths: Vec<String> = check(&tree).into_iter().map(|violation| violation.path).collect();
        assert_eq!(paths, ["b.rs", "d.ts", "f.svelte"]);
    }
}
