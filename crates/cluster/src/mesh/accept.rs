//! Connections that come in: each gets its time to say who it is. Above a number of those that have not, the oldest is closed, so that
//! somebody who only connects keeps nobody out.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::handshake::{self, Came, Failure};
use super::network::{Listener, Stream};
use super::shared::Shared;
use super::watchers::WATCHERS_MAX;

/// After an error of the system, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Lets in whoever may, until aborted.
pub(super) async fn accept(shared: Arc<Shared>, mut listener: Box<dyn Listener>) {
    let mut shaking = Shaking(VecDeque::new());
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let task = tokio::spawn(one(Arc::clone(&shared), stream, from));
                shaking.push(task.abort_handle(), shared.settings.limits.handshakes_max);
            }
            Err(error) => {
                shared.complaints.say("listener", "accept", &format!("cannot take a connection: {error}"));
                sleep(PAUSE).await;
            }
        }
    }
}

async fn one(shared: Arc<Shared>, stream: Stream, from: SocketAddr) {
    let limit = shared.settings.limits.handshake;
    let met = timeout(limit, handshake::accept(&shared.peers, &shared.security, stream, from)).await;
    let failure = match met {
        Ok(Ok(Came::Member(met))) => {
            shared.live(met);
            return;
        }
        Ok(Ok(Came::Watcher(stream))) => {
            if !shared.watchers.admit(stream, &shared.settings.limits) {
                let sentence = format!("{WATCHERS_MAX} watch this node already");
                shared.complaints.say(&from.ip().to_string(), "watchers", &sentence);
            }
            return;
        }
        Ok(Err(failure)) => failure,
        Err(_) => Failure::Other(
            None,
            "slow",
            format!("it connected and did not say who it is within {} ms", limit.as_millis()),
        ),
    };
    // Its port is another each time.
    shared.complain(|| from.ip().to_string(), &failure);
}

/// Connections that have not said who they are, the oldest first. Dropped, they are closed.
struct Shaking(VecDeque<AbortHandle>);

impl Shaking {
    fn push(&mut self, task: AbortHandle, max: usize) {
        self.0.retain(|task| !task.is_finished());
        while self.0.len() >= max.max(1) {
            self.0.pop_front().iter().for_each(AbortHandle::abort);
        }
        self.0.push_back(task);
    }
}

impl Drop for Shaking {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}
