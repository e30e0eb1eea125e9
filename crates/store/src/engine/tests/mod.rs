//! What the engine does when servers, connections and locks misbehave, on a real MariaDB. One file a kind of trouble.

mod limits;
mod lost;
mod migrating;
mod silence;

use std::time::{Duration, Instant};

use super::{Begin, Database, Lease};
use crate::config::Config;
use crate::error::Result;
use crate::statement::Statement;
use crate::value::args;

/// Longer than this nothing may take that is to happen at once, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(3);

/// A node's view of a server: a new schema in it with a table, and short limits.
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

/// How long something takes, and what comes of it.
pub(super) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let begun = Instant::now();
    let done = work.await;
    (done, begun.elapsed())
}
