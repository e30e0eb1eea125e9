//! A connection between two transactions, and the ways to end one without waiting for anybody.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::session;
use crate::engine::Begin;

/// A connection that rested for longer is asked whether it is still there before it is lent.
const TRUSTED_MAX: Duration = Duration::from_secs(5);

/// A connection that nobody uses.
pub(super) enum Link {
    /// Outside transactions.
    Clean(Conn),
    /// Its transaction is being rolled back: the command is sent, the answer is read by whoever uses it next. If that
    /// never happens or fails, it is closed, which rolls back too.
    Ending(Pin<Box<dyn Future<Output = mysql_async::Result<Conn>> + Send>>),
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    /// A connection whose transaction is to be undone.
    pub(super) fn ending(mut conn: Conn) -> Link {
        let mut rollback: Pin<Box<dyn Future<Output = mysql_async::Result<Conn>> + Send>> =
            Box::pin(async move {
                conn.query_drop("ROLLBACK").await?;
                Ok(conn)
            });
        // Polled once, it sends; locks are gone as soon as the server reads it.
        match poll_once(&mut rollback) {
            Poll::Ready(Ok(conn)) => Link::Clean(conn),
            Poll::Ready(Err(error)) => Link::Ending(Box::pin(async move { Err(error) })),
            Poll::Pending => Link::Ending(rollback),
        }
    }

    /// Ready for a transaction; `used_for`: what it has to be set up for anew.
    pub(super) async fn ready(self, since: Instant, used_for: Option<Begin>) -> mysql_async::Result<Conn> {
        let mut conn = match self {
            Link::Clean(conn) => conn,
            Link::Ending(rollback) => rollback.await?,
        };
        if let Some(begin) = used_for {
            // An answer shows that it is still there.
            conn.query_drop(session::kind(begin)).await?;
        } else if since.elapsed() > TRUSTED_MAX {
            conn.ping().await?;
        }
        Ok(conn)
    }

    /// Closes it, saying so to the server if it listens.
    pub(super) fn close(self) {
        match self {
            // Its socket goes with the future, whether the server takes the word or not.
            Link::Clean(conn) => drop(poll_once(&mut Box::pin(conn.disconnect()))),
            Link::Ending(rollback) => drop(rollback),
        }
    }
}

/// Closes a connection in an unknown state at once: dropped as it is, the driver would wait for its server.
pub(super) fn abandon(mut conn: Conn) {
    // In the middle of something the driver closes the socket instead.
    let _ = poll_once(&mut conn.ping());
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
