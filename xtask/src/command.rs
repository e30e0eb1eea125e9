//! Running other programs: every command line is printed before it runs, so that a developer can repeat it by hand.
//! Used by every subcommand; it never hides what a program says.

use crate::Result;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

/// The folder of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// A command that starts in the folder of the repository.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// The cargo that started us.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments)
}

/// Runs a command with our own input and output; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result {
    announce(command);
    let status = command.status().map_err(|error| format!("{}: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", shown(command)).into()) }
}

/// What a command prints on its standard output, without a word on ours. Its errors go to our standard error.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|error| format!("{}: {error}", shown(command)))?;
    if !output.status.success() {
        return Err(format!("{}: {}", shown(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// How an observed command ended, and every line that it printed.
pub(crate) struct Observed {
    pub(crate) success: bool,
    pub(crate) lines: Vec<String>,
}

/// Runs a command, passes on what it prints line by line, and keeps the lines for whoever counts them.
pub(crate) fn observe(command: &mut Command) -> Result<Observed> {
    announce(command);
    watch(command)
}

/// The same for a command whose line the caller has printed.
pub(crate) fn watch(command: &mut Command) -> Result<Observed> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", shown(command)))?;
    let (sender, receiver) = mpsc::channel();
    let readers: Vec<_> =
        [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten().collect();
    for reader in readers {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(reader).split(b'\n').map_while(std::result::Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let lines: Vec<String> = receiver.iter().inspect(|line| println!("{line}")).collect();
    Ok(Observed { success: child.wait()?.success(), lines })
}

fn boxed(reader: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(reader)
}

/// Prints the command line that is about to run.
pub(crate) fn announce(command: &Command) {
    println!("$ {}", shown(command));
}

/// The command line as a person would type it, less any quoting.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Where a program lies on the search path, if it does.
pub(crate) fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_of_an_observed_command_are_kept_and_its_failure_is_told() {
        let mut command = command("sh", &["-c", "echo out; echo err >&2; exit 3"]);
        let observed = observe(&mut command).unwrap();
        let mut lines = observed.lines;
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
        assert!(!observed.success);
    }
}
