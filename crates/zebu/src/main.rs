//! The one binary of Zebu: roles, the operator's commands, the demo. Wiring only: what a role does is decided in its
//! own crate.
//!
//! Exit codes: 0 done, 1 failed (one line `zebu: …` on standard error says why), 2 not understood. The operator's
//! commands have codes of their own: see `operate::exit`.

mod cli;
mod client;
mod cluster;
mod config;
mod demo;
mod drain;
mod failure;
mod filestore;
mod front;
mod log;
mod members;
mod operate;
mod say;
mod serve;
mod setup;
mod signals;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use crate::cli::{Cli, Command};
use crate::failure::Result;

/// The exit code for a command line that was not understood.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some((tool, words)) = operate::called(&arguments) {
        return operate::run(tool, words);
    }
    let whole = Cli::command().after_help(operate::listed());
    let cli = match whole.try_get_matches_from(arguments).and_then(|found| Cli::from_arg_matches(&found)) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    match run(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            complain(failure);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve(options) => serve::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Demo(options) => demo::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Config(cli::Config::Example) => {
            say::line(config::EXAMPLE.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Filestore(cli::Filestore::Check(options)) => filestore::check(&options),
        Command::Cluster(command) => cluster::run(&command),
        Command::Front(front::Front::Config(options)) => {
            say::line(front::config(&options)?.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Front(front::Front::Key(command)) => front::key::run(&command).map(|()| ExitCode::SUCCESS),
        Command::Members(command) => members::run(&command).map(|()| ExitCode::SUCCESS),
        Command::Drain(options) => drain::drain(&options),
        Command::RollingRestart(options) => drain::rolling_restart(&options),
        Command::Setup(options) => setup::run(&options).map(|()| ExitCode::SUCCESS),
        Command::Completion(options) => {
            say::line(operate::completion(options.shell, Cli::command()).trim_end());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Help and version are answers; anything else is said in one line, where clap would take a paragraph.
fn not_understood(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            say::line(error.to_string().trim_end());
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            complain("say what to do: zebu --help lists the commands");
            ExitCode::from(USAGE)
        }
        _ => {
            let text = error.to_string();
            let sentence = text.split("\n\n").next().unwrap_or(&text);
            let sentence = sentence.strip_prefix("error: ").unwrap_or(sentence);
            complain(format!(
                "{} (see zebu --help)",
                sentence.split_whitespace().collect::<Vec<_>>().join(" ")
            ));
            ExitCode::from(USAGE)
        }
    }
}

fn complain(reason: impl Display) {
    // Without standard error there is nobody to tell.
    let _ = writeln!(io::stderr(), "zebu: {reason}");
}
