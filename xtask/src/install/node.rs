//! Node.js and npm for building and testing the web client. Debian 12 has a Node.js older than the client's build needs,
//! so there a newer one is fetched from the npm registry into `target/tools`, beside everything else that is built.

use super::debian_packages;
use crate::Result;
use crate::command::{command, found, root, run};
use std::path::PathBuf;
use std::process::Command;

/// The oldest major version that the client's tools run on.
const NODE_MAJOR_MIN: u32 = 20;
/// What is fetched where Debian's is older than that.
const NODE_FETCHED: &str = "24";
const NPM_FETCHED: &str = "npm@11";

/// A Node.js that is new enough, and its npm.
pub(crate) struct Node {
    /// Folders that come before the search path; none if the machine's own will do.
    folders: Vec<PathBuf>,
}

impl Node {
    /// A command that runs `node`, `npm` or a program of theirs in the folder of the web client.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = self.folders.iter().cloned().chain(std::env::split_paths(&path));
        // The program is looked up here: a child's changed PATH is not what finds the child itself on every platform.
        let own = self.folders.iter().map(|folder| folder.join(program)).find(|file| file.is_file());
        let mut command = match own {
            Some(file) => command(&file.to_string_lossy(), arguments),
            None => command(program, arguments),
        };
        command.current_dir(root().join("ui"));
        if let Ok(path) = std::env::join_paths(folders) {
            command.env("PATH", path);
        }
        command
    }

    fn major(&self) -> Option<u32> {
        let output = self.command("node", &["--version"]).output().ok()?;
        major_of(&String::from_utf8_lossy(&output.stdout))
    }

    fn is_good(&self) -> bool {
        self.major().is_some_and(|major| major >= NODE_MAJOR_MIN)
            && self.command("npm", &["--version"]).output().is_ok_and(|output| output.status.success())
    }
}

/// The machine's Node.js if it is new enough, else the fetched one, else fetches it.
pub(crate) fn node() -> Result<Node> {
    let own = Node { folders: Vec::new() };
    if own.is_good() {
        return Ok(own);
    }
    let (architecture, tools) = (architecture()?, root().join("target/tools/node"));
    let package = format!("node-linux-{architecture}");
    let modules = tools.join("node_modules");
    let fetched = Node { folders: vec![modules.join(&package).join("bin"), modules.join(".bin")] };
    if fetched.is_good() {
        return Ok(fetched);
    }
    println!("Node.js {NODE_MAJOR_MIN} or newer with npm is missing: the web client is built with them");
    if found("npm").is_none() {
        debian_packages(&["nodejs", "npm"])?;
        if own.is_good() {
            return Ok(own);
        }
    }
    println!(
        "this machine's Node.js is too old: fetching {NODE_FETCHED} from the npm registry into target/tools"
    );
    std::fs::create_dir_all(&tools)?;
    let prefix = tools.to_string_lossy().into_owned();
    run(&mut command(
        "npm",
        &[
            "install",
            "--no-audit",
            "--no-fund",
            "--prefix",
            &prefix,
            &format!("{package}@{NODE_FETCHED}"),
            NPM_FETCHED,
        ],
    ))?;
    if fetched.is_good() { Ok(fetched) } else { Err("the fetched Node.js does not run here".into()) }
}

fn architecture() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("x64"),
        "aarch64" => Ok("arm64"),
        other => {
            Err(format!("please install Node.js {NODE_MAJOR_MIN} or newer: none is fetched for {other}")
                .into())
        }
    }
}

fn major_of(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_node_prints() {
        assert_eq!(major_of("v20.20.2\n"), Some(20));
        assert_eq!(major_of("command not found"), None);
    }
}
