//! The threads that serve connections, each with a runtime of its own.
//!
//! A connection stays on one thread from its first byte to its last, and so do, as a rule, the connections to members that it uses (`pool`):
//! nothing of a request is handed from one core to another, neither here nor in the kernel. One runtime with several threads shares its
//! tasks out anew all the time, which costs more than such small ones are worth. The price is that a thread helps no other: who has the
//! busiest connections is slower. `server` gives each new connection to the thread that has the fewest.

use std::io;
use std::net::TcpStream as StdStream;
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

use crate::client::Client;
use crate::connection;
use crate::tier::Tier;

/// One thread, for as long as this is kept.
struct Lane {
    handle: Handle,
    /// Connections that it has.
    connections: usize,
    _stop: oneshot::Sender<()>,
}

/// All of them.
pub(crate) struct Lanes(Vec<Lane>);

impl Lanes {
    /// So many threads; 0: as many as there are cores for this process.
    ///
    /// # Errors
    /// The system has no thread or no file descriptor left.
    pub(crate) fn start(threads: usize) -> io::Result<Self> {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let threads = if threads == 0 { cores() } else { threads };
        (0..threads).map(Lane::start).collect::<io::Result<_>>().map(Self)
    }

    /// The number of the one that has the fewest connections; it has one more now.
    pub(crate) fn enter(&mut self) -> usize {
        let fewest = self.0.iter_mut().enumerate().min_by_key(|(_, lane)| lane.connections);
        let Some((number, lane)) = fewest else { return 0 };
        lane.connections += 1;
        number
    }

    /// A connection has ended.
    pub(crate) fn leave(&mut self, number: usize) {
        if let Some(lane) = self.0.get_mut(number) {
            lane.connections = lane.connections.saturating_sub(1);
        }
    }

    /// Has a connection served by the thread of its client.
    pub(crate) fn serve(
        &self,
        tasks: &mut JoinSet<()>,
        tier: &Arc<Tier>,
        stream: StdStream,
        client: &Arc<Client>,
    ) -> Option<AbortHandle> {
        let lane = self.0.get(client.lane)?;
        let (tier, client) = (tier.clone(), client.clone());
        let serving = async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => connection::serve(tier, stream, client).await,
                Err(error) => tracing::warn!(cause = %error, "cannot serve a connection"),
            }
        };
        Some(tasks.spawn_on(serving, &lane.handle))
    }
}

impl Lane {
    fn start(number: usize) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = mpsc::sync_channel(1);
        // The runtime is made where it ends: it must not in another one.
        let run = move || {
            let built = Builder::new_current_thread().enable_all().build();
            let (runtime, handle) = match built {
                Ok(runtime) => {
                    let handle = runtime.handle().clone();
                    (Some(runtime), Ok(handle))
                }
                Err(error) => (None, Err(error)),
            };
            let _ = ready.send(handle);
            if let Some(runtime) = runtime {
                // Told, or left alone: both end it.
                let _ = runtime.block_on(stopped);
                runtime.shutdown_background();
            }
        };
        thread::Builder::new().name(format!("web-{number}")).spawn(run)?;
        let handle = is_ready.recv().map_err(|_| io::Error::other("a thread ended at once"))??;
        Ok(Self { handle, connections: 0, _stop: stop })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_goes_where_the_fewest_are() {
        let mut lanes = Lanes::start(3).unwrap();
        assert_eq!([lanes.enter(), lanes.enter(), lanes.enter(), lanes.enter()], [0, 1, 2, 0]);
        lanes.leave(2);
        assert_eq!(lanes.enter(), 2);
        assert_eq!([lanes.enter(), lanes.enter()], [1, 2]);
    }

    #[test]
    fn there_are_as_many_as_cores_unless_told_otherwise_and_they_end_with_it() {
        let lanes = Lanes::start(0).unwrap();
        assert_eq!(lanes.0.len(), thread::available_parallelism().unwrap().get());
        let (ended, has_ended) = mpsc::channel::<()>();
        lanes.0[0].handle.spawn(async move {
            std::future::pending::<()>().await;
            drop(ended);
        });
        drop(lanes);
        assert!(has_ended.recv().is_err(), "what it had was dropped");
    }
}
