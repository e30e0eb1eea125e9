//! The operator's commands: `zebu registerserver …`, or a link of that name to this program.
//!
//! | step | module | what it does |
//! |---|---|---|
//! | know | `table`, `tool`, `takes`, `options` | what the command takes and says |
//! | understand | `parse`, `secret` | what was said to it |
//! | translate | `dates` | days and moments, as the environment has them |
//! | ask | `talk`, `environment` | the admin daemon, over HTTP |
//! | or do | `local` | what is done on this machine, before there is a daemon |
//! | in parts | `import` | many of a kind from a file |
//! | print | `show`, `usage`, `complaint`, `exit` | sentences, tables, values, the exit code |
//!
//! The daemon decides everything; a command translates. It must never print a password, and never wait for ever unless
//! it was told to.

mod complaint;
mod complete;
mod dates;
mod environment;
mod exit;
mod import;
mod local;
mod options;
mod parse;
mod secret;
mod show;
mod table;
mod takes;
mod talk;
mod tool;
mod usage;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

pub(crate) use crate::operate::complete::script as completion;

use crate::operate::complaint::{About, Complaint};
use crate::operate::dates::Dates;
use crate::operate::environment::Address;
use crate::operate::parse::{Given, Said};
use crate::operate::secret::Surroundings;
use crate::operate::talk::Daemon;
use crate::operate::tool::{Realm, Shows, Tool};

/// How long a command waits for the daemon's answer if nobody says otherwise, seconds.
const RESPONSE_SECONDS: i64 = 120;

/// The command that a program's arguments name, with what is said to it: by the name the program was called by, or by
/// the first word behind it.
pub(crate) fn called(arguments: &[OsString]) -> Option<(&'static Tool, &[OsString])> {
    let (program, rest) = arguments.split_first()?;
    let by_name =
        |name: &OsString| Path::new(name).file_name().and_then(|name| name.to_str()).and_then(table::find);
    if let Some(tool) = by_name(program) {
        return Some((tool, rest));
    }
    let (word, rest) = rest.split_first()?;
    Some((word.to_str().and_then(table::find)?, rest))
}

/// All commands with what each does, for the help of the whole program.
pub(crate) fn listed() -> String {
    let width = table::TOOLS.iter().map(|tool| tool.name.len()).max().unwrap_or(0);
    let line = |tool: &&Tool| format!("  {:width$}  {}\n", tool.name, tool.about);
    let lines: String = table::TOOLS.iter().map(line).collect();
    format!("The operator's commands:\n{lines}")
}

/// What all commands are called.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    table::TOOLS.iter().map(|tool| tool.name)
}

/// Runs a command to its exit code.
pub(crate) fn run(tool: &'static Tool, words: &[OsString]) -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let mut input = io::stdin().lock();
    let mut around = Surroundings::new(&variable, &mut input);
    let said = match parse::parse(tool, words.iter().cloned(), &mut around) {
        Ok(said) => said,
        Err(complaint) => return failed(tool, None, &complaint),
    };
    match said {
        Said::Help { extended } => print(&usage::usage(tool, extended)),
        Said::Environment => print(&format!("{}\n", environment::listed(&around).join("\n"))),
        Said::Given(given) => {
            let done = match tool.realm {
                Realm::Local(work) => work(&given).map(|text| (text, 0)),
                _ => asked(tool, &given, &around),
            };
            match done {
                Ok((text, code)) => {
                    print(&text);
                    ExitCode::from(code)
                }
                Err(complaint) => failed(tool, Some(&given), &complaint),
            }
        }
    }
}

/// Asks the daemon. What to print, and the exit code.
fn asked(tool: &'static Tool, given: &Given, around: &Surroundings<'_>) -> Result<(String, u8), Complaint> {
    let dates = Dates::found(around)?;
    let address = Address::found(around).map_err(|words| Complaint::error(exit::VALUE_ILLEGAL, words))?;
    let patience = match given.common_number("responsetimeout").unwrap_or(RESPONSE_SECONDS) {
        0 => None,
        seconds => Some(Duration::from_secs(u64::try_from(seconds).map_err(|_| {
            let words = "Option \"--responsetimeout\" takes seconds, 0 or more";
            Complaint::error(exit::VALUE_ILLEGAL, words)
        })?)),
    };
    let credentials = given.common_text("adminuser").zip(given.common_text("adminpass"));
    let credentials = credentials.map(|(user, password)| (user.to_owned(), password.to_owned()));
    let daemon = Daemon::new(address, credentials, patience)?;
    if given.flag("csv-import") {
        return import::run(tool, given, &daemon, &dates).map(|text| (text, 0));
    }
    let mut options = given.options();
    dates.read(&tool.own().collect::<Vec<_>>(), &mut options)?;
    let mut answer = daemon.ask(tool.name, &options)?;
    dates.show(&mut answer);
    Ok((show::success(tool, given, &answer), answer.exit))
}

fn print(text: &str) -> ExitCode {
    // A reader that has gone away has seen enough.
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn failed(tool: &Tool, given: Option<&Given>, complaint: &Complaint) -> ExitCode {
    if matches!(tool.shows, Shows::Nothing) && complaint.about == About::Doing {
        let code = if complaint.exit == exit::UNREACHABLE { exit::UNREACHABLE } else { exit::FAILED };
        return ExitCode::from(code);
    }
    let _ = io::stderr().write_all(show::failure(tool, given, complaint).as_bytes());
    ExitCode::from(complaint.exit)
}
