//! The command line: what can be said to `zebu`. Parsed by `main`; nothing is decided here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Clustered groupware: one binary for every role.
#[derive(Debug, Parser)]
#[command(name = "zebu", version, disable_help_subcommand = true, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the roles that a configuration file names, until SIGTERM or Ctrl-C; a second signal stops at once
    Serve(Serve),
    /// Run a whole cluster on this machine's loopback address, with sample users, until Ctrl-C
    Demo(Demo),
    /// About configuration files
    #[command(subcommand)]
    Config(Config),
    /// About the file store
    #[command(subcommand)]
    Filestore(Filestore),
    /// Install the operator's commands and the init scripts on this machine, as the original's guide expects them
    Setup(Setup),
    /// Print the script that completes command lines in a shell
    Completion(Completion),
}

#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// Below it: `sbin` with a link for each command, `etc` with the configuration
    #[arg(long, value_name = "DIR", default_value = "/opt/open-xchange")]
    pub(crate) prefix: PathBuf,
    /// Where `init.d` is
    #[arg(long, value_name = "DIR", default_value = "/etc")]
    pub(crate) etc: PathBuf,
    /// Where `log/open-xchange` and `run` are
    #[arg(long, value_name = "DIR", default_value = "/var")]
    pub(crate) var: PathBuf,
    /// Write units for systemd even if it does not run this machine
    #[arg(long)]
    pub(crate) systemd: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file; `zebu config example` prints a documented one
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Also stop, gracefully, when standard input closes; Ctrl-C is then left to the process that holds it
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Port of the web tier; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub(crate) port: u16,
    /// Where everything is kept, to find it again next time [default: a temporary directory, removed at the end]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// How many nodes, 1 to 16
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) nodes: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print a configuration file with every setting, its default and what it does
    Example,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Filestore {
    /// Compare the file store with the databases; exit code 1 if they are not of one mind
    Check(Check),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false, id = "where")]
pub(crate) struct Place {
    /// The directory of a demo
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The configuration file of a node
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Only this context [default: all of them]
    #[arg(long, value_name = "N")]
    pub(crate) context: Option<u32>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_fit_together() {
        Cli::command().debug_assert();
    }
}
