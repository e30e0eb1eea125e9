//! A web tier from the command line, to measure it beside its peers: `web_tier LISTEN ROUTE=HOST:PORT …`.
//!
//! One worker thread, no log, no web client: the bare data path. Ends with its parent's signal.

use std::process::ExitCode;
use std::sync::Arc;

use zebu_balancer::{Assets, Config, MemberConfig, Server};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments
        .next()
        .ok_or("usage: web_tier LISTEN ROUTE=HOST:PORT …")?
        .parse::<std::net::SocketAddr>()?
        .into();
    let members = arguments.map(|argument| {
        let (route, address) = argument.split_once('=').ok_or("a member is ROUTE=HOST:PORT")?;
        Ok(MemberConfig::new(route, address))
    });
    let members = members.collect::<Result<_, &str>>()?;
    let config = Config { listen, members, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let server = Server::bind(config, Assets::default(), Arc::new(|| 0)).await?;
        server.run(std::future::pending()).await;
        Ok(())
    })
}
