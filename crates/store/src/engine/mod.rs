//! The two engines behind one face: a database that lends connections, each for one transaction.
//!
//! Statements are the same text for both; what differs is in [`dialect`]. Which engine a database has is decided by its
//! URL when the program runs.

pub(crate) mod dialect;
mod maria;
mod sqlite;

use std::sync::Arc;

use crate::config::Config;
use crate::error::Result;
use crate::statement::Statement;
use crate::value::Row;

/// Where a database is, and who asks.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `sqlite:/path/file`, or `mysql://host:port/schema`, with or without credentials.
    pub(crate) url: String,
    /// Login and password, if the URL does not have them.
    pub(crate) credentials: Option<(String, String)>,
    /// Connections to it.
    pub(crate) connections_max: usize,
}

impl Target {
    /// A database that a URL says everything about.
    pub(crate) fn of_url(config: &Config, url: &str) -> Target {
        Target { url: url.to_owned(), credentials: None, connections_max: config.connections_max }
    }

    /// A schema on a server: a file in SQLite's directory.
    pub(crate) fn of_schema(server: &str, schema: &str) -> String {
        if !maria::serves(server) {
            return format!("{}/{schema}.db", server.trim_end_matches('/'));
        }
        let (place, options) = server.split_once('?').map_or((server, None), |(p, o)| (p, Some(o)));
        let place = place.trim_end_matches('/');
        options.map_or_else(|| format!("{place}/{schema}"), |options| format!("{place}/{schema}?{options}"))
    }
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

/// A database with its connections. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite(Arc<sqlite::Sqlite>),
    Maria(Arc<maria::Maria>),
}

/// A connection on loan for one transaction. Dropped without [`Lease::commit`], everything is undone.
#[derive(Debug)]
pub(crate) enum Lease {
    Sqlite(sqlite::Lease),
    Maria(maria::Lease),
}

impl Database {
    /// The database of a target; nothing is connected yet.
    pub(crate) fn of(config: &Config, target: &Target) -> Result<Database> {
        if maria::serves(&target.url) {
            Ok(Database::Maria(maria::Maria::new(config, target)?))
        } else {
            Ok(Database::Sqlite(sqlite::Sqlite::new(config, &target.url)?))
        }
    }

    /// Makes the schema on its server if it is not there. A file makes itself.
    pub(crate) async fn create(&self) -> Result<()> {
        match self {
            Database::Sqlite(_) => Ok(()),
            Database::Maria(database) => database.create().await,
        }
    }

    /// The password in a URL, if it has one.
    pub(crate) fn password_in(url: &str) -> Option<String> {
        maria::serves(url).then(|| maria::password_in(url)).flatten()
    }

    /// What it is called in errors: its URL without credentials.
    pub(crate) fn name(&self) -> &str {
        match self {
            Database::Sqlite(database) => database.name(),
            Database::Maria(database) => database.name(),
        }
    }

    /// A connection for one transaction; waits its turn, but no longer than configured.
    pub(crate) async fn lease(&self, begin: Begin) -> Result<Lease> {
        match self {
            Database::Sqlite(database) => database.lease(begin).await.map(Lease::Sqlite),
            Database::Maria(database) => database.lease(begin).await.map(Lease::Maria),
        }
    }

    /// Runs the text of a migration, statement by statement.
    pub(crate) async fn migrate(&self, lease: &mut Lease, text: &str) -> Result<()> {
        let known = match self {
            Database::Sqlite(_) => dialect::for_sqlite(text),
            Database::Maria(_) => dialect::for_maria(text),
        };
        for sql in dialect::statements(&known) {
            match lease {
                Lease::Sqlite(lease) => lease.define(sql).await?,
                Lease::Maria(lease) => lease.define(sql).await?,
            }
        }
        Ok(())
    }

    /// Lets one process at a time migrate: holds until the returned lease is dropped or committed.
    pub(crate) async fn lease_to_migrate(&self) -> Result<Lease> {
        match self {
            // Its write lock covers definitions too.
            Database::Sqlite(database) => database.lease(Begin::Write).await.map(Lease::Sqlite),
            Database::Maria(database) => database.lease_to_migrate().await.map(Lease::Maria),
        }
    }
}

impl Lease {
    /// Runs a query and returns its rows.
    pub(crate) async fn query(&mut self, statement: Statement) -> Result<Vec<Row>> {
        match self {
            Lease::Sqlite(lease) => lease.query(statement).await,
            Lease::Maria(lease) => lease.query(statement).await,
        }
    }

    /// Runs a statement and returns how many rows it matched.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        match self {
            Lease::Sqlite(lease) => lease.execute(statement).await,
            Lease::Maria(lease) => lease.execute(statement).await,
        }
    }

    /// After a migration: tells an engine that keeps no statistics by itself how the tables are filled.
    pub(crate) async fn describe(&mut self) -> Result<()> {
        match self {
            Lease::Sqlite(lease) => lease.describe().await,
            Lease::Maria(_) => Ok(()),
        }
    }

    /// Commits. After an error nothing was written, except when the answer of a server was lost.
    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Lease::Sqlite(lease) => lease.commit().await,
            Lease::Maria(lease) => lease.commit().await,
        }
    }

    /// What its database is called in errors.
    pub(crate) fn database(&self) -> &str {
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
