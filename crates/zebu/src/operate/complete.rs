//! Completion of the command line in a shell, from the same table as everything else.

use clap::Command;
use clap_complete::{Shell, generate};

use crate::operate::{parse, table};

/// The script that teaches a shell this program and every command under its own name.
pub(crate) fn script(shell: Shell, program: Command) -> String {
    let tool = |tool| parse::command(tool).no_binary_name(false);
    let mut program = program.subcommands(table::TOOLS.iter().copied().map(tool));
    let mut script = Vec::new();
    generate(shell, &mut program, "zebu", &mut script);
    for command in table::TOOLS.iter().copied() {
        generate(shell, &mut tool(command), command.name, &mut script);
    }
    String::from_utf8_lossy(&script).into_owned()
}
