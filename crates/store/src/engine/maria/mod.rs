//! MariaDB and MySQL: one server with its connections, each lent for one transaction in one schema.
//!
//! The server's rows are locked by the statements that say so; how much a commit survives is its configuration's
//! business (`innodb_flush_log_at_trx_commit`, semi-synchronous replication). Nothing that is asked of a server waits
//! longer than a configured limit, whatever becomes of the server.

mod convert;
mod failure;
mod lease;
mod link;
mod migrating;
mod probe;
mod session;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mysql_async::{Conn, Opts, OptsBuilder};

use super::dialect::Dialect;
use super::gate::{Gate, Pass};
use super::pool::{Idle, Limits, Pool};
use super::{Begin, Target};
use crate::config::{Config, RequestComments};
use crate::error::{Error, Result};
use crate::meter;
use crate::statement::Statement;

pub(crate) use lease::Lease;
use link::Link;
pub(crate) use migrating::Migration;
pub(crate) use probe::{Named, Probe};
use session::{Facts, Session};
use wire::Wire;

/// How long a connection that nobody uses is kept.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Whether a URL names such a server.
pub(super) fn serves(url: &str) -> bool {
    url.starts_with("mysql://")
}

/// One server.
#[derive(Debug)]
pub(crate) struct Maria {
    opts: Opts,
    session: Session,
    comments: RequestComments,
    limits: Times,
    gate: Gate,
    pool: Pool<Link>,
    /// What the server said of itself when somebody last connected. Forgotten when it goes away: another may come back.
    facts: Mutex<Option<Facts>>,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
struct Times {
    wait: Duration,
    connect: Duration,
    statement: Duration,
}

impl Maria {
    pub(super) fn new(config: &Config, target: &Target) -> Result<Arc<Maria>> {
        let url = target.url.as_str();
        let opts = Opts::from_url(url)
            .map_err(|error| Error::Url { url: without_credentials(url), reason: error.to_string() })?;
        let mut opts = OptsBuilder::from_opts(opts).db_name(None::<String>);
        if let Some((login, password)) = &target.credentials {
            opts = opts.user(Some(login)).pass(Some(password));
        }
        Ok(Arc::new(Maria {
            opts: Opts::from(session::driver_options(opts)),
            session: Session::new(config),
            comments: config.request_comments,
            limits: Times {
                wait: Duration::from_millis(config.wait_ms_max),
                connect: Duration::from_millis(config.connect_ms_max),
                statement: Duration::from_millis(config.statement_ms_max),
            },
            gate: Gate::new(without_credentials(url)),
            pool: Pool::new(Limits::new(target.pool_max, target.pool_hard_limit, target.pool_initial)),
            facts: Mutex::default(),
        }))
    }

    pub(super) fn name(&self) -> &str {
        self.gate.server()
    }

    pub(super) fn mark_down(&self, reason: &str) {
        self.gate.close(reason);
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.close_idle();
    }

    pub(super) fn mark_up(&self) {
        self.gate.open();
    }

    pub(super) fn down(&self) -> Option<Arc<str>> {
        self.gate.closed()
    }

    /// Connections in use, and idle ones.
    pub(super) fn connections(&self) -> (usize, usize) {
        (self.pool.in_use(), self.pool.idle_count())
    }

    /// A connection for one transaction; waits its turn, but no longer than configured.
    pub(super) async fn lease(self: &Arc<Self>, schema: &str, begin: Begin) -> Result<Lease> {
        let pass = self.gate.pass()?;
        let turn = self.gate.while_open(&pass, self.pool.turn(self.limits.wait)).await?;
        let turn = turn.ok_or_else(|| self.busy())?;
        self.close_expired();
        while let Some(idle) = self.pool.take(schema, begin) {
            let schema = Arc::clone(&idle.schema);
            match self.revive(&pass, idle, begin).await? {
                Some(wire) => return Ok(Lease::new(self, pass, turn, wire, schema, begin, true)),
                // The others have rested at least as long.
                None => self.close_idle(),
            }
        }
        let schema: Arc<str> = schema.into();
        let wire = Wire::new(self.connect_to(&pass, &schema, begin).await?);
        Ok(Lease::new(self, pass, turn, wire, schema, begin, false))
    }

    /// An idle connection made ready for `begin`; `None` if it is not usable any more.
    async fn revive(&self, pass: &Pass, idle: Idle<Link>, begin: Begin) -> Result<Option<Wire>> {
        let kind = (idle.begin != begin).then(|| self.session.kind(self.dialect(), begin));
        let ready = idle.connection.ready(idle.since, kind);
        Ok(match self.gate.while_open(pass, tokio::time::timeout(self.limits.connect, ready)).await? {
            Ok(Ok(wire)) => Some(wire),
            Ok(Err(_)) | Err(_) => None,
        })
    }

    /// A new connection to a schema, room made for it.
    async fn connect_to(&self, pass: &Pass, schema: &str, begin: Begin) -> Result<Conn> {
        self.pool.make_room().into_iter().for_each(|idle| idle.connection.close());
        let work = self.connect(Some(schema), Some(begin));
        self.gate.while_open(pass, work).await?
    }

    /// A new connection, set up as a transaction's, or plain.
    async fn connect(&self, schema: Option<&str>, begin: Option<Begin>) -> Result<Conn> {
        let known = self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let work = session::connect(&self.opts, schema, known, |facts| {
            begin.map(|begin| self.session.set_up(facts.dialect, begin))
        });
        let (conn, facts) = self.in_time(self.limits.connect, "connect", work).await?;
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = Some(facts);
        Ok(conn)
    }

    /// What ends a transaction, with the id of its request.
    fn ending(&self, sql: &str) -> String {
        let commented = (self.comments != RequestComments::None).then(|| meter::commented(sql)).flatten();
        commented.unwrap_or_else(|| sql.to_owned())
    }

    /// A statement as it is asked.
    fn asked(&self, statement: Statement) -> Statement {
        if self.comments != RequestComments::Statements {
            return statement;
        }
        match meter::commented(&statement.sql) {
            Some(sql) => Statement { sql: sql.into(), ..statement },
            None => statement,
        }
    }

    /// Whose SQL it speaks, as far as anybody has asked.
    fn dialect(&self) -> Dialect {
        let facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        facts.as_ref().map_or(Dialect::MariaDb, |facts| facts.dialect)
    }

    fn close_expired(&self) {
        self.pool.expired(IDLE_MAX).into_iter().for_each(|idle| idle.connection.close());
    }

    /// Those that are idle are not used again.
    fn close_idle(&self) {
        self.pool.drain().into_iter().for_each(|idle| idle.connection.close());
    }

    /// Asks something, but not for longer than `limit`.
    async fn in_time<T>(
        &self,
        limit: Duration,
        sql: &str,
        work: impl Future<Output = mysql_async::Result<T>>,
    ) -> Result<T> {
        match tokio::time::timeout(limit, work).await {
            Ok(done) => done.map_err(|error| self.failure("", sql, &error)),
            Err(_) => Err(self.silent(limit)),
        }
    }

    fn busy(&self) -> Error {
        let waited_ms = u64::try_from(self.limits.wait.as_millis()).unwrap_or(u64::MAX);
        Error::Busy { database: self.name().to_owned(), waited_ms }
    }

    fn silent(&self, limit: Duration) -> Error {
        self.gate.unavailable(format!("no answer within {} ms", limit.as_millis()))
    }
}

/// The password in a URL.
pub(super) fn password_in(url: &str) -> Option<String> {
    Opts::from_url(url).ok()?.pass().map(str::to_owned)
}

/// The schema in a URL, and a URL without it.
pub(super) fn schema_in(url: &str) -> Result<String> {
    let bad = |reason: String| Error::Url { url: without_credentials(url), reason };
    let opts = Opts::from_url(url).map_err(|error| bad(error.to_string()))?;
    let schema = opts.db_name().filter(|name| !name.is_empty());
    schema.map(str::to_owned).ok_or_else(|| bad("it names no schema".to_owned()))
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
