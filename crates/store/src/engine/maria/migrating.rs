//! Schemas and their definitions: made by one process at a time, whatever the others do meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use tokio::sync::OwnedSemaphorePermit;

use super::convert;
use super::link;
use super::{Begin, Maria};
use crate::engine::dialect::Dialect;
use crate::error::Result;
use crate::statement::Statement;
use crate::value::Row;

/// How long a node waits for another that migrates the same schema.
const OTHERS_MAX: Duration = Duration::from_secs(600);
/// Between two looks whether a server that works on a long definition still answers others.
const LOOK: Duration = Duration::from_secs(5);
const TABLE_EXISTS: u16 = 1050;
const COLUMN_EXISTS: u16 = 1060;
const INDEX_EXISTS: u16 = 1061;

/// A connection that holds the server's lock on a schema's definitions. The lock goes with the connection, and that is closed
/// however the migration ends.
#[derive(Debug)]
pub(crate) struct Migration {
    server: Arc<Maria>,
    conn: Option<Conn>,
    dialect: Dialect,
    _turn: OwnedSemaphorePermit,
}

impl Maria {
    /// Makes a schema if it is not there.
    pub(in crate::engine) async fn create(&self, schema: &str) -> Result<()> {
        let mut conn = self.connect(None, None).await?;
        let sql = format!("CREATE DATABASE IF NOT EXISTS `{}`", schema.replace('`', "``"));
        let done = self.in_time(self.limits.statement, &sql, conn.query_drop(&sql)).await;
        link::abandon(conn);
        done
    }

    pub(in crate::engine) async fn lease_to_migrate(self: &Arc<Self>, schema: &str) -> Result<Migration> {
        let pass = self.gate.pass()?;
        let turn = self.gate.while_open(&pass, self.pool.turn(self.limits.wait)).await?;
        let turn = turn.ok_or_else(|| self.busy())?;
        let mut conn = self.connect_to(&pass, schema, Begin::Write).await?;
        let dialect = self.dialect();
        // A definition takes as long as the table is large; and nobody waits for its rows.
        let unlimited = format!("SET SESSION {}, {}", dialect.statement_limit(0), dialect.idle_limit(None));
        self.in_time(self.limits.connect, &unlimited, conn.query_drop(&unlimited)).await?;
        // Named after the schema: locks of a server are known to all its schemas. Its length is limited to 64.
        let lock: String = format!("zebu migrates {schema}").chars().take(64).collect();
        let begun = Instant::now();
        loop {
            let sql = "SELECT GET_LOCK(?, 1)";
            let work = conn.exec_first::<Option<i64>, _, _>(sql, (&lock,));
            match self.in_time(self.limits.statement.max(LOOK), sql, work).await? {
                Some(Some(1)) => break,
                _ if begun.elapsed() > OTHERS_MAX => return Err(self.busy()),
                _ => {}
            }
        }
        Ok(Migration { server: Arc::clone(self), conn: Some(conn), dialect, _turn: turn })
    }

    /// Does work that may take long, as long as the server answers others.
    async fn while_it_answers<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let mut work = std::pin::pin!(work);
        loop {
            if let Ok(done) = tokio::time::timeout(LOOK, work.as_mut()).await {
                return Ok(done);
            }
            let other = self.connect(None, None).await?;
            link::close(other);
        }
    }
}

impl Migration {
    pub(in crate::engine) fn dialect(&self) -> Dialect {
        self.dialect
    }

    async fn ask<T>(
        &mut self,
        table: &'static str,
        sql: &str,
        ask: impl AsyncFnOnce(&mut Conn) -> mysql_async::Result<T>,
        accepted: impl Fn(&mysql_async::Error) -> Option<T>,
    ) -> Result<T> {
        let server = Arc::clone(&self.server);
        // Taken, so that it is gone if the answer does not come.
        let lost = || server.gate.unavailable("the connection was lost");
        let mut conn = self.conn.take().ok_or_else(lost)?;
        let done = server.while_it_answers(ask(&mut conn)).await;
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                link::abandon(conn);
                return Err(error);
            }
        };
        self.conn = Some(conn);
        done.or_else(|error| accepted(&error).ok_or_else(|| server.failure(table, sql, &error)))
    }

    pub(in crate::engine) async fn query(&mut self, statement: Statement) -> Result<Vec<Row>> {
        let Statement { table, sql, args } = statement;
        let ask = async |conn: &mut Conn| {
            conn.exec::<mysql_async::Row, _, _>(sql.as_ref(), convert::params(args)).await
        };
        let rows = self.ask(table, &sql, ask, |_| None).await?;
        rows.into_iter().map(|row| convert::row(table, row)).collect()
    }

    pub(in crate::engine) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        let Statement { table, sql, args } = statement;
        let ask = async |conn: &mut Conn| {
            conn.exec_drop(sql.as_ref(), convert::params(args)).await?;
            Ok(conn.affected_rows())
        };
        self.ask(table, &sql, ask, |_| None).await
    }

    /// Runs a definition. Definitions commit one by one here, so a migration that was cut off is run again from its
    /// beginning: what is there already is no error.
    pub(in crate::engine) async fn define(&mut self, sql: String) -> Result<()> {
        let there = |error: &mysql_async::Error| match error {
            mysql_async::Error::Server(e)
                if [TABLE_EXISTS, INDEX_EXISTS, COLUMN_EXISTS].contains(&e.code) =>
            {
                Some(())
            }
            _ => None,
        };
        self.ask("", &sql, async |conn: &mut Conn| conn.query_drop(&sql).await, there).await
    }

    pub(in crate::engine) async fn commit(mut self) -> Result<()> {
        self.define("COMMIT".to_owned()).await
    }
}

impl Drop for Migration {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            link::close(conn);
        }
    }
}
