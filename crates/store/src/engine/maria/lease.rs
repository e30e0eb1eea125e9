//! A connection on loan for one transaction, and its statements.

use std::sync::Arc;
use std::time::Instant;

use mysql_async::prelude::Queryable;
use tokio::sync::OwnedSemaphorePermit;

use super::link::{self, Link};
use super::wire::Wire;
use super::{Begin, Maria};
use crate::engine::gate::Pass;
use crate::engine::pool::Idle;
use crate::error::{Error, Result};
use crate::meter;
use crate::statement::Statement;
use crate::value::Row;

/// What is to be answered.
#[derive(Clone, Copy, Debug)]
enum Want {
    Rows,
    Count,
}

/// What was.
#[derive(Debug)]
enum Answer {
    Rows(Result<Vec<Row>>),
    Count(u64),
}

/// A connection on loan. Dropped, its transaction is rolled back and it goes back to its server's pool; in an unknown state
/// it is closed.
#[derive(Debug)]
pub(crate) struct Lease {
    server: Arc<Maria>,
    pass: Pass,
    schema: Arc<str>,
    begin: Begin,
    wire: Option<Wire>,
    /// It served others before: the server may have closed it meanwhile.
    reused: bool,
    /// Something was asked: a transaction may be open.
    begun: bool,
    /// Something is being asked and the answer is not complete.
    asking: bool,
    _turn: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn new(
        server: &Arc<Maria>,
        pass: Pass,
        turn: OwnedSemaphorePermit,
        wire: Wire,
        schema: Arc<str>,
        begin: Begin,
        reused: bool,
    ) -> Lease {
        let server = Arc::clone(server);
        let wire = Some(wire);
        Lease { server, pass, schema, begin, wire, reused, begun: false, asking: false, _turn: turn }
    }

    pub(in crate::engine) fn database(&self) -> String {
        format!("{}/{}", self.server.name(), self.schema)
    }

    pub(in crate::engine) async fn query(&mut self, statement: Statement) -> Result<Vec<Row>> {
        match self.ask(statement, Want::Rows).await? {
            Answer::Rows(rows) => rows,
            Answer::Count(_) => Ok(Vec::new()),
        }
    }

    pub(in crate::engine) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        match self.ask(statement, Want::Count).await? {
            Answer::Count(count) => Ok(count),
            Answer::Rows(_) => Ok(0),
        }
    }

    /// Asks one statement. The first one of a connection that was used before is asked again on a new connection if the
    /// server had closed that one: without a commit, nothing of the first attempt can have stayed.
    async fn ask(&mut self, statement: Statement, want: Want) -> Result<Answer> {
        let begun = meter::begin();
        let again = (self.reused && !self.begun).then(|| statement.clone());
        let (table, sql) = (statement.table, statement.sql.clone());
        let mut done = self.once(statement, want).await;
        if let (Some(statement), Ok(Err(error))) = (again, &done)
            && !matches!(error, mysql_async::Error::Server(server) if !is_farewell(server.code))
        {
            self.reconnect().await?;
            done = self.once(statement, want).await;
        }
        begun.statement();
        done?.map_err(|error| self.server.failure(table, &sql, &error))
    }

    /// The outer error: nobody knows what became of it.
    async fn once(&mut self, statement: Statement, want: Want) -> Result<mysql_async::Result<Answer>> {
        let server = &self.server;
        let limit = server.limits.statement;
        let statement = server.asked(statement);
        let Some(wire) = self.wire.as_mut().filter(|_| !self.asking) else {
            return Err(server.gate.unavailable("the connection was lost earlier in the transaction"));
        };
        self.begun = true;
        self.asking = true;
        let work = async {
            match want {
                Want::Rows => wire.query(statement).await.map(Answer::Rows),
                Want::Count => wire.execute(statement).await.map(Answer::Count),
            }
        };
        let work = tokio::time::timeout(limit, work);
        let done = server.gate.while_open(&self.pass, work).await?;
        let done = done.map_err(|_| server.silent(limit))?;
        self.asking = !is_complete(&done);
        Ok(done)
    }

    async fn reconnect(&mut self) -> Result<()> {
        if let Some(wire) = self.wire.take() {
            link::abandon(wire.conn);
        }
        // Whatever closed this one will have closed the others.
        self.server.close_idle();
        let conn = self.server.connect_to(&self.pass, &self.schema, self.begin).await?;
        self.wire = Some(Wire::new(conn));
        (self.reused, self.begun, self.asking) = (false, false, false);
        Ok(())
    }

    /// Commits. [`Error::InDoubt`] if the answer was lost.
    pub(in crate::engine) async fn commit(mut self) -> Result<()> {
        if !self.begun {
            return Ok(());
        }
        let begun = meter::begin();
        let server = Arc::clone(&self.server);
        let limit = server.limits.statement;
        let Some(wire) = self.wire.as_mut().filter(|_| !self.asking) else {
            return Err(server.gate.unavailable("the connection was lost before the end of the transaction"));
        };
        if self.pass.is_withdrawn() {
            let reason = self.pass.withdrawn().await;
            return Err(server.gate.unavailable(&*reason));
        }
        self.asking = true;
        let work = tokio::time::timeout(limit, wire.conn.query_drop(server.ending("COMMIT")));
        let done = match server.gate.while_open(&self.pass, work).await {
            Ok(Ok(done)) => {
                self.asking = !is_complete(&done);
                done.map_err(|error| server.commit_failure(&error))
            }
            Ok(Err(_)) => Err(server.in_doubt(format!("no answer within {} ms", limit.as_millis()))),
            Err(Error::Unavailable { reason, .. }) => Err(server.in_doubt(reason)),
            Err(other) => Err(other),
        };
        self.begun = done.is_err();
        if self.begin == Begin::Write {
            begun.commit();
        }
        done
    }
}

/// Whether the server's answer is whole, so that the connection can be asked something else.
fn is_complete<T>(done: &mysql_async::Result<T>) -> bool {
    match done {
        Ok(_) => true,
        Err(mysql_async::Error::Server(server)) => !is_farewell(server.code),
        Err(_) => false,
    }
}

/// Errors after which the server closes the connection: it is shutting down, or the connection was killed or idle too long.
fn is_farewell(code: u16) -> bool {
    [1053, 1927, 4031].contains(&code)
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(wire) = self.wire.take() else { return };
        if self.asking || self.pass.is_withdrawn() {
            return link::abandon(wire.conn);
        }
        let connection =
            if self.begun { Link::ending(wire, self.server.ending("ROLLBACK")) } else { Link::Clean(wire) };
        let schema = Arc::clone(&self.schema);
        let idle = Idle { schema, begin: self.begin, since: Instant::now(), connection };
        if let Some(one_too_many) = self.server.pool.put(idle) {
            one_too_many.connection.close();
        }
    }
}
