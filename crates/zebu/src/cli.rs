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
    /// About the cluster's certificates
    #[command(subcommand)]
    Cluster(Cluster),
    /// Take a node out of service, by its name, from any host: it stops, or stays and can be given back
    Drain(crate::drain::Drain),
    /// Start the nodes anew with the program on disk, one after the other, without anybody noticing
    RollingRestart(crate::drain::Rolling),
    /// Look at the members of this machine's web tier, and change them while it runs
    #[command(subcommand)]
    Members(crate::members::Members),
    /// About what stands in front of the nodes
    #[command(subcommand)]
    Front(crate::front::Front),
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

#[derive(Debug, Subcommand)]
pub(crate) enum Cluster {
    /// The CA that signs the nodes' certificates: one for a cluster, on one machine
    #[command(subcommand)]
    Ca(Ca),
    /// Make the one file that a node needs to prove itself to the others; again, when it is to be renewed
    Certificate(NodeCertificate),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ca {
    /// Make the CA of a new cluster
    Create(CreateCa),
    /// Give the CA a longer life with the same key; nothing is interrupted
    Renew(CaPlace),
    /// Replace the CA by one with a new key; nothing is interrupted
    Rotate(RotateCa),
    /// Until when CA and nodes' certificates are good, and which nodes need a new one; exit code 1 if any has run out
    Show(CaPlace),
}

#[derive(Debug, Args)]
pub(crate) struct CaPlace {
    /// Where the CA is and the nodes' files are written
    #[arg(long, value_name = "DIR", default_value = "/opt/open-xchange/etc/cluster")]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CreateCa {
    #[command(flatten)]
    pub(crate) place: CaPlace,
    /// Name of the cluster; it will be in every certificate
    #[arg(value_name = "CLUSTER")]
    pub(crate) cluster: String,
}

#[derive(Debug, Args)]
pub(crate) struct RotateCa {
    #[command(flatten)]
    pub(crate) place: CaPlace,
    /// End the rotation, when every node has a new file: the CA of before is trusted no more
    #[arg(long)]
    pub(crate) finish: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NodeCertificate {
    #[command(flatten)]
    pub(crate) place: CaPlace,
    /// Name of the node, as in its [node] name
    #[arg(value_name = "NODE")]
    pub(crate) node: String,
    /// How long it is good, 1 to 36500, but never longer than the CA [default: 730]
    #[arg(long, value_name = "N")]
    pub(crate) days: Option<u32>,
    /// The file to write [default: NODE.pem in the directory of the CA]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
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
