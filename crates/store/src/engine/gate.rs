//! Whether a server may be asked at all. Whoever watches over the servers closes the gate of one that does not answer, and
//! everybody who waits for it is told so at once instead of waiting for a time limit.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::{Error, Result};

/// A server's gate.
#[derive(Debug)]
pub(super) struct Gate {
    server: String,
    state: Arc<watch::Sender<State>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// How often it was closed. Who came in before does not go on after it, even if it is open again.
    closings: u64,
    closed: bool,
    reason: Arc<str>,
}

/// Leave to ask the server, until its gate is closed. Only who has to wait registers for that: most who come in never do.
#[derive(Debug)]
pub(super) struct Pass {
    closings: u64,
    state: Arc<watch::Sender<State>>,
}

impl Gate {
    pub(super) fn new(server: String) -> Gate {
        Gate { server, state: Arc::default() }
    }

    /// What its server is called.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Lets somebody in, or says why not.
    pub(super) fn pass(&self) -> Result<Pass> {
        let closings = {
            let now = self.state.borrow();
            if now.closed {
                return Err(self.unavailable(&*now.reason));
            }
            now.closings
        };
        Ok(Pass { closings, state: Arc::clone(&self.state) })
    }

    /// Closes it: nobody comes in, and who is in is sent out.
    pub(super) fn close(&self, reason: &str) {
        self.state.send_modify(|state| {
            state.closings += 1;
            state.closed = true;
            state.reason = reason.into();
        });
    }

    /// Opens it again. No notice to anybody: those who were in are out.
    pub(super) fn open(&self) {
        self.state.send_modify(|state| state.closed = false);
    }

    /// Why it is closed, if it is.
    pub(super) fn closed(&self) -> Option<Arc<str>> {
        let state = self.state.borrow();
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
        self.state.borrow().closings != self.closings
    }

    /// Why the gate was closed since, if it was.
    pub(super) fn withdrawn_now(&self) -> Option<Arc<str>> {
        let state = self.state.borrow();
        (state.closings != self.closings).then(|| Arc::clone(&state.reason))
    }

    /// Completes with the reason when the gate is closed.
    pub(super) async fn withdrawn(&self) -> Arc<str> {
        let closings = self.closings;
        let mut changes = self.state.subscribe();
        match changes.wait_for(|state| state.closings != closings).await {
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
