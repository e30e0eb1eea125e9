//! A connection between two transactions, and the ways to end one without waiting for anybody.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::wire::Wire;

/// A connection that rested for longer is asked whether it is still there before it is lent.
const TRUSTED_MAX: Duration = Duration::from_secs(5);

/// A connection that nobody uses.
pub(super) enum Link {
    /// Outside transactions.
    Clean(Wire),
    /// Its transaction is being rolled back: the command is sent, the answer is read by whoever uses it next. If that
    /// never happens or fails, it is closed, which rolls back too.
    Ending(Pin<Box<dyn Future<Output = mysql_async::Result<Wire>> + Send>>),
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    /// A connection whose transaction is to be undone, by this statement.
    pub(super) fn ending(mut wire: Wire, rollback: String) -> Link {
        let mut rollback: Pin<Box<dyn Future<Output = mysql_async::Result<Wire>> + Send>> =
            Box::pin(async move {
                wire.conn.query_drop(rollback).await?;
                Ok(wire)
            });
        // Polled once, it sends; locks are gone as soon as the server reads it.
        match poll_once(&mut rollback) {
            Poll::Ready(Ok(wire)) => Link::Clean(wire),
            Poll::Ready(Err(error)) => Link::Ending(Box::pin(async move { Err(error) })),
            Poll::Pending => Link::Ending(rollback),
        }
    }

    /// Ready for a transaction; `kind`: what its session has to be told if it served another kind before.
    pub(super) async fn ready(self, since: Instant, kind: Option<String>) -> mysql_async::Result<Wire> {
        let mut wire = match self {
            Link::Clean(wire) => wire,
            Link::Ending(rollback) => rollback.await?,
        };
        if let Some(kind) = kind {
            // An answer shows that it is still there.
            wire.conn.query_drop(kind).await?;
        } else if since.elapsed() > TRUSTED_MAX {
            wire.conn.ping().await?;
        }
        Ok(wire)
    }

    /// Closes it, saying so to the server if it listens.
    pub(super) fn close(self) {
        match self {
            Link::Clean(wire) => close(wire.conn),
            Link::Ending(rollback) => drop(rollback),
        }
    }
}

/// Closes a connection in a known state, saying so to the server if it listens.
pub(super) fn close(conn: Conn) {
    // Its socket goes with the future, whether the server takes the word or not.
    let _ = poll_once(&mut Box::pin(conn.disconnect()));
}

/// Closes a connection in an unknown state at once: dropped as it is, the driver would wait for its server.
pub(super) fn abandon(mut conn: Conn) {
    // In the middle of something the driver closes the socket instead.
    let _ = poll_once(&mut conn.ping());
}

/// Lets a future do what it can do at once. Not bound by what its task may do in a turn: what it sends is not to wait.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let mut unbound = tokio::task::unconstrained(future);
    Pin::new(&mut unbound).poll(&mut Context::from_waker(Waker::noop()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_rested_long_is_asked_whether_it_is_there() {
        let server = zebu_mariadb::server();
        let url = server.schema();
        let long_ago = Instant::now().checked_sub(TRUSTED_MAX * 2).unwrap();
        let connect = async || Wire::new(Conn::from_url(&url).await.unwrap());
        let wire = Link::Clean(connect().await).ready(long_ago, None).await.unwrap();
        server.sql(&format!("KILL {}", wire.conn.id()));
        assert!(Link::Clean(wire).ready(long_ago, None).await.is_err());
        // Who has just been used is believed, and a change of its kind is an answer too.
        let wire = connect().await;
        server.sql(&format!("KILL {}", wire.conn.id()));
        let wire = Link::Clean(wire).ready(Instant::now(), None).await.unwrap();
        assert!(Link::Clean(wire).ready(Instant::now(), Some("SELECT 1".to_owned())).await.is_err());
    }
}
