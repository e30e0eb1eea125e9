//! The web client's build: `npm ci` when the lock file changed, `npm run build` when any source did. Both stamps are
//! hashes of contents, so that switching branches back and forth builds nothing. Called by `ui`, `demo`, `test`, `first`.

use crate::Result;
use crate::command::{root, run as run_command};
use crate::install::{self, Node};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// Folders of `ui/` that no build reads.
const NOT_SOURCES: [&str; 4] = ["node_modules", "dist", "e2e", "test-results"];

/// `cargo xtask ui`.
pub(crate) fn run(arguments: &[String]) -> Result {
    if !arguments.is_empty() {
        return Err("usage: cargo xtask ui".into());
    }
    build().map(drop)
}

/// Builds the client unless the last build saw the same sources. Answers the Node.js that it is built with.
pub(crate) fn build() -> Result<Node> {
    let node = install::node()?;
    let ui = root().join("ui");
    let lock = hash(&[ui.join("package.json"), ui.join("package-lock.json")])?;
    let modules_stamp = ui.join("node_modules/.stamp");
    if !stamped(&modules_stamp, lock) {
        run_command(&mut node.command("npm", &["ci", "--no-audit", "--no-fund"]))?;
        std::fs::write(&modules_stamp, lock.to_string())?;
    }
    let sources = hash(&sources(&ui)?)?;
    let dist_stamp = ui.join("dist/.stamp");
    if !stamped(&dist_stamp, sources) {
        run_command(&mut node.command("npm", &["run", "build"]))?;
        std::fs::write(&dist_stamp, sources.to_string())?;
    }
    Ok(node)
}

fn stamped(stamp: &Path, hash: u64) -> bool {
    std::fs::read_to_string(stamp).is_ok_and(|text| text == hash.to_string())
}

/// One number for the names and contents of files. Only ever compared with one that the same build of xtask wrote: another
/// hash function after a change of compiler costs one more build.
fn hash(files: &[PathBuf]) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn sources(ui: &Path) -> Result<Vec<PathBuf>> {
    let mut files = BTreeSet::new();
    let mut folders = vec![ui.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                files.insert(entry.path());
            } else if !NOT_SOURCES.iter().any(|name| entry.file_name() == *name) {
                folders.push(entry.path());
            }
        }
    }
    Ok(files.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_changes_with_a_source_and_not_with_what_was_built() {
        let ui = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = ui.path().join(name);
            std::fs::create_dir_all(&folder).unwrap();
            folder
        };
        std::fs::write(folder("src").join("main.ts"), "one").unwrap();
        let hash_now = || hash(&sources(ui.path()).unwrap()).unwrap();
        let before = hash_now();
        std::fs::write(folder("dist").join("main.js"), "built").unwrap();
        assert_eq!(hash_now(), before);
        std::fs::write(folder("src").join("main.ts"), "two").unwrap();
        assert_ne!(hash_now(), before);
    }
}
