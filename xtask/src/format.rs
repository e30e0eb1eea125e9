//! `cargo xtask fmt`: rustfmt over the workspace. The web client has no formatter of its own to keep the tool chain small.

use crate::Result;
use crate::command;

/// Formats, or with `--check` only says what would change.
pub(crate) fn run(arguments: &[String]) -> Result {
    match arguments {
        [] => command::run(&mut command::cargo(&["fmt", "--all"])),
        [check] if check == "--check" => {
            command::run(&mut command::cargo(&["fmt", "--all", "--", "--check"]))
        }
        _ => Err("usage: cargo xtask fmt [--check]".into()),
    }
}
