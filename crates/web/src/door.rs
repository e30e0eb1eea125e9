//! Where connections of a listener come in. That of AJP13 is closed while its node drains, and opened again if it drains no more.
//!
//! Apache without `ping` has no ear for a node that drains: it goes elsewhere only when a connection is refused, with a request of
//! which nothing was sent. Then it leaves the node alone for its `retry`, after the node listens again too.
//!
//! Called by `server`. It must never lose a connection that the kernel has taken.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::vec;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// Connections that wait in the kernel's queue; the system may have a lower limit of its own.
const BACKLOG: u32 = 1_024;

/// Between two tries to listen again.
const REOPEN_PAUSE: Duration = Duration::from_millis(100);

/// A connection, and who is at its other end.
pub(crate) type Came = (TcpStream, SocketAddr);

/// Where connections come in.
#[derive(Debug)]
pub(crate) struct Door {
    /// None while it is closed.
    listener: Option<TcpListener>,
    /// Keeps the port while it is closed, so that nobody else gets it. Who is bound and does not listen refuses.
    bound: Option<TcpSocket>,
    /// Who was connected when it closed and is not let in yet.
    waiting: vec::IntoIter<Came>,
    address: SocketAddr,
    bolt: Arc<Bolt>,
    closed: watch::Receiver<bool>,
}

/// What closes a door.
#[derive(Debug)]
pub(crate) struct Bolt {
    closed: watch::Sender<bool>,
    opened: Mutex<Instant>,
    /// For how long web servers leave alone whoever refused them.
    left_alone: Duration,
}

impl Bolt {
    pub(crate) fn close(&self, closes: bool) {
        self.closed.send_if_modified(|closed| std::mem::replace(closed, closes) != closes);
    }

    /// Whether a web server that was refused may still not have come back.
    pub(crate) fn is_left_alone(&self) -> bool {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < self.left_alone
    }

    fn opens(&self) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Door {
    /// Listens.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub(crate) fn open(at: SocketAddr, left_alone: Duration) -> io::Result<Self> {
        let listener = bound(at)?.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let (closes, closed) = watch::channel(false);
        let bolt = Arc::new(Bolt { closed: closes, opened: Mutex::new(Instant::now()), left_alone });
        let waiting = Vec::new().into_iter();
        Ok(Self { listener: Some(listener), bound: None, waiting, address, bolt, closed })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn bolt(&self) -> Arc<Bolt> {
        Arc::clone(&self.bolt)
    }

    /// The next connection. While the door is closed it waits for its opening. May be broken off.
    ///
    /// # Errors
    /// The system refuses to accept: it will at once do so again.
    pub(crate) async fn accept(&mut self) -> io::Result<Came> {
        loop {
            if let Some(came) = self.waiting.next() {
                return Ok(came);
            }
            let is_closed = *self.closed.borrow_and_update();
            match &self.listener {
                Some(_) if is_closed => self.close(),
                Some(listener) => tokio::select! {
                    came = listener.accept() => return came,
                    Ok(()) = self.closed.changed() => {}
                },
                // Its bolt is there as long as it is.
                None if is_closed => drop(self.closed.changed().await),
                None => {
                    if let Err(error) = self.listen_again() {
                        tracing::warn!(address = %self.address, %error, "cannot listen again yet");
                        sleep(REOPEN_PAUSE).await;
                    }
                }
            }
        }
    }

    /// Closes it for good; answers who was connected and not let in.
    pub(crate) fn end(self) -> impl Iterator<Item = Came> {
        self.waiting.chain(self.listener.map(queued).unwrap_or_default())
    }

    fn close(&mut self) {
        let Some(listener) = self.listener.take() else { return };
        self.waiting = queued(listener).into_iter();
        // If that fails the port is without an owner until it is bound again.
        self.bound = bound(self.address).ok();
        tracing::info!(address = %self.address, "not listening while the node drains");
    }

    fn listen_again(&mut self) -> io::Result<()> {
        let socket = self.bound.take().map_or_else(|| bound(self.address), Ok)?;
        self.listener = Some(socket.listen(BACKLOG)?);
        self.bolt.opens();
        tracing::info!(address = %self.address, "listening again");
        Ok(())
    }
}

/// A socket that has this address and does not listen yet.
fn bound(at: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if at.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections that were made at this address before may still be there.
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    Ok(socket)
}

/// Closes a listener; answers who waits in the kernel's queue, because they believe to be connected. The kernel is asked: the runtime
/// may not have heard of those that came last.
fn queued(listener: TcpListener) -> Vec<Came> {
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    let next = || {
        let (stream, peer) = listener.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    };
    std::iter::from_fn(next).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream as Client;

    use futures_util::FutureExt;

    use super::*;

    fn local() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    fn is_refused(address: SocketAddr) -> bool {
        Client::connect(address).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    }

    fn connected<const N: usize>(address: SocketAddr) -> ([Client; N], [SocketAddr; N]) {
        let clients = std::array::from_fn(|_| Client::connect(address).unwrap());
        let own = std::array::from_fn(|at: usize| clients[at].local_addr().unwrap());
        (clients, own)
    }

    #[tokio::test]
    async fn who_came_before_it_closed_is_let_in_and_after_that_nobody_until_it_opens() {
        let mut door = Door::open(local(), Duration::ZERO).unwrap();
        let (address, bolt) = (door.address(), door.bolt());
        let (_clients, expected) = connected::<3>(address);
        bolt.close(true);
        for expected in expected {
            let (_, peer) = door.accept().await.unwrap();
            assert_eq!(peer, expected);
        }
        assert!(door.accept().now_or_never().is_none());
        assert!(is_refused(address));
        assert!(std::net::TcpListener::bind(address).is_ok(), "a successor is not kept out");
        bolt.close(false);
        assert!(door.accept().now_or_never().is_none());
        let (_client, [expected]) = connected::<1>(address);
        assert_eq!(door.accept().await.unwrap().1, expected);
    }

    #[tokio::test]
    async fn it_opens_as_soon_as_it_can() {
        let mut door = Door::open(local(), Duration::ZERO).unwrap();
        let (address, bolt) = (door.address(), door.bolt());
        bolt.close(true);
        assert!(door.accept().now_or_never().is_none());
        let other = std::net::TcpListener::bind(address).unwrap();
        bolt.close(false);
        assert!(door.accept().now_or_never().is_none());
        drop(other);
        tokio::join!(async { drop(door.accept().await.unwrap()) }, async {
            while TcpStream::connect(address).await.is_err() {
                tokio::task::yield_now().await;
            }
        });
    }

    #[tokio::test]
    async fn who_is_connected_when_it_ends_is_taken_along_open_or_closed() {
        for closes in [false, true] {
            let mut door = Door::open(local(), Duration::ZERO).unwrap();
            let address = door.address();
            let (_clients, mut expected) = connected::<3>(address);
            if closes {
                door.bolt().close(true);
                assert_eq!(door.accept().await.unwrap().1, expected[0]);
                expected = [expected[1], expected[2], expected[2]];
            }
            let found: Vec<SocketAddr> = door.end().map(|(_, peer)| peer).collect();
            assert_eq!(found, expected[..if closes { 2 } else { 3 }]);
            assert!(is_refused(address), "nobody listens any more");
        }
    }

    #[tokio::test]
    async fn it_is_left_alone_for_a_while_from_each_time_that_it_opens() {
        let never = Door::open(local(), Duration::ZERO).unwrap();
        assert!(!never.bolt().is_left_alone());
        let mut door = Door::open(local(), Duration::from_secs(3_600)).unwrap();
        let bolt = door.bolt();
        assert!(bolt.is_left_alone());
        let opened = || *bolt.opened.lock().unwrap();
        let first = opened();
        for closes in [true, false] {
            bolt.close(closes);
            assert!(door.accept().now_or_never().is_none());
        }
        assert!(opened() > first);
    }
}
