//! `cargo xtask`: the one developer tool. It builds, starts, checks and tests Zebu; `cargo xtask` alone lists what it can do.
//! It never links a crate of the server: it drives the built binary from outside, as an operator would.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool: what it prints is its output"
)]

mod bench;
mod command;
mod demo;
mod first;
mod format;
mod fuzz;
mod install;
mod lab;
mod model;
mod running;
mod sim;
mod test;
mod tidy;
mod ui;

use std::process::ExitCode;

/// What every subcommand answers: nothing, or one sentence for the developer.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// One subcommand: its name, its arguments, what it is for, and the function behind it. `docs/PROMISES.md` names some.
pub(crate) struct Subcommand {
    pub(crate) name: &'static str,
    arguments: &'static str,
    what: &'static str,
    run: fn(&[String]) -> Result,
}

pub(crate) const SUBCOMMANDS: [Subcommand; 11] = [
    Subcommand {
        name: "demo",
        arguments: "[--port N] [--dir DIR] [--nodes N] [--release]",
        what: "install what is missing, build, start a cluster here",
        run: demo::run,
    },
    Subcommand {
        name: "test",
        arguments: "[--list] [STEP…]",
        what: "everything that must hold before a change lands, or only the steps named",
        run: test::run,
    },
    Subcommand {
        name: "tidy",
        arguments: "",
        what: "the repository tests itself: arrows, headers, lengths, licences, documents",
        run: tidy::run,
    },
    Subcommand { name: "fmt", arguments: "[--check]", what: "format the Rust sources", run: format::run },
    Subcommand { name: "ui", arguments: "", what: "build the web client, if it changed", run: ui::run },
    Subcommand {
        name: "first",
        arguments: "[--binary FILE] [FOLDER]",
        what: "the first scenario: sharing and withdrawing, thousands of files, a node killed",
        run: first::run,
    },
    Subcommand {
        name: "lab",
        arguments: "SCENARIO [--short] [--name NAME] [--disk FOLDER] [--table FILE]",
        what: "the guide's hosts as network namespaces, and what can go wrong on them; needs root",
        run: lab::run,
    },
    Subcommand {
        name: "model",
        arguments: "",
        what: "every order of events in the coherence protocol, as deep as fits",
        run: model::run,
    },
    Subcommand {
        name: "sim",
        arguments: "[--seeds N] [--from SEED] [--seed SEED] [--operations N]",
        what: "whole nodes on a simulated network, database and clock: many seeds, or one again with its trace",
        run: sim::run,
    },
    Subcommand {
        name: "fuzz",
        arguments: "[TARGET] [--seconds N]",
        what: "parsers of the wire under libFuzzer; a short run without it is among the tests",
        run: fuzz::run,
    },
    Subcommand { name: "bench", arguments: "NAME", what: "one benchmark by its name", run: bench::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => ("help", &[][..]),
    };
    let Some(subcommand) = SUBCOMMANDS.iter().find(|subcommand| subcommand.name == name) else {
        println!("usage: cargo xtask COMMAND\n");
        for subcommand in &SUBCOMMANDS {
            println!("  {} {}\n      {}", subcommand.name, subcommand.arguments, subcommand.what);
        }
        return if matches!(name, "help" | "--help" | "-h") { ExitCode::SUCCESS } else { ExitCode::from(2) };
    };
    match (subcommand.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {name}: {error}");
            ExitCode::FAILURE
        }
    }
}
