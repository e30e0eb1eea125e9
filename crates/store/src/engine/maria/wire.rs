//! A connection with the statements prepared on it.
//!
//! The driver keeps prepared statements too, but takes every text apart for named parameters before it looks for them;
//! that cost as much as asking.

use std::borrow::Cow;
use std::collections::HashMap;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Statement as Prepared};

use super::convert;
use crate::error::Result;
use crate::statement::Statement;
use crate::value::Row;

/// Prepared statements kept a connection: more than there are hot statements.
const STATEMENTS_KEPT: usize = 128;

/// A connection of the pool.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) conn: Conn,
    /// With the number of the use that was last.
    prepared: HashMap<Cow<'static, str>, (Prepared, u64)>,
    uses: u64,
}

impl Wire {
    pub(super) fn new(conn: Conn) -> Wire {
        Wire { conn, prepared: HashMap::new(), uses: 0 }
    }

    /// Asks a query.
    pub(super) async fn query(&mut self, statement: Statement) -> mysql_async::Result<Result<Vec<Row>>> {
        let Statement { table, sql, args } = statement;
        let prepared = self.prepared(sql).await?;
        let mut answer = self.conn.exec_iter(prepared, convert::params(args)).await?;
        let mut rows = Vec::new();
        while let Some(row) = answer.next().await? {
            rows.push(convert::row(table, row));
        }
        answer.drop_result().await?;
        Ok(rows.into_iter().collect())
    }

    /// Asks a statement that changes something; answers how many rows it matched.
    pub(super) async fn execute(&mut self, statement: Statement) -> mysql_async::Result<u64> {
        let Statement { sql, args, .. } = statement;
        let prepared = self.prepared(sql).await?;
        self.conn.exec_drop(prepared, convert::params(args)).await?;
        Ok(self.conn.affected_rows())
    }

    /// A statement, prepared now if it is not. The one unused for longest makes room.
    async fn prepared(&mut self, sql: Cow<'static, str>) -> mysql_async::Result<Prepared> {
        self.uses += 1;
        if let Some((statement, last)) = self.prepared.get_mut(sql.as_ref()) {
            *last = self.uses;
            return Ok(statement.clone());
        }
        if self.prepared.len() >= STATEMENTS_KEPT {
            let oldest = self.prepared.iter().min_by_key(|(_, (_, last))| *last).map(|(sql, _)| sql.clone());
            let oldest = oldest.and_then(|sql| self.prepared.remove(&sql));
            if let Some((statement, _)) = oldest {
                self.conn.close(statement).await?;
            }
        }
        let statement = self.conn.prep(sql.as_ref()).await?;
        self.prepared.insert(sql, (statement.clone(), self.uses));
        Ok(statement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_statement_unused_for_longest_is_closed_on_the_server() {
        let server = zebu_mariadb::server();
        let mut wire = Wire::new(Conn::from_url(server.schema()).await.unwrap());
        let hot = || Cow::Borrowed("SELECT 1");
        let first = wire.prepared(hot()).await.unwrap().id();
        for n in 0..2 * STATEMENTS_KEPT {
            wire.prepared(Cow::Owned(format!("SELECT {n} + 1"))).await.unwrap();
            assert_eq!(wire.prepared(hot()).await.unwrap().id(), first, "round {n}");
        }
        let counted = server.sql("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'");
        let counted: usize = counted.split_whitespace().last().unwrap().parse().unwrap();
        assert!(counted <= STATEMENTS_KEPT, "{counted}");
    }
}
