//! Benchmarks that call the server's crates directly, where going through HTTP would hide what is measured. Started by
//! `cargo xtask bench NAME`; prints tables of figures and ratios. Nothing here passes or fails.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark: what it prints is its output, and what fails ends it with a word of where"
)]

mod ajp;
mod coherence;
mod front;
mod mesh;
mod push;
mod store;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((name, rest)) if name == "ajp" => ajp::run(rest),
        Some((name, rest)) if name == "coherence" => coherence::run(rest),
        Some((name, rest)) if name == "front" => front::run(rest),
        Some((name, rest)) if name == "store" => store::run(rest),
        Some((name, rest)) if name == "mesh" => mesh::run(rest),
        Some((name, rest)) if name == "push" => push::run(rest),
        _ => {
            eprintln!("usage: zebu-bench ajp");
            eprintln!("       zebu-bench coherence");
            eprintln!(
                "       zebu-bench front --zebu FILE [--rounds N] [--seconds N] [--connections N] [--only FRONT[,FRONT…]]"
            );
            eprintln!("       zebu-bench mesh [--plain]");
            eprintln!("       zebu-bench push");
            eprintln!("       zebu-bench store [--dir FOLDER] [--contexts N[,N…]] [--engine sqlite|mariadb]");
            ExitCode::from(2)
        }
    }
}
