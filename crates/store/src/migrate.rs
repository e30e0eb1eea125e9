//! Brings a database to the schema this program knows.
//!
//! Migrations are numbered texts under `migrations/`, never edited once released; `schema.sql` beside them is what
//! they add up to, and a test holds the two together. Several nodes may start at once: the write lock lets one
//! migrate, the others find it done. A newer schema is refused.

use std::sync::Arc;

use crate::dialect::migration_for_sqlite;
use crate::error::{Error, Result};
use crate::sqlite::{Begin, Sqlite};
use crate::statement::Statement;
use crate::value::args;

/// configdb's migrations, in order.
pub(crate) const CONFIG: &[&str] = &[include_str!("../migrations/config/0001.sql")];
/// A shard's migrations, in order.
pub(crate) const SHARD: &[&str] = &[include_str!("../migrations/shard/0001.sql")];

/// Applies what is missing. Returns how many migrations that were.
pub(crate) async fn run(database: &Arc<Sqlite>, migrations: &[&str]) -> Result<usize> {
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    let mut lease = database.lease(Begin::Write).await?;
    lease
        .batch("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)".to_owned())
        .await?;
    let select = "SELECT COALESCE(MAX(version), 0) FROM schema_version";
    let rows = lease.query(Statement::new("schema_version", select, args![])).await?;
    let found = rows.into_iter().next().map_or(Ok(0), |mut row| row.int())?;
    if found > known {
        return Err(Error::SchemaNewer { database: database.name().to_owned(), found, known });
    }
    let mut applied = 0;
    for (text, version) in migrations.iter().zip(1i64..) {
        if version <= found {
            continue;
        }
        lease.batch(migration_for_sqlite(text)).await?;
        let insert = "INSERT INTO schema_version (version) VALUES (?)";
        lease.execute(Statement::new("schema_version", insert, args![version])).await?;
        applied += 1;
    }
    lease.commit().await?;
    Ok(applied)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(dir: &tempfile::TempDir, name: &str) -> Arc<Sqlite> {
        Sqlite::new(&dir.path().join(name), 2, 10_000)
    }

    async fn schema(database: &Arc<Sqlite>) -> Vec<String> {
        let mut lease = database.lease(Begin::Read).await.unwrap();
        let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name";
        let rows = lease.query(Statement::new("sqlite_master", sql, args![])).await.unwrap();
        rows.into_iter()
            .map(|mut row| row.text().unwrap().split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|sql| !sql.contains("schema_version"))
            .collect()
    }

    async fn check_fresh_is_migrated(migrations: &[&str], fresh: &str) {
        let dir = tempfile::tempdir().unwrap();
        let migrated = database(&dir, "migrated.db");
        run(&migrated, migrations).await.unwrap();
        let made = database(&dir, "fresh.db");
        let mut lease = made.lease(Begin::Write).await.unwrap();
        lease.batch(migration_for_sqlite(fresh)).await.unwrap();
        lease.commit().await.unwrap();
        let (a, b) = (schema(&migrated).await, schema(&made).await);
        assert!(!a.is_empty());
        assert_eq!(a, b);
    }

    #[tokio::test]
    async fn a_fresh_configdb_equals_a_migrated_one() {
        check_fresh_is_migrated(CONFIG, include_str!("../migrations/config/schema.sql")).await;
    }

    #[tokio::test]
    async fn a_fresh_shard_equals_a_migrated_one() {
        check_fresh_is_migrated(SHARD, include_str!("../migrations/shard/schema.sql")).await;
    }

    #[tokio::test]
    async fn nodes_that_start_at_once_migrate_once() {
        let dir = tempfile::tempdir().unwrap();
        // Two pools of one file are what two processes are to SQLite.
        let (a, b) = (database(&dir, "x.db"), database(&dir, "x.db"));
        let (first, second) = tokio::join!(run(&a, SHARD), run(&b, SHARD));
        assert_eq!(first.unwrap() + second.unwrap(), SHARD.len());
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let database = database(&dir, "x.db");
        run(&database, SHARD).await.unwrap();
        let mut lease = database.lease(Begin::Write).await.unwrap();
        lease.batch("INSERT INTO schema_version VALUES (999)".to_owned()).await.unwrap();
        lease.commit().await.unwrap();
        let error = run(&database, SHARD).await.unwrap_err();
        assert!(matches!(error, Error::SchemaNewer { found: 999, .. }), "{error}");
    }
}
