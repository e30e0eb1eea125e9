//! `cargo xtask bench store`: what the first actions cost as a deployment grows from 10^3 users to 10^6, on both engines;
//! whether writes to different folders wait for each other; what asking a replica costs.

mod apart;
pub(crate) mod data;
mod engine;
mod growth;
mod replica;

use std::path::PathBuf;
use std::process::ExitCode;

use engine::Engine;

/// Contexts at each step of the growth; each has ten users.
const STEPS: [u32; 4] = [100, 1_000, 10_000, 100_000];

/// What was asked for.
struct Options {
    steps: Vec<u32>,
    engines: Vec<&'static str>,
    dir: PathBuf,
}

fn options(arguments: &[String]) -> Result<Options, String> {
    let mut options =
        Options { steps: STEPS.to_vec(), engines: vec!["sqlite", "mariadb"], dir: std::env::temp_dir() };
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--dir" => options.dir = PathBuf::from(value),
            "--engine" => options.engines.retain(|engine| engine == value),
            "--contexts" => {
                let steps = value.split(',').map(|n| n.parse().map_err(|e| format!("--contexts {n}: {e}")));
                options.steps = steps.collect::<Result<_, String>>()?;
            }
            other => return Err(format!("{other} is unknown")),
        }
    }
    Ok(options)
}

/// Runs all of it.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let options = match options(arguments) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("zebu-bench store: {reason}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        for name in &options.engines {
            let engine = Engine::start(name, &options.dir);
            growth::table(&engine, &Engine::start(name, &options.dir), &options.steps).await;
            apart::table(&engine).await;
        }
        if options.engines.contains(&"mariadb") {
            replica::table().await;
        }
    });
    ExitCode::SUCCESS
}
