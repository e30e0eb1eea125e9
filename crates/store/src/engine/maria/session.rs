//! How a connection is made, and what its session is told once, so that no transaction needs a word to begin.
//!
//! Without autocommit the first statement begins the transaction. What kind it is, a snapshot that only reads or one that
//! locks and writes, is a default of the session.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};

use crate::config::Config;
use crate::engine::Begin;
use crate::engine::dialect::Dialect;

/// What a server says of itself.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) dialect: Dialect,
    packet_bytes_max: usize,
}

/// What every session of a server is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    wait_ms_max: u64,
    statement_ms_max: u64,
    write_idle_ms_max: u64,
}

impl Session {
    pub(super) fn new(config: &Config) -> Session {
        Session {
            wait_ms_max: config.wait_ms_max,
            statement_ms_max: config.statement_ms_max,
            write_idle_ms_max: config.write_idle_ms_max,
        }
    }

    /// The statements that set a session up: one text, so one round trip.
    pub(super) fn set_up(&self, dialect: Dialect, begin: Begin) -> String {
        // Who waits for a row waits no longer than who waits for a connection.
        let lock_seconds = self.wait_ms_max.div_ceil(1_000).max(1);
        let statement = dialect.statement_limit(self.statement_ms_max);
        format!(
            "SET SESSION autocommit = 0, innodb_lock_wait_timeout = {lock_seconds}, {statement}, \
             sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'; {}",
            self.kind(dialect, begin)
        )
    }

    /// What makes the next transactions of a session snapshots, or writes: one text too.
    pub(super) fn kind(&self, dialect: Dialect, begin: Begin) -> String {
        let (idle, kind) = match begin {
            // It holds nobody up.
            Begin::Read => (None, "REPEATABLE READ, READ ONLY"),
            // What a write relies on it has locked. A snapshot would show it the rest as it was, and locks on the gaps
            // between rows would let writes of different things (the first into each of two folders, two logins) wait for
            // each other and fail.
            Begin::Write => (Some(self.write_idle_ms_max), "READ COMMITTED, READ WRITE"),
        };
        let idle = dialect.idle_limit(idle);
        format!("SET SESSION {idle}; SET SESSION TRANSACTION ISOLATION LEVEL {kind}")
    }
}

/// What the driver is told of every connection.
pub(super) fn driver_options(opts: OptsBuilder) -> OptsBuilder {
    // Who asks the same thing again keeps it prepared himself.
    opts.stmt_cache_size(0)
        .tcp_nodelay(true)
        .prefer_socket(false)
        // Only asked for by the driver's own pool.
        .wait_timeout(Some(0))
        // "Changed" means matched, as SQLite counts.
        .client_found_rows(true)
}

/// Connects; `set_up` says what the session is told. What is known of the server already is not asked again.
pub(super) async fn connect(
    opts: &Opts,
    schema: Option<&str>,
    known: Option<Facts>,
    set_up: impl Fn(&Facts) -> Option<String>,
) -> mysql_async::Result<(Conn, Facts)> {
    let mut opts = OptsBuilder::from_opts(opts.clone()).db_name(schema);
    if let Some(facts) = &known {
        opts = opts.max_allowed_packet(Some(facts.packet_bytes_max));
    }
    let mut conn = Conn::new(opts).await?;
    let facts = match known {
        Some(facts) => facts,
        None => {
            let sql = "SELECT VERSION(), @@max_allowed_packet";
            let said: Option<(String, usize)> = conn.query_first(sql).await?;
            let (version, packet_bytes_max) = said.unwrap_or_default();
            Facts { dialect: Dialect::of_version(&version), packet_bytes_max }
        }
    };
    if let Some(sql) = set_up(&facts) {
        conn.query_drop(sql).await?;
    }
    Ok((conn, facts))
}
