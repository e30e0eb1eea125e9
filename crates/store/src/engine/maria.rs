//! MariaDB (and MySQL): a bounded number of connections to one server and schema, each lent for one transaction.
//!
//! The server's rows are locked by the statements that say so; how much a commit survives is its configuration's
//! business (`innodb_flush_log_at_trx_commit`, semi-synchronous replication).

use std::sync::Arc;
use std::time::{Duration, Instant};

use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable;
use mysql_async::{
    Conn, IsolationLevel, Opts, OptsBuilder, Params, Pool, PoolConstraints, PoolOpts, Transaction, TxOpts,
    Value as Raw,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Begin, Target};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::meter;
use crate::statement::Statement;
use crate::value::{Row, Value};

/// Prepared statements kept a connection: more than there are hot statements.
const STATEMENTS_KEPT: usize = 128;
/// How long a connection that nobody uses is kept.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// The character set number that means "bytes, no text".
const BINARY: u16 = 63;

/// Whether a URL names such a server.
pub(super) fn serves(url: &str) -> bool {
    url.starts_with("mysql://")
}

/// One schema on one server.
#[derive(Debug)]
pub(crate) struct Maria {
    name: String,
    schema: String,
    opts: Opts,
    pool: Pool,
    permits: Arc<Semaphore>,
    wait_ms_max: u64,
}

/// A connection on loan.
#[derive(Debug)]
pub(crate) struct Lease {
    home: Arc<Maria>,
    begin: Begin,
    held: Held,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Held {
    /// Rolled back by the pool when dropped.
    Transaction(Transaction<'static>),
    /// Outside transactions: definitions commit by themselves. Holds the server's named lock while it lives.
    Migration(Conn),
}

impl Maria {
    pub(super) fn new(config: &Config, target: &Target) -> Result<Arc<Maria>> {
        let url = target.url.as_str();
        let bad = |reason: &str| Error::Url { url: without_credentials(url), reason: reason.to_owned() };
        let opts = Opts::from_url(url).map_err(|error| bad(&error.to_string()))?;
        let schema = opts.db_name().filter(|name| !name.is_empty());
        let schema = schema.ok_or_else(|| bad("it names no schema"))?.to_owned();
        let most = target.connections_max.max(1);
        let constraints =
            PoolConstraints::new(0, most).ok_or_else(|| bad("connections_max is out of range"))?;
        // A transaction that is dropped is rolled back by the pool; resetting the whole connection each time would
        // throw its prepared statements away.
        let pool_opts = PoolOpts::default()
            .with_constraints(constraints)
            // Unless this is set, the pool keeps none.
            .with_inactive_connection_ttl(IDLE_MAX)
            .with_reset_connection(false);
        let mut opts = OptsBuilder::from_opts(opts);
        if let Some((login, password)) = &target.credentials {
            opts = opts.user(Some(login)).pass(Some(password));
        }
        let opts = opts
            .pool_opts(pool_opts)
            .stmt_cache_size(STATEMENTS_KEPT)
            .tcp_nodelay(true)
            .prefer_socket(false)
            // "Changed" means matched, as SQLite counts.
            .client_found_rows(true)
            .setup(vec![
                "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'".to_owned(),
                // Who waits for a row waits no longer than who waits for a connection.
                format!("SET SESSION innodb_lock_wait_timeout = {}", config.wait_ms_max.div_ceil(1_000).max(1)),
            ]);
        let opts = Opts::from(opts);
        Ok(Arc::new(Maria {
            name: without_credentials(url),
            schema,
            pool: Pool::new(opts.clone()),
            opts,
            permits: Arc::new(Semaphore::new(most)),
            wait_ms_max: config.wait_ms_max,
        }))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) async fn lease(self: &Arc<Self>, begin: Begin) -> Result<Lease> {
        let permit = self.permit().await?;
        let mut how = TxOpts::default();
        match begin {
            Begin::Read => how.with_consistent_snapshot(true).with_readonly(true),
            // What a write relies on it has locked. A snapshot would show it the rest as it was, and locks on the gaps
            // between rows would let writes of different things (the first into each of two folders, two logins) wait
            // for each other and fail.
            Begin::Write => how.with_isolation_level(IsolationLevel::ReadCommitted),
        };
        // A pooled connection that the server has closed meanwhile fails here, before anything was asked of it: the
        // next one is tried, at most as many as there can be.
        let mut tries = self.permits.available_permits().saturating_add(2);
        let transaction = loop {
            tries = tries.saturating_sub(1);
            match self.in_time(self.pool.start_transaction(how.clone())).await {
                Err(Error::Unavailable { .. }) if tries > 0 && self.answers().await => {}
                other => break other?,
            }
        };
        Ok(Lease { home: Arc::clone(self), begin, held: Held::Transaction(transaction), _permit: permit })
    }

    /// Whether a new connection can be had.
    async fn answers(&self) -> bool {
        self.in_time(async { self.pool.get_conn().await?.ping().await }).await.is_ok()
    }

    pub(super) async fn lease_to_migrate(self: &Arc<Self>) -> Result<Lease> {
        let permit = self.permit().await?;
        // None of the pool's: the lock goes with the connection, and that is closed however the migration ends.
        let mut conn = self.in_time(Conn::new(self.opts.clone())).await?;
        // Named after the schema: locks of a server are known to all its schemas. Its length is limited to 64.
        let lock: String = format!("zebu migrates {}", self.schema).chars().take(64).collect();
        let got: mysql_async::Result<Option<i64>> =
            conn.exec_first("SELECT GET_LOCK(?, ?)", (lock, self.wait_ms_max.div_ceil(1_000))).await;
        match got {
            Ok(Some(1)) => {}
            Ok(_) => return Err(self.busy()),
            Err(error) => return Err(self.failure("SELECT GET_LOCK", "", &error)),
        }
        Ok(Lease {
            home: Arc::clone(self),
            begin: Begin::Write,
            held: Held::Migration(conn),
            _permit: permit,
        })
    }

    /// Makes the schema if it is not there.
    pub(super) async fn create(&self) -> Result<()> {
        let there = OptsBuilder::from_opts(self.opts.clone()).db_name(None::<String>);
        let mut conn = self.in_time(Conn::new(there)).await?;
        let sql = format!("CREATE DATABASE IF NOT EXISTS `{}`", self.schema.replace('`', "``"));
        let done = conn.query_drop(&sql).await;
        done.map_err(|error| self.failure("", &sql, &error))?;
        self.in_time(conn.disconnect()).await
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let wait = Duration::from_millis(self.wait_ms_max);
        let permit = tokio::time::timeout(wait, Arc::clone(&self.permits).acquire_owned()).await;
        permit.ok().and_then(std::result::Result::ok).ok_or_else(|| self.busy())
    }

    async fn in_time<T>(&self, work: impl Future<Output = mysql_async::Result<T>>) -> Result<T> {
        match tokio::time::timeout(Duration::from_millis(self.wait_ms_max), work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(self.failure("", "BEGIN", &error)),
            Err(_) => Err(self.unavailable(format!("no answer within {} ms", self.wait_ms_max))),
        }
    }

    fn busy(&self) -> Error {
        Error::Busy { database: self.name.clone(), waited_ms: self.wait_ms_max }
    }

    fn unavailable(&self, reason: String) -> Error {
        Error::Unavailable { database: self.name.clone(), reason }
    }

    fn failure(&self, table: &'static str, sql: &str, error: &mysql_async::Error) -> Error {
        let mysql_async::Error::Server(server) = error else { return self.unavailable(error.to_string()) };
        match server.code {
            1062 => Error::Duplicate { table },
            // A row moved, or chosen to give way in a deadlock: nothing was written.
            1020 | 1213 => Error::Contended,
            // Waited for a row as long as anybody may wait: to start over would be to wait as long again.
            1205 => self.busy(),
            // Read-only, shutting down, too many connections, killed, access or schema refused.
            1290 | 1792 | 1836 | 1053 | 1040 | 1927 | 1045 | 1044 | 1049 => {
                self.unavailable(server.message.clone())
            }
            _ => Error::Statement { sql: sql.to_owned(), reason: server.to_string() },
        }
    }
}

impl Lease {
    pub(super) fn database(&self) -> &str {
        &self.home.name
    }

    pub(super) async fn query(&mut self, statement: Statement) -> Result<Vec<Row>> {
        let begun = Instant::now();
        let Statement { table, sql, args } = statement;
        let done = match &mut self.held {
            Held::Transaction(held) => held.exec::<mysql_async::Row, _, _>(sql.as_ref(), params(args)).await,
            Held::Migration(held) => held.exec::<mysql_async::Row, _, _>(sql.as_ref(), params(args)).await,
        };
        meter::statement(begun.elapsed());
        let rows = done.map_err(|error| self.home.failure(table, &sql, &error))?;
        rows.into_iter().map(|row| convert(table, row)).collect()
    }

    pub(super) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        let begun = Instant::now();
        let Statement { table, sql, args } = statement;
        let done = match &mut self.held {
            Held::Transaction(held) => {
                let done = held.exec_drop(sql.as_ref(), params(args)).await;
                done.map(|()| held.affected_rows())
            }
            Held::Migration(held) => {
                let done = held.exec_drop(sql.as_ref(), params(args)).await;
                done.map(|()| held.affected_rows())
            }
        };
        meter::statement(begun.elapsed());
        done.map_err(|error| self.home.failure(table, &sql, &error))
    }

    /// Runs a definition. Definitions commit one by one here, so a migration that was cut off is run again from its
    /// beginning: what is there already is no error.
    pub(super) async fn define(&mut self, sql: String) -> Result<()> {
        const TABLE_EXISTS: u16 = 1050;
        const INDEX_EXISTS: u16 = 1061;
        const COLUMN_EXISTS: u16 = 1060;
        let done = match &mut self.held {
            Held::Transaction(held) => held.query_drop(&sql).await,
            Held::Migration(held) => held.query_drop(&sql).await,
        };
        match done {
            Err(mysql_async::Error::Server(e))
                if [TABLE_EXISTS, INDEX_EXISTS, COLUMN_EXISTS].contains(&e.code) =>
            {
                Ok(())
            }
            other => other.map_err(|error| self.home.failure("", &sql, &error)),
        }
    }

    pub(super) async fn commit(self) -> Result<()> {
        let begun = Instant::now();
        let done = match self.held {
            Held::Transaction(held) => held.commit().await,
            Held::Migration(held) => held.disconnect().await,
        };
        if self.begin == Begin::Write {
            meter::commit(begun.elapsed());
        }
        done.map_err(|error| self.home.failure("", "COMMIT", &error))
    }
}

fn params(args: Vec<Value>) -> Params {
    if args.is_empty() {
        return Params::Empty;
    }
    Params::Positional(args.into_iter().map(raw).collect())
}

fn raw(value: Value) -> Raw {
    match value {
        Value::Null => Raw::NULL,
        Value::Int(v) => Raw::Int(v),
        Value::Text(v) => Raw::Bytes(v.into_bytes()),
        Value::Blob(v) => Raw::Bytes(v),
    }
}

fn convert(table: &'static str, row: mysql_async::Row) -> Result<Row> {
    let corrupt = |detail: &str| Error::Corrupt { table, detail: detail.to_owned() };
    let columns = row.columns();
    let values = row.unwrap().into_iter().zip(columns.iter());
    let values = values.map(|(value, column)| {
        Ok(match value {
            Raw::NULL => Value::Null,
            Raw::Int(v) => Value::Int(v),
            Raw::UInt(v) => Value::Int(i64::try_from(v).map_err(|_| corrupt("a number is too large"))?),
            Raw::Bytes(v) if column.character_set() == BINARY && is_bytes(column.column_type()) => {
                Value::Blob(v)
            }
            Raw::Bytes(v) => Value::Text(String::from_utf8(v).map_err(|_| corrupt("a text is not UTF-8"))?),
            _ => return Err(corrupt("a value is neither number, text nor bytes")),
        })
    });
    Ok(Row::new(table, values.collect::<Result<_>>()?))
}

/// Numbers and decimals have the binary character set too.
fn is_bytes(kind: ColumnType) -> bool {
    !matches!(kind, ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL)
}

/// The password in a URL.
pub(super) fn password_in(url: &str) -> Option<String> {
    Opts::from_url(url).ok()?.pass().map(str::to_owned)
}

/// A URL as it may be shown.
fn without_credentials(url: &str) -> String {
    let rest = url.strip_prefix("mysql://").unwrap_or(url);
    let shown = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    format!("mysql://{}", shown.split('?').next().unwrap_or(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        let check = |url, expected| assert_eq!(without_credentials(url), expected);
        check("mysql://ox:secret@db:3306/config?socket=/x", "mysql://db:3306/config");
        check("mysql://db/config", "mysql://db/config");
    }
}
