//! What the engine does when servers, connections and locks misbehave, on a real MariaDB. One file a kind of trouble.

mod comments;
mod limits;
mod lost;
mod migrating;
mod silence;

use std::time::Duration;

use tokio::time::Instant;

use super::{Begin, Database, Lease};
use crate::config::Config;
use crate::error::Result;
use crate::statement::Statement;
use crate::value::args;

/// How long a server that answers may take, on a machine that does a lot else: no test is about that.
const PATIENCE: Duration = Duration::from_secs(120);

/// A node's view of a server: a new schema in it with a table.
pub(super) async fn database(server: &zebu_mariadb::Server, change: impl FnOnce(&mut Config)) -> Database {
    let url = server.schema();
    let database = same(&url, change);
    let mut migration = database.lease_to_migrate().await.unwrap();
    migration
        .run("CREATE TABLE t (id BIGINT NOT NULL, v BIGINT NOT NULL, PRIMARY KEY (id)) {table};")
        .await
        .unwrap();
    migration.run("INSERT INTO t VALUES (1, 0), (2, 0);").await.unwrap();
    migration.commit().await.unwrap();
    database
}

/// Another node's.
pub(super) fn same(url: &str, change: impl FnOnce(&mut Config)) -> Database {
    let mut config = Config::new(url);
    let patience_ms = u64::try_from(PATIENCE.as_millis()).unwrap();
    (config.connect_ms_max, config.statement_ms_max) = (patience_ms, patience_ms);
    change(&mut config);
    Database::of_url(&config, url).unwrap()
}

/// Asks for one number.
pub(super) async fn number(lease: &mut Lease, sql: &'static str) -> Result<i64> {
    let rows = lease.query(Statement::new("t", sql, args![])).await?;
    rows.into_iter().next().unwrap().int()
}

pub(super) async fn execute(lease: &mut Lease, sql: &'static str) -> Result<u64> {
    lease.execute(Statement::new("t", sql, args![])).await
}

/// The sum of what the writes of a test wrote.
pub(super) async fn sum(database: &Database) -> i64 {
    let mut lease = database.lease(Begin::Read).await.unwrap();
    number(&mut lease, "SELECT CAST(SUM(v) AS SIGNED) FROM t").await.unwrap()
}

/// What comes of something that a frozen server is to do: nothing, and that is said after `limit_ms`. The clock is the
/// runtime's own, which stands still while anybody has something to do: however busy the machine is, it shows the limit.
pub(super) async fn given_up_after<T>(limit_ms: u64, work: impl Future<Output = T>) -> T {
    tokio::time::pause();
    let begun = Instant::now();
    let done = work.await;
    let took = begun.elapsed();
    tokio::time::resume();
    let limit = Duration::from_millis(limit_ms);
    assert!(took >= limit && took <= limit + TICK, "{took:?} instead of {limit:?}");
    done
}

/// How exactly the runtime's clock keeps a limit.
const TICK: Duration = Duration::from_millis(2);
