//! Whether a server may be asked at all. Whoever watches over the servers closes the gate of one that does not answer, and
//! everybody who waits for it is told so at once instead of waiting for a time limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::error::{Error, Result};

/// A server's gate.
#[derive(Debug)]
pub(super) struct Gate {
    server: String,
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// How often it was closed. Who came in before does not go on after it, even if it is open again. Beside the rest, since
    /// every statement looks at it.
    closings: AtomicU64,
    state: watch::Sender<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    closed: bool,
    reason: Arc<str>,
}

/// Leave to ask the server, until its gate is closed. Only who has to wait registers for that: most who come in never do.
#[derive(Debug)]
pub(super) struct Pass {
    closings: u64,
    inner: Arc<Inner>,
}

impl Gate {
    pub(super) fn new(server: String) -> Gate {
        Gate { server, inner: Arc::default() }
    }

    /// What its server is called.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Lets somebody in, or says why not.
    pub(super) fn pass(&self) -> Result<Pass> {
        let closings = {
            // Held until the number is read: nobody closes it between.
            let now = self.inner.state.borrow();
            if now.closed {
                return Err(self.unavailable(&*now.reason));
            }
            self.inner.closings.load(Ordering::Acquire)
        };
        Ok(Pass { closings, inner: Arc::clone(&self.inner) })
    }

    /// Closes it: nobody comes in, and who is in is sent out.
    pub(super) fn close(&self, reason: &str) {
        self.inner.state.send_modify(|state| {
            self.inner.closings.fetch_add(1, Ordering::Release);
            state.closed = true;
            state.reason = reason.into();
        });
    }

    /// Opens it again. No notice to anybody: those who were in are out.
    pub(super) fn open(&self) {
        self.inner.state.send_modify(|state| state.closed = false);
    }

    /// Why it is closed, if it is.
    pub(super) fn closed(&self) -> Option<Arc<str>> {
        let state = self.inner.state.borrow();
        state.closed.then(|| Arc::clone(&state.reason))
    }

    /// An error of this server.
    pub(super) fn unavailable(&self, reason: impl Into<String>) -> Error {
        Error::Unavailable { database: self.server.clone(), reason: reason.into() }
    }

    /// Does `work`, unless the gate is closed first. What is done at once, or when the gate closes, is done.
    pub(super) async fn while_open<T>(&self, pass: &Pass, work: impl Future<Output = T>) -> Result<T> {
        if let Some(reason) = pass.withdrawn_now() {
            return Err(self.unavailable(&*reason));
        }
        tokio::select! {
            biased;
            done = work => Ok(done),
            reason = pass.withdrawn() => Err(self.unavailable(&*reason)),
        }
    }
}

impl Pass {
    /// Whether the gate was closed since.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.inner.closings.load(Ordering::Acquire) != self.closings
    }

    /// Why the gate was closed since, if it was.
    pub(super) fn withdrawn_now(&self) -> Option<Arc<str>> {
        // The reason stands once whoever closed it is done.
        self.is_withdrawn().then(|| Arc::clone(&self.inner.state.borrow().reason))
    }

    /// Completes with the reason when the gate is closed.
    pub(super) async fn withdrawn(&self) -> Arc<str> {
        let mut changes = self.inner.state.subscribe();
        match changes.wait_for(|_| self.is_withdrawn()).await {
            Ok(state) => Arc::clone(&state.reason),
            // Only without a gate, and this holds it.
            Err(_) => Arc::from("it was unregistered"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_was_in_when_it_closed_is_out_even_after_it_opened_again() {
        let gate = Gate::new("db".to_owned());
        let pass = gate.pass().unwrap();
        assert!(gate.while_open(&pass, async {}).await.is_ok());
        gate.close("it does not answer");
        let refused = gate.pass().unwrap_err().to_string();
        assert_eq!(refused, "db is not available: it does not answer");
        gate.open();
        assert!(pass.is_withdrawn());
        assert!(gate.while_open(&pass, std::future::pending::<()>()).await.is_err());
        let again = gate.pass().unwrap();
        assert!(gate.while_open(&again, async {}).await.is_ok());
    }
}
