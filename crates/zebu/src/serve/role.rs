//! A server under way as a task of this process, with the way to end it.

use std::future::Future;

use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};

/// A running server.
pub(super) struct Role {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Role {
    /// Starts a server: `serve` is given the future whose end asks it to stop.
    pub(super) fn start<F>(serve: impl FnOnce(Asked) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, asked) = oneshot::channel();
        Self { stop, task: tokio::spawn(serve(Asked(asked))) }
    }

    /// Waits for a server that ends without being asked, which none should.
    pub(super) async fn ended(&mut self) {
        // A panic has been printed by the runtime; here it is an end like any other.
        let _ = (&mut self.task).await;
    }

    /// What ends the server at once.
    pub(super) fn abort_handle(&self) -> AbortHandle {
        self.task.abort_handle()
    }

    /// Asks the server to stop, and waits until it has.
    pub(super) async fn stop(self) {
        // Nobody listens any more if it has ended already.
        let _ = self.stop.send(());
        if !self.task.is_finished() {
            let _ = self.task.await;
        }
    }
}

/// Ends when the server is asked to stop.
pub(super) struct Asked(oneshot::Receiver<()>);

impl Asked {
    pub(super) async fn wait(self) {
        // Whoever drops the other end wants the server gone too.
        let _ = self.0.await;
    }
}
