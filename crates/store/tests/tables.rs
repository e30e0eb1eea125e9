//! What is known of a shard's tables, beside what the engines say: nothing that is stored may be forgotten by a move.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

use std::collections::BTreeMap;

use zebu_store::configdb::databases::{self, DatabaseServer};
use zebu_store::shard::tables;
use zebu_store::{Config, Store};

/// Columns of each table, without the context.
type Columns = BTreeMap<String, Vec<String>>;

fn known() -> Columns {
    tables::all()
        .iter()
        .map(|table| {
            let mut columns: Vec<String> = table.columns().iter().map(|c| (*c).to_owned()).collect();
            columns.sort();
            (table.name.to_owned(), columns)
        })
        .collect()
}

/// A schema on a server of its own, and its name.
async fn schema(configdb: &str, name: &str, url: &str) -> String {
    let store = Store::open(Config::new(configdb)).await.unwrap();
    let mut tx = store.config_write().await.unwrap();
    let server = DatabaseServer::master(name, url);
    let server = DatabaseServer { id: databases::insert(&mut tx, &server).await.unwrap(), ..server };
    let schema = databases::insert_schema(&mut tx, &server).await.unwrap();
    tx.commit().await.unwrap();
    store.ensure_schema(server.id, &schema).await.unwrap();
    schema
}

/// Lines `table column`.
fn columns(lines: impl Iterator<Item = String>) -> Columns {
    let mut found = Columns::new();
    for line in lines {
        let (table, column) = line.split_once(['\t', ' ']).unwrap();
        if table != "schema_version" && table != "homes" {
            let columns = found.entry(table.to_owned()).or_default();
            columns.extend(Some(column.to_owned()).filter(|column| column != "cid"));
        }
    }
    found.values_mut().for_each(|columns| columns.sort());
    found
}

#[tokio::test]
async fn every_table_and_column_of_a_shard_is_known_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().display();
    let schema = schema(&format!("sqlite:{at}/config.db"), "shard", &format!("sqlite:{at}")).await;
    let file = rusqlite::Connection::open(dir.path().join(format!("{schema}.db"))).unwrap();
    let sql = "SELECT m.name || ' ' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";
    let mut statement = file.prepare(sql).unwrap();
    let lines: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(!lines.is_empty());
    assert_eq!(known(), columns(lines.into_iter()));
}

#[tokio::test]
async fn every_table_and_column_of_a_shard_is_known_on_mariadb() {
    let server = zebu_mariadb::server();
    let schema = schema(&server.schema(), &server.name(), &server.url()).await;
    let lines = server.sql(&format!(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = '{schema}';"
    ));
    assert!(!lines.is_empty());
    assert_eq!(known(), columns(lines.lines().map(str::to_owned)));
}
