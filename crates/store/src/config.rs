//! How a node reaches configdb, and the limits of its connections.

use std::path::PathBuf;

use serde::Deserialize;

/// The `[store]` part of a node's configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where configdb is: `sqlite:/absolute/path/config.db`, or `mysql://user:password@host:port/schema`. The databases
    /// of the contexts are registered in it.
    pub configdb: String,
    /// A file whose bytes (at least 32) are the secret that the passwords of databases are encrypted with in configdb. Every
    /// node needs the same. Default: empty, none; then the secret is made from configdb's own password.
    #[serde(default)]
    pub key_file: PathBuf,
    /// URLs of configdb's replicas, of the same form and with the same schema. They are watched over, and take over when
    /// configdb's master is gone (OPERATING.md). Default none.
    #[serde(default)]
    pub configdb_read: Vec<String>,
    /// How far a replica may be behind its master and still be asked, ms. Default 10 000.
    #[serde(default = "replica_lag_ms_max")]
    pub replica_lag_ms_max: u64,
    /// How long a read waits for a replica to have what it must see, before the master is asked, ms. Default 10.
    #[serde(default = "replica_wait_ms_max")]
    pub replica_wait_ms_max: u64,
    /// How long a database server may take to say how it is, ms: some four times a second each is asked. One that takes
    /// longer counts as dead until it answers. Default 700.
    #[serde(default = "probe_ms_max")]
    pub probe_ms_max: u64,
    /// Connections to the server of configdb. Servers registered in configdb have limits of their own there. Default 16.
    #[serde(default = "connections_max")]
    pub connections_max: usize,
    /// Connections that read, a SQLite database. Each costs a thread and up to 2 MiB of page cache. Default 4.
    #[serde(default = "readers_max")]
    pub readers_max: usize,
    /// How long a request waits for a connection, or for SQLite's one writer, before it is answered "busy". Default 10 000.
    #[serde(default = "wait_ms_max")]
    pub wait_ms_max: u64,
    /// How long a server may take to accept a connection and say who it is. Default 2 000.
    #[serde(default = "connect_ms_max")]
    pub connect_ms_max: u64,
    /// How long a server may take to answer a statement or a commit; then the connection is closed and the request fails. A
    /// commit that is not answered may have happened. Keep it above `wait_ms_max`. Default 15 000.
    #[serde(default = "statement_ms_max")]
    pub statement_ms_max: u64,
    /// How long a write may stand still between two of its statements before its server ends it and lets go of its rows,
    /// rounded up to seconds: nobody waits longer for the rows of a node that is out of its server's reach. A write waits for
    /// nothing but its own statements, so one that stands still for so long belongs to a node that does. Default 2 000.
    #[serde(default = "write_idle_ms_max")]
    pub write_idle_ms_max: u64,
    /// Where a request's id is told to MariaDB's logs, in a comment: `ends`, at the end of each transaction, which costs nothing;
    /// `statements`, with each statement, which then is prepared anew each time; `none`. Default `ends`.
    #[serde(default)]
    pub request_comments: RequestComments,
    /// What is remembered of what was read may take so many bytes. 0: nothing is remembered. Default 64 MiB.
    #[serde(default = "cache_bytes_max")]
    pub cache_bytes_max: u64,
}

/// Where the id of a request stands in what a database is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestComments {
    /// Nowhere.
    None,
    /// In the `COMMIT` or `ROLLBACK` of its transactions.
    #[default]
    Ends,
    /// In each statement.
    Statements,
}

fn cache_bytes_max() -> u64 {
    64 << 20
}

fn connections_max() -> usize {
    16
}

fn replica_lag_ms_max() -> u64 {
    10_000
}

fn replica_wait_ms_max() -> u64 {
    10
}

fn probe_ms_max() -> u64 {
    700
}

fn readers_max() -> usize {
    4
}

fn wait_ms_max() -> u64 {
    10_000
}

fn connect_ms_max() -> u64 {
    2_000
}

fn statement_ms_max() -> u64 {
    15_000
}

fn write_idle_ms_max() -> u64 {
    2_000
}

impl Config {
    /// The defaults with configdb at `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Config {
        Config {
            configdb: url.into(),
            key_file: PathBuf::new(),
            configdb_read: Vec::new(),
            replica_lag_ms_max: replica_lag_ms_max(),
            replica_wait_ms_max: replica_wait_ms_max(),
            probe_ms_max: probe_ms_max(),
            connections_max: connections_max(),
            readers_max: readers_max(),
            wait_ms_max: wait_ms_max(),
            connect_ms_max: connect_ms_max(),
            statement_ms_max: statement_ms_max(),
            write_idle_ms_max: write_idle_ms_max(),
            request_comments: RequestComments::default(),
            cache_bytes_max: cache_bytes_max(),
        }
    }
}
