//! Somebody at a host's terminal with the guide in hand: types its commands, and everything can be read as in the guide, with
//! what each printed. Used by the chapters; it never hides a command that it runs for them.

use crate::Result;
use crate::hosts::Host;

/// No command of the guide takes longer; services need some seconds to start.
const COMMAND_SECONDS_MAX: u64 = 90;
/// What is printed of an output that goes on and on.
const LINES_SHOWN: usize = 24;

/// An operator on one host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator<'a> {
    host: &'a Host,
}

/// The heading of a chapter or section of the guide.
pub(crate) fn heading(title: &str) {
    println!("\n=== {title}\n");
}

/// What the guide does not say, or says otherwise, and why it is done so here.
pub(crate) fn note(text: &str) {
    println!("  # {text}");
}

impl<'a> Operator<'a> {
    pub(crate) fn at(host: &'a Host) -> Self {
        Self { host }
    }

    /// A command as the guide has it; it must succeed. Answers what it printed.
    pub(crate) fn types(self, command: &str) -> Result<String> {
        println!("{}$ {command}", self.host.name());
        let said = self.host.must(command, COMMAND_SECONDS_MAX)?;
        show(&said);
        Ok(said)
    }

    /// The same for a command of which the guide shows what it prints: a line of it must say that.
    pub(crate) fn types_and_reads(self, command: &str, expected: &str) -> Result {
        let said = self.types(command)?;
        if said.lines().any(|line| line.trim_end().ends_with(expected)) {
            Ok(())
        } else {
            Err(format!("{command}: should print `{expected}`, printed `{said}`").into())
        }
    }

    /// Opens a file in an editor, appends these lines and saves it.
    pub(crate) fn edits(self, file: &str, lines: &str) -> Result {
        println!("{}$ vim {file}", self.host.name());
        show(lines);
        self.host.must_with(&format!("cat >> {file}"), &format!("{lines}\n"), 10).map(drop)
    }

    /// A statement at the prompt of `mysql -u root -p`, as a table or, where it ends in `\G`, line by line.
    pub(crate) fn sql(self, statement: &str) -> Result<String> {
        println!("{} mysql> {statement}", self.host.name());
        let said = query(self.host, statement, "--table")?;
        show(&said);
        Ok(said)
    }
}

/// Runs a statement as root without a word; answers its rows, a line each, cells by tabs and without a head.
pub(crate) fn ask(host: &Host, statement: &str) -> Result<String> {
    query(host, statement, "--skip-column-names")
}

fn query(host: &Host, statement: &str, form: &str) -> Result<String> {
    let said = host.must_with(
        &format!("mysql -u root --batch {form}"),
        &format!("{statement}\n"),
        COMMAND_SECONDS_MAX,
    );
    said.map_err(|error| format!("{statement} {error}").into())
}

fn show(text: &str) {
    let lines = text.lines().count();
    text.lines().take(LINES_SHOWN).for_each(|line| println!("    {line}"));
    if lines > LINES_SHOWN {
        println!("    [...] {} more lines", lines - LINES_SHOWN);
    }
}
