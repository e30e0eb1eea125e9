//! `cargo xtask bench front`: the web tier beside HAProxy, nginx and Apache (by HTTP and by AJP13), all in front of the same two trivial
//! backends, all sticky by the route in `JSESSIONID`, configured by `zebu front config`. Fronts take turns under the same load (wrk, on this
//! machine too), so that what else the machine does falls on all; each one's CPU time is that of its processes.

mod backend;
mod cpu;
mod fronts;
mod handshakes;
mod idle;
mod load;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use fronts::{Front, Kind};
use load::{Load, Run};

/// How the bench is called.
struct Options {
    /// The program to measure.
    zebu: PathBuf,
    rounds: u32,
    run: Duration,
    connections: u32,
    only: Vec<Kind>,
    /// Keep the fronts running after the start and print where they listen: for a profiler.
    serve: bool,
}

const USAGE: &str = "usage: zebu-bench front --zebu FILE [--rounds N] [--seconds N] [--connections N] [--only FRONT[,FRONT…]] [--serve]\n\
    \n\
    fronts: zebu, zebu-tls, haproxy, haproxy-tls, nginx, apache-http, apache-ajp";

/// Runs it.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let options = match read(arguments) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("{reason}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::Builder::new().prefix("zebu-bench-front-").tempdir().unwrap();
    runtime.block_on(all(&options, folder.path()));
    ExitCode::SUCCESS
}

fn read(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        zebu: PathBuf::new(),
        rounds: 5,
        run: Duration::from_secs(5),
        connections: 64,
        only: Kind::ALL.to_vec(),
        serve: false,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--serve" {
            options.serve = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        let number = || value.parse::<u32>().ok().filter(|n| *n > 0).ok_or(format!("{argument}: from 1 on"));
        match argument.as_str() {
            "--zebu" => options.zebu = value.into(),
            "--rounds" => options.rounds = number()?,
            "--seconds" => options.run = Duration::from_secs(number()?.into()),
            "--connections" => options.connections = number()?,
            "--only" => {
                let named = |name: &str| {
                    Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or(format!("no front {name}"))
                };
                options.only = value.split(',').map(named).collect::<Result<_, _>>()?;
            }
            _ => return Err(format!("what is {argument}?")),
        }
    }
    if options.zebu.as_os_str().is_empty() {
        return Err("--zebu is missing".to_owned());
    }
    Ok(options)
}

async fn all(options: &Options, folder: &Path) {
    let backends = backend::Backends::start().await;
    let mut fronts = Vec::new();
    for kind in &options.only {
        fronts.push(Front::start(*kind, options, folder, &backends).await);
    }
    if options.serve {
        for front in &fronts {
            println!("{} {} pid {}", front.kind.name(), front.address, front.pid());
        }
        std::future::pending::<()>().await;
    }
    println!(
        "\n## Requests\n\n{} connections kept alive, GET with a browser's headers, an answer of {} bytes, {} runs of {} s each by turns.\n",
        options.connections,
        backend::ANSWER_BYTES,
        options.rounds,
        options.run.as_secs()
    );
    let mut runs: Vec<Vec<Run>> = fronts.iter().map(|_| Vec::new()).collect();
    let loads: Vec<Load> = {
        let mut loads = Vec::new();
        for front in fronts.iter().filter(|front| !front.kind.is_tls()) {
            loads.push(Load::prepare(front, folder, options.connections).await);
        }
        loads
    };
    for round in 0..=options.rounds {
        for (front, load) in fronts.iter().filter(|front| !front.kind.is_tls()).zip(&loads) {
            let run = load.run(front, options.run);
            // The first round only warms up.
            if round > 0 {
                let at = fronts.iter().position(|other| other.kind == front.kind).unwrap();
                runs[at].push(run);
            }
        }
    }
    load::table(&fronts, &runs);
    println!("\nRequests that reached another backend than their session's: {}", backends.misrouted());
    handshakes::table(&fronts, folder, options.rounds).await;
    idle::table(&fronts).await;
}
