//! Migrations: cut off anywhere, and begun by several at once.

use super::same;
use crate::config::Config;
use crate::engine::{Database, dialect};
use crate::migrate;
use crate::store::Store;

/// Tables, columns and indexes of a schema.
fn shape(server: &zebu_mariadb::Server, schema: &str) -> String {
    server.sql(&format!(
        "SELECT table_name, column_name, column_type, collation_name FROM information_schema.columns \
         WHERE table_schema = '{schema}' ORDER BY table_name, ordinal_position; \
         SELECT table_name, index_name, seq_in_index, column_name FROM information_schema.statistics \
         WHERE table_schema = '{schema}' ORDER BY 1, 2, 3;"
    ))
}

async fn check_cut_off_anywhere(migrations: &[&str]) {
    let server = zebu_mariadb::server();
    let fresh = same(&server.schema(), |_| {});
    migrate::run(&fresh, migrations).await.unwrap();
    let expected = shape(server, &fresh.schema);
    let text = migrations.last().unwrap();
    let all = dialect::statements(text).len();
    assert!(all > 10, "{all}");
    for cut in 0..=all {
        let database = same(&server.schema(), |_| {});
        let schema = &database.schema;
        let mut migration = database.lease_to_migrate().await.unwrap();
        for sql in dialect::statements(text).into_iter().take(cut) {
            migration.run(&format!("{sql};")).await.unwrap();
        }
        let list = format!("SELECT id FROM information_schema.processlist WHERE db = '{schema}'");
        server.sql(&format!("KILL {}", server.sql(&list).trim()));
        let more = migration.run("CREATE TABLE never (id BIGINT);").await;
        assert!(more.is_err(), "after {cut}");
        drop(migration);
        migrate::run(&database, migrations).await.unwrap();
        assert_eq!(shape(server, schema), expected, "cut off after {cut}");
        assert_eq!(migrate::run(&database, migrations).await.unwrap(), 0, "finished for good");
        server.sql(&format!("DROP DATABASE {schema}"));
    }
}

#[tokio::test]
async fn a_migration_of_configdb_cut_off_after_any_statement_is_finished_by_the_next_start() {
    check_cut_off_anywhere(migrate::CONFIG).await;
}

#[tokio::test]
async fn a_migration_of_a_shard_cut_off_after_any_statement_is_finished_by_the_next_start() {
    check_cut_off_anywhere(migrate::SHARD).await;
}

/// Nodes that start at the same moment, each with connections of its own.
async fn check_starts_at_once(url: &str) {
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let config = Config::new(url);
            tokio::spawn(async move { Store::open(config).await.map(drop) })
        })
        .collect();
    for start in starts {
        start.await.unwrap().unwrap();
    }
    let database = Database::of_url(&Config::new(url), url).unwrap();
    let mut lease = database.lease(crate::engine::Begin::Read).await.unwrap();
    let rows = super::number(&mut lease, "SELECT COUNT(*) FROM schema_version").await.unwrap();
    assert_eq!(rows, i64::try_from(migrate::CONFIG.len()).unwrap(), "each migration once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_nodes_that_start_at_once_on_mariadb_one_migrates() {
    check_starts_at_once(&zebu_mariadb::server().schema()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_nodes_that_start_at_once_on_sqlite_one_migrates() {
    let dir = tempfile::tempdir().unwrap();
    check_starts_at_once(&format!("sqlite:{}/config.db", dir.path().display())).await;
}

#[tokio::test]
async fn a_node_waits_for_another_that_migrates_longer_than_for_a_connection() {
    let server = zebu_mariadb::server();
    let url = server.schema();
    let one = same(&url, |_| {});
    let held = one.lease_to_migrate().await.unwrap();
    let two = same(&url, |config| config.wait_ms_max = 1);
    let waits = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT GET_LOCK%'";
    let (second, ()) = tokio::join!(migrate::run(&two, migrate::CONFIG), async {
        // The first statement of the second node is on its way when it has been polled once; it waits in the server.
        tokio::task::spawn_blocking(move || {
            zebu_mariadb::wait_for("the second node waits", || server.sql(waits).trim() != "0");
        })
        .await
        .unwrap();
        drop(held);
    });
    assert_eq!(second.unwrap(), migrate::CONFIG.len());
}
