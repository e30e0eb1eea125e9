//! The two engines behind one face: a server that lends connections, each for one transaction in one schema.
//!
//! Statements are the same text for both; what differs is in [`dialect`]. Which engine a server has is decided by its
//! URL when the program runs.

pub(crate) mod dialect;
mod gate;
mod maria;
mod pool;
mod sqlite;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::statement::Statement;
use crate::value::Row;

use dialect::Dialect;
pub(crate) use maria::Probe;

/// Where a server is, and how many connections it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `sqlite:/directory`, or `mysql://host:port`, with or without credentials.
    pub(crate) url: String,
    /// Login and password, if the URL does not have them.
    pub(crate) credentials: Option<(String, String)>,
    /// Connections to it, over all schemas. SQLite's limits are each file's own: see [`Config::readers_max`].
    pub(crate) pool_max: usize,
    /// Whether nobody exceeds that. If not, up to four times as many are made, and closed after use.
    pub(crate) pool_hard_limit: bool,
    /// Connections kept open though nobody needs them.
    pub(crate) pool_initial: usize,
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// A snapshot that only reads.
    Read,
    /// One that writes.
    Write,
}

/// Which rows a statement of a write transaction locks until its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locking {
    /// SQLite: beginning to write locks everything.
    Whole,
    /// A server: rows, as each statement says.
    Rows,
}

/// A server, or a directory of SQLite files, with its connections. Cheap to clone: make one a registered server.
#[derive(Clone, Debug)]
pub(crate) enum Server {
    Sqlite(Arc<sqlite::Directory>),
    Maria(Arc<maria::Maria>),
}

/// A schema on a server.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) server: Server,
    pub(crate) schema: String,
}

/// A connection on loan for one transaction. Dropped without [`Lease::commit`], everything is undone.
#[derive(Debug)]
pub(crate) enum Lease {
    Sqlite(sqlite::Lease),
    Maria(maria::Lease),
}

impl Server {
    /// The server of a target; nothing is connected yet.
    pub(crate) fn of(config: &Config, target: &Target) -> Result<Server> {
        if maria::serves(&target.url) {
            Ok(Server::Maria(maria::Maria::new(config, target)?))
        } else {
            Ok(Server::Sqlite(sqlite::Directory::new(config, &target.url)?))
        }
    }

    /// What it is called in errors: its URL without credentials.
    pub(crate) fn name(&self) -> &str {
        match self {
            Server::Sqlite(server) => server.gate().server(),
            Server::Maria(server) => server.name(),
        }
    }

    /// A connection for one transaction in a schema; waits its turn, but no longer than configured. While the server is
    /// marked down it fails at once.
    pub(crate) async fn lease(&self, schema: &str, begin: Begin) -> Result<Lease> {
        match self {
            Server::Sqlite(server) => server.lease(schema, begin).await.map(Lease::Sqlite),
            Server::Maria(server) => Box::pin(server.lease(schema, begin)).await.map(Lease::Maria),
        }
    }

    /// The server is not to be used until [`Server::mark_up`]: whoever asks is told so at once with this reason
    /// ([`Error::Unavailable`]), also who is waiting for an answer; a commit under way becomes [`Error::InDoubt`]. Its
    /// connections are closed. Transactions that had begun fail even if it is marked up before their next statement.
    pub(crate) fn mark_down(&self, reason: &str) {
        match self {
            Server::Sqlite(server) => server.gate().close(reason),
            Server::Maria(server) => server.mark_down(reason),
        }
    }

    /// It may be used again.
    pub(crate) fn mark_up(&self) {
        match self {
            Server::Sqlite(server) => server.gate().open(),
            Server::Maria(server) => server.mark_up(),
        }
    }

    /// Why it is marked down, if it is.
    pub(crate) fn down(&self) -> Option<Arc<str>> {
        match self {
            Server::Sqlite(server) => server.gate().closed(),
            Server::Maria(server) => server.down(),
        }
    }

    /// A connection to watch the server by: outside the limits and not affected by [`Server::mark_down`]. `wait`: how long
    /// connecting may take, and each answer. `None` for SQLite, which has nobody to ask.
    pub(crate) async fn probe(&self, wait: Duration) -> Result<Option<Probe>> {
        match self {
            Server::Sqlite(_) => Ok(None),
            Server::Maria(server) => server.probe(wait).await.map(Some),
        }
    }

    /// Connects, and if it is to take writes sees whether its binary log takes them, and makes and removes a schema (SQLite: a
    /// file in its directory).
    pub(crate) async fn try_out(&self, wait: Duration, writes: bool) -> Result<()> {
        let Some(mut probe) = self.probe(wait).await? else {
            return match self {
                Server::Sqlite(server) => server.try_out(&self.name_to_try()?),
                Server::Maria(_) => Ok(()),
            };
        };
        if writes {
            // It would refuse every write: they are READ COMMITTED, and InnoDB logs those by rows alone.
            let log = probe.ask("SELECT @@global.log_bin AS kept, @@global.binlog_format AS format").await?;
            let has = |log: &maria::Named, name: &str, value: &str| log.get(name).is_some_and(|v| v == value);
            if log.iter().any(|log| has(log, "kept", "1") && has(log, "format", "STATEMENT")) {
                return Err(Error::Unavailable {
                    database: self.name().to_owned(),
                    reason: "its binlog_format is STATEMENT; it must be MIXED or ROW".to_owned(),
                });
            }
            let schema = self.name_to_try()?;
            probe.ask(&format!("CREATE DATABASE `{schema}`")).await?;
            probe.ask(&format!("DROP DATABASE `{schema}`")).await?;
        }
        Ok(())
    }

    /// A name that nobody else tries this server with: process numbers are the same on many machines.
    fn name_to_try(&self) -> Result<String> {
        let number = getrandom::u64().map_err(|error| Error::Unavailable {
            database: self.name().to_owned(),
            reason: format!("no randomness: {error}"),
        })?;
        Ok(format!("zebu_try_{number:016x}"))
    }

    /// Connections in use, and idle ones.
    pub(crate) fn connections(&self) -> (usize, usize) {
        match self {
            Server::Sqlite(server) => server.connections(),
            Server::Maria(server) => server.connections(),
        }
    }
}

impl Database {
    /// The database that a URL says everything about: `sqlite:/path/file.db`, `mysql://user:password@host:port/schema`.
    pub(crate) fn of_url(config: &Config, url: &str) -> Result<Database> {
        let (url, schema) =
            if maria::serves(url) { (url.to_owned(), maria::schema_in(url)?) } else { sqlite::file_in(url)? };
        let target = Target {
            url,
            credentials: None,
            pool_max: config.connections_max,
            pool_hard_limit: true,
            pool_initial: 0,
        };
        Ok(Database { server: Server::of(config, &target)?, schema })
    }

    /// The password in a URL, if it has one.
    pub(crate) fn password_in(url: &str) -> Option<String> {
        maria::serves(url).then(|| maria::password_in(url)).flatten()
    }

    /// What it is called in errors.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.server.name(), self.schema)
    }

    /// A connection for one transaction; see [`Server::lease`].
    pub(crate) async fn lease(&self, begin: Begin) -> Result<Lease> {
        self.server.lease(&self.schema, begin).await
    }

    /// Makes the schema on its server if it is not there. A file makes itself.
    pub(crate) async fn create(&self) -> Result<()> {
        match &self.server {
            Server::Sqlite(_) => Ok(()),
            Server::Maria(server) => server.create(&self.schema).await,
        }
    }

    /// Lets one process at a time migrate: holds until the returned lease is dropped or committed.
    pub(crate) async fn lease_to_migrate(&self) -> Result<Migration> {
        match &self.server {
            // Its write lock covers definitions too.
            Server::Sqlite(server) => server.lease(&self.schema, Begin::Write).await.map(Migration::Sqlite),
            Server::Maria(server) => server.lease_to_migrate(&self.schema).await.map(Migration::Maria),
        }
    }
}

/// A connection that alone may change definitions.
#[derive(Debug)]
pub(crate) enum Migration {
    Sqlite(sqlite::Lease),
    Maria(maria::Migration),
}

impl Migration {
    /// Runs the text of a migration, statement by statement.
    pub(crate) async fn run(&mut self, text: &str) -> Result<()> {
        let dialect = match self {
            Migration::Sqlite(_) => Dialect::Sqlite,
            Migration::Maria(lease) => lease.dialect(),
        };
        for sql in dialect::statements(&dialect.migration(text)) {
            match self {
                Migration::Sqlite(lease) => lease.define(sql).await?,
                Migration::Maria(lease) => lease.define(sql).await?,
            }
        }
        Ok(())
    }

    /// Runs a query and returns its rows.
    pub(crate) async fn query(&mut self, statement: Statement) -> Result<Vec<Row>> {
        match self {
            Migration::Sqlite(lease) => lease.query(statement).await,
            Migration::Maria(lease) => lease.query(statement).await,
        }
    }

    /// Runs a statement and returns how many rows it matched.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        match self {
            Migration::Sqlite(lease) => lease.execute(statement).await,
            Migration::Maria(lease) => lease.execute(statement).await,
        }
    }

    /// Tells an engine that keeps no statistics by itself how the tables are filled.
    pub(crate) async fn describe(&mut self) -> Result<()> {
        match self {
            Migration::Sqlite(lease) => lease.describe().await,
            Migration::Maria(_) => Ok(()),
        }
    }

    /// Commits. Where definitions commit by themselves, this is for what came after the last of them.
    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Migration::Sqlite(lease) => lease.commit().await,
            Migration::Maria(lease) => lease.commit().await,
        }
    }
}

// What a server is asked is boxed: the futures of its driver are large, and everything that asks would have room for them.
impl Lease {
    /// Runs a query if it need not be waited for. `None`: [`Lease::query`] is to be asked.
    #[inline]
    pub(crate) fn query_now(&mut self, statement: &Statement) -> Option<Result<Vec<Row>>> {
        match self {
            Lease::Sqlite(lease) => lease.query_now(statement),
            Lease::Maria(_) => None,
        }
    }

    /// The same for a query that has one row at most.
    #[inline]
    pub(crate) fn query_one_now(&mut self, statement: &Statement) -> Option<Result<Option<Row>>> {
        match self {
            Lease::Sqlite(lease) => lease.query_one_now(statement),
            Lease::Maria(_) => None,
        }
    }

    /// Runs a statement if it need not be waited for. `None`: [`Lease::execute`] is to be asked.
    #[inline]
    pub(crate) fn execute_now(&mut self, statement: &Statement) -> Option<Result<u64>> {
        match self {
            Lease::Sqlite(lease) => lease.execute_now(statement),
            Lease::Maria(_) => None,
        }
    }

    /// Runs a query and returns its rows.
    pub(crate) async fn query(&mut self, statement: Statement) -> Result<Vec<Row>> {
        match self {
            Lease::Sqlite(lease) => lease.query(statement).await,
            Lease::Maria(lease) => Box::pin(lease.query(statement)).await,
        }
    }

    /// Runs a statement and returns how many rows it matched.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        match self {
            Lease::Sqlite(lease) => lease.execute(statement).await,
            Lease::Maria(lease) => Box::pin(lease.execute(statement)).await,
        }
    }

    /// Commits. After an error nothing was written, except after [`Error::InDoubt`].
    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Lease::Sqlite(lease) => lease.commit().await,
            Lease::Maria(lease) => Box::pin(lease.commit()).await,
        }
    }

    /// What its database is called in errors.
    pub(crate) fn database(&self) -> String {
        match self {
            Lease::Sqlite(lease) => lease.database(),
            Lease::Maria(lease) => lease.database(),
        }
    }

    /// What a write transaction has locked once it has begun.
    pub(crate) fn locking(&self) -> Locking {
        match self {
            Lease::Sqlite(_) => Locking::Whole,
            Lease::Maria(_) => Locking::Rows,
        }
    }
}
