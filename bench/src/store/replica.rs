//! What it costs to ask a replica: the same requests with the master alone, and with a replica that is asked and checked to
//! be fresh. A request is what a client's is: who is it (on the master), then a listing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zebu_app::meter::{Meter, measured};
use zebu_app::operator::databases::{self, NewDatabase};
use zebu_app::sessions::{self, Credentials};
use zebu_app::{App, Client, files};
use zebu_mariadb::Group;
use zebu_model::FolderId;

use super::data;

/// Requests of each kind.
const REQUESTS: u32 = 2_000;

struct Cost {
    statements: u64,
    database_us: f64,
    /// Statements that the replica itself counted.
    on_replica: u64,
}

/// Prints the table.
pub(crate) async fn table() {
    let servers = Group::start(1);
    let folder = tempfile::tempdir().unwrap();
    let shard = (servers.master.name(), servers.master.socket().display().to_string());
    let (app, shared) = data::first_context(&servers.master.schema(), &shard, folder.path()).await;
    println!("\n## A listing with and without a replica (MariaDB), {REQUESTS} requests each\n");
    println!(
        "| read by | statements a request | database time a request, µs | statements on the replica | ratio |"
    );
    println!("|---|---|---|---|---|");
    // Runs alternate by being done twice in each state; the first of each warms up.
    cost(&servers, &app, shared).await;
    let alone = cost(&servers, &app, shared).await;
    println!(
        "| the master alone | {} | {:.0} | {} | 1 |",
        alone.statements, alone.database_us, alone.on_replica
    );
    let master = databases::list(&app, "*").await.unwrap();
    let replica = NewDatabase {
        name: "replica".to_owned(),
        hostname: servers.replicas[0].socket().display().to_string(),
        login: "root".to_owned(),
        master: false,
        master_id: Some(master[0].id),
        ..NewDatabase::default()
    };
    databases::register(&app, &replica, false).await.unwrap();
    servers.settle();
    let deadline = Instant::now() + Duration::from_secs(30);
    while cost_of(&servers, &app, shared, 20).await.on_replica == 0 {
        assert!(Instant::now() < deadline, "the replica answers no reads");
    }
    cost(&servers, &app, shared).await;
    let both = cost(&servers, &app, shared).await;
    let ratio = both.database_us / alone.database_us;
    println!(
        "| a replica, checked | {} | {:.0} | {} | {ratio:.2} |",
        both.statements, both.database_us, both.on_replica
    );
}

/// Statements that the replica has carried out for clients.
fn executed(servers: &Group) -> u64 {
    servers.replicas[0].status("Com_stmt_execute").parse().unwrap()
}

async fn cost(servers: &Group, app: &App, shared: FolderId) -> Cost {
    cost_of(servers, app, shared, REQUESTS).await
}

async fn cost_of(servers: &Group, app: &App, shared: FolderId, requests: u32) -> Cost {
    let client = Client { name: "bench".to_owned(), ..Client::default() };
    let credentials = Credentials { login: "user3@c1", password: "secret" };
    let signed_in = sessions::login(app, credentials, &client, false).await.unwrap();
    let secret = signed_in.secret.clone();
    let secrets_of = move |_: &str| vec![secret.clone()];
    let before = executed(servers);
    let meter = Arc::new(Meter::default());
    measured(Arc::clone(&meter), async {
        for _ in 0..requests {
            let caller = sessions::resume(app, &signed_in.session, &secrets_of, None).await.unwrap();
            let (found, _) = files::list(app, &caller, shared).await.unwrap();
            assert_eq!(found.len(), 20);
        }
    })
    .await;
    Cost {
        statements: meter.statements() / u64::from(requests),
        database_us: meter.database_us() as f64 / f64::from(requests),
        on_replica: executed(servers) - before,
    }
}
