//! `cargo xtask bench coherence`: what answering from memory saves, what telling the others costs, and how both fare beside a bus that
//! nobody waits for.

mod bus;
mod cost;
mod nodes;
mod relay;

use std::process::ExitCode;

use nodes::Nodes;
use zebu_mariadb::Server;

use crate::store::data;

/// Runs it.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    if !arguments.is_empty() {
        eprintln!("usage: zebu-bench coherence");
        return ExitCode::from(2);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        on_mariadb().await;
        bus::table().await;
    });
    ExitCode::SUCCESS
}

/// A deployment of its own on this server, with a context: its configdb and the shared folder.
async fn deployment(server: &Server, folder: &std::path::Path, name: &str) -> (String, zebu_model::FolderId) {
    let shard = (name.to_owned(), server.socket().display().to_string());
    let configdb = server.schema();
    std::fs::create_dir(folder.join(name)).unwrap();
    let (_, shared) = data::first_context(&configdb, &shard, &folder.join(name)).await;
    (configdb, shared)
}

async fn on_mariadb() {
    let server = Server::own();
    server.start_again(&["--innodb-flush-log-at-trx-commit=1", "--max-connections=1000"]);
    let folder = tempfile::tempdir().unwrap();
    let (alone, of_alone) = deployment(&server, folder.path(), "alone").await;
    let (many, of_many) = deployment(&server, folder.path(), "many").await;
    let one = Nodes::start(&alone, 1).await;
    cost::reads(&alone, &one, of_alone).await;
    let three = Nodes::start(&many, 3).await;
    cost::writes((&one, of_alone), (&three, of_many)).await;
    cost::holds(&three.coherences[0].announcer, 2).await;
    let at_one = cost::processor_of_a_read(&one, of_alone).await;
    drop((one, three));
    let (eight, of_eight) = deployment(&server, folder.path(), "eight").await;
    let eight = Nodes::start(&eight, 8).await;
    let at_eight = cost::processor_of_a_read(&eight, of_eight).await;
    println!("\n## Processor time of a read from memory, all that nodes do beside included\n");
    println!("| nodes | µs | ratio |\n|---|---|---|\n| 1 | {at_one:.1} | 1 |");
    println!("| 8 | {at_eight:.1} | {:.2} |", at_eight / at_one);
}
