//! How long an import of many users takes: `cargo run --release -p zebu-app --example import [USERS]`. On SQLite in a temporary
//! directory, or on MariaDB with `--mariadb`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that fails says so")]

use std::time::Instant;

use zebu_app::operator::contexts::{self, NewContext};
use zebu_app::operator::databases::NewDatabase;
use zebu_app::operator::filestores::NewFilestore;
use zebu_app::operator::users::{self, NewUser};
use zebu_app::operator::{self, AccessSpec, Foundation, Settings};
use zebu_app::{App, Client, Clock, Config, NodeConfig, SessionConfig, sessions, unhashed};
use zebu_model::ContextId;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let users: usize = arguments.next().map_or(10_000, |n| n.parse().unwrap());
    let on_mariadb = arguments.next().as_deref() == Some("--mariadb");
    let dir = tempfile::tempdir().unwrap();
    let key_file = dir.path().join("key");
    std::fs::write(&key_file, [7u8; 32]).unwrap();
    let (configdb, hostname) = if on_mariadb {
        let server = zebu_mariadb::server();
        (server.schema(), server.socket().display().to_string())
    } else {
        let place = dir.path().display();
        (format!("sqlite:{place}/config.db"), format!("sqlite:{place}"))
    };
    let config = Config {
        node: NodeConfig { name: "OX-1".to_owned(), route: None, server: None },
        store: zebu_store::Config { key_file, ..zebu_store::Config::new(configdb) },
        sessions: SessionConfig::default(),
        operator_contexts: Vec::new(),
        operator: Settings::default(),
        jobs: zebu_app::JobConfig::default(),
        push: zebu_app::PushConfig::default(),
    };
    let app = App::open(config, Clock::System).await.unwrap();
    let foundation = Foundation {
        server: "zebu".to_owned(),
        filestore: NewFilestore::at(&format!("file://{}/files", dir.path().display())),
        database: NewDatabase {
            name: "shard".to_owned(),
            hostname,
            login: "root".to_owned(),
            ..NewDatabase::default()
        },
    };
    operator::lay(&app, &foundation).await.unwrap();
    let admin = NewUser::of("oxadmin", "Context Admin", "oxadmin@example.org", "secret");
    let new = NewContext {
        mappings: vec!["defaultcontext".to_owned()],
        access: AccessSpec::combination("all"),
        ..NewContext::of(ContextId(1), -1, admin)
    };
    contexts::create(&app, &new, false).await.unwrap();
    let user = |n: usize| {
        let (login, name) = (format!("user{n}"), format!("User Number {n}"));
        let email = format!("{login}@example.org");
        NewUser::of(&login, &name, &email, &format!("password of {n}"))
    };
    let rows: Vec<NewUser> = (1..=users).map(user).collect();
    let begun = Instant::now();
    let done = users::import(&app, ContextId(1), &rows, false, &|_| {}).await.unwrap();
    println!("imported {} users in {:.1} s", done.created, begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let done = users::import(&app, ContextId(1), &rows, false, &|_| {}).await.unwrap();
    println!("again: {} were there, {:.1} s", done.existed, begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let last = format!("user{users}");
    let given = sessions::Credentials { login: &last, password: &format!("password of {users}") };
    sessions::login(&app, given, &Client::default(), false).await.unwrap();
    println!("the last of them signed in {:.0} ms later", begun.elapsed().as_secs_f64() * 1e3);
    let begun = Instant::now();
    let hashed = unhashed::hash_all(&app).await.unwrap();
    println!("hashed {hashed} passwords in the background in {:.1} s", begun.elapsed().as_secs_f64());
}
