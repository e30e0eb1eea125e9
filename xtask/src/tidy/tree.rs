//! The repository as the checks see it: what git tracks or would track, read once. Tests plant their own.

use crate::Result;
use crate::command::{capture, cargo, command, root};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The files of the repository, by their path from its root, and the licences of what it is built from.
pub(super) struct Tree {
    /// Every file.
    pub(super) paths: BTreeSet<String>,
    /// The contents of those that are text.
    pub(super) files: BTreeMap<String, String>,
    /// Every package that is compiled in or installed for the client, ours aside.
    pub(super) packages: Vec<Package>,
}

/// Where the client's packages are locked.
pub(super) const CLIENT_LOCK: &str = "ui/package-lock.json";

/// Somebody else's package.
pub(super) struct Package {
    /// The lock file that asks for it.
    pub(super) lock: &'static str,
    pub(super) name: String,
    /// The licence expression, empty if it names none.
    pub(super) licence: String,
}

impl Tree {
    /// Reads the repository: files that are tracked and files that are new, but not what git ignores.
    pub(super) fn load() -> Result<Self> {
        let listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let (mut paths, mut files) = (BTreeSet::new(), BTreeMap::new());
        for path in capture(&mut command("git", &listed))?.split('\0').filter(|path| !path.is_empty()) {
            // A tracked file that was just deleted is still listed.
            let Ok(bytes) = std::fs::read(root().join(path)) else { continue };
            paths.insert(path.to_owned());
            if let Ok(text) = String::from_utf8(bytes) {
                files.insert(path.to_owned(), text);
            }
        }
        let mut packages = crates()?;
        packages.extend(npm_packages());
        Ok(Self { paths, files, packages })
    }

    /// A tree with these files only, for the tests of the checks.
    #[cfg(test)]
    pub(super) fn planted(files: &[(&str, &str)]) -> Self {
        Self {
            paths: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
            files: files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect(),
            packages: Vec::new(),
        }
    }

    /// The text files whose names end with one of these.
    pub(super) fn ending<'a>(&'a self, ends: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files = self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter(move |(path, _)| ends.iter().any(|end| path.ends_with(end)))
    }

    /// One text file, empty if there is none.
    pub(super) fn text(&self, path: &str) -> &str {
        self.files.get(path).map_or("", String::as_str)
    }
}

fn crates() -> Result<Vec<Package>> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let arguments = ["metadata", "--format-version", "1", "--filter-platform", &platform];
    let metadata: Value = serde_json::from_str(&capture(&mut cargo(&arguments))?)?;
    let packages = metadata.get("packages").and_then(Value::as_array).cloned().unwrap_or_default();
    let theirs =
        packages.iter().filter(|package| package.get("source").is_some_and(|source| !source.is_null()));
    Ok(theirs.map(|package| named("Cargo.lock", package)).collect())
}

/// What `npm ci` installed; nothing where the client was not built yet (`cargo xtask test` builds it first).
fn npm_packages() -> Vec<Package> {
    let modules = root().join("ui/node_modules");
    let mut packages = Vec::new();
    let mut folders = vec![modules];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            if name.to_string_lossy().starts_with('@') {
                folders.push(path);
                continue;
            }
            let manifest = std::fs::read_to_string(path.join("package.json")).unwrap_or_default();
            if let Ok(package) = serde_json::from_str::<Value>(&manifest) {
                packages.push(named(CLIENT_LOCK, &package));
                folders.push(path.join("node_modules"));
            }
        }
    }
    packages
}

fn named(lock: &'static str, package: &Value) -> Package {
    let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Package { lock, name: text("name"), licence: text("license") }
}
