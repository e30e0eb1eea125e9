//! A connection of its own for whoever watches over a server: outside the limits, so that a full pool does not blind it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::Maria;
use super::link;
use crate::error::Result;

/// One row of an answer: the names of its columns, in lower case, with their values as text. NULL is left out.
pub(crate) type Named = BTreeMap<String, String>;

/// A connection to watch a server by. After an error it is not used again.
#[derive(Debug)]
pub(crate) struct Probe {
    server: Arc<Maria>,
    conn: Option<Conn>,
    wait: Duration,
}

impl Maria {
    /// Connects without a schema, past the pool and past [`Maria::mark_down`]. `wait`: for this, and for each answer.
    pub(in crate::engine) async fn probe(self: &Arc<Self>, wait: Duration) -> Result<Probe> {
        self.close_expired();
        match tokio::time::timeout(wait, self.connect(None, None)).await {
            Ok(conn) => Ok(Probe { server: Arc::clone(self), conn: Some(conn?), wait }),
            Err(_) => Err(self.silent(wait)),
        }
    }
}

impl Probe {
    /// Asks something that has no arguments, `SHOW REPLICA STATUS` for example.
    pub(crate) async fn ask(&mut self, sql: &str) -> Result<Vec<Named>> {
        let lost = || self.server.gate.unavailable("the connection was lost");
        // Taken, so that it is gone if the answer does not come.
        let mut conn = self.conn.take().ok_or_else(lost)?;
        let rows = tokio::time::timeout(self.wait, conn.query::<mysql_async::Row, _>(sql)).await;
        let Ok(rows) = rows else {
            link::abandon(conn);
            return Err(self.server.silent(self.wait));
        };
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => {
                let failure = self.server.failure("", sql, &error);
                // What the server refuses does not break the connection.
                if matches!(error, mysql_async::Error::Server(_)) {
                    self.conn = Some(conn);
                } else {
                    link::abandon(conn);
                }
                return Err(failure);
            }
        };
        self.conn = Some(conn);
        Ok(rows.into_iter().map(named).collect())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            link::close(conn);
        }
    }
}

fn named(row: mysql_async::Row) -> Named {
    let columns = row.columns();
    let values = row.unwrap();
    columns
        .iter()
        .zip(values)
        .filter_map(|(column, value)| {
            let value = mysql_async::from_value_opt::<Option<String>>(value).ok().flatten()?;
            Some((column.name_str().to_lowercase(), value))
        })
        .collect()
}
