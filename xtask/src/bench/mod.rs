//! `cargo xtask bench NAME`: one benchmark a module of this folder, each entered in the table below.

mod ajp;
mod coherence;
mod first;
mod front;
mod mesh;
mod programs;
mod push;
mod scaling;
mod store;

use crate::Result;

/// A benchmark: its name on the command line and its function, which gets the rest of the arguments.
struct Bench {
    name: &'static str,
    run: fn(&[String]) -> Result,
}

const BENCHES: [Bench; 8] = [
    Bench { name: "ajp", run: ajp::run_all },
    Bench { name: "coherence", run: coherence::run_all },
    Bench { name: "first", run: first::run },
    Bench { name: "front", run: front::run_all },
    Bench { name: "mesh", run: mesh::run_all },
    Bench { name: "push", run: push::run_all },
    Bench { name: "scaling", run: scaling::run_all },
    Bench { name: "store", run: store::run_all },
];

/// Runs the benchmark named first.
pub(crate) fn run(arguments: &[String]) -> Result {
    let named = arguments
        .split_first()
        .and_then(|(name, rest)| BENCHES.iter().find(|bench| bench.name == name).map(|bench| (bench, rest)));
    match named {
        Some((bench, rest)) => (bench.run)(rest),
        None => {
            let names: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
            Err(format!("usage: cargo xtask bench NAME, with a name of [{}]", names.join(", ")).into())
        }
    }
}
