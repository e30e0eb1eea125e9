//! Brings a database to the schema this program knows.
//!
//! Migrations are numbered texts under `migrations/`, never edited once released; `schema.sql` beside them is what
//! they add up to, and a test holds the two together. Several nodes may start at once: a lock lets one migrate, the
//! others find it done. A newer schema is refused.

use crate::engine::{Begin, Database};
use crate::error::{Error, Result};
use crate::statement::Statement;
use crate::value::args;

/// configdb's migrations, in order.
pub(crate) const CONFIG: &[&str] = &[include_str!("../migrations/config/0001.sql")];
/// A shard's migrations, in order.
pub(crate) const SHARD: &[&str] = &[include_str!("../migrations/shard/0001.sql")];

const VERSION_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS schema_version (\n  version BIGINT NOT NULL PRIMARY KEY\n) {table};";

/// Applies what is missing. Returns how many migrations that were.
pub(crate) async fn run(database: &Database, migrations: &[&str]) -> Result<usize> {
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    // A node that starts on a finished schema takes no lock.
    if version(database).await.is_ok_and(|found| found == known) {
        return Ok(0);
    }
    let mut lease = database.lease_to_migrate().await?;
    lease.run(VERSION_TABLE).await?;
    let rows = lease.query(Statement::new("schema_version", SELECT, args![])).await?;
    let found = rows.into_iter().next().map_or(Ok(0), |mut row| row.int())?;
    if found > known {
        return Err(Error::SchemaNewer { database: database.name(), found, known });
    }
    let mut applied = 0;
    for (text, version) in migrations.iter().zip(1i64..) {
        if version <= found {
            continue;
        }
        lease.run(text).await?;
        let insert = "INSERT INTO schema_version (version) VALUES (?)";
        lease.execute(Statement::new("schema_version", insert, args![version])).await?;
        applied += 1;
    }
    lease.describe().await?;
    lease.commit().await?;
    Ok(applied)
}

const SELECT: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_version";

async fn version(database: &Database) -> Result<i64> {
    let mut lease = database.lease(Begin::Read).await?;
    let rows = lease.query(Statement::new("schema_version", SELECT, args![])).await?;
    rows.into_iter().next().map_or(Ok(0), |mut row| row.int())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn database(dir: &tempfile::TempDir, name: &str) -> Database {
        let url = format!("sqlite:{}", dir.path().join(name).display());
        let config = Config::new(url.as_str());
        Database::of_url(&config, &url).unwrap()
    }

    async fn schema(database: &Database) -> Vec<String> {
        let mut lease = database.lease(Begin::Read).await.unwrap();
        let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type, name";
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
        let mut lease = made.lease_to_migrate().await.unwrap();
        lease.run(fresh).await.unwrap();
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
}
