//! Sockets as the mesh needs them, behind a trait: TCP in production, a simulated network in tests. IPv4 and IPv6.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// A stream of bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// Some stream of bytes.
pub type Stream = Box<dyn Duplex>;

/// What a network answers later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// A place where streams can be opened and awaited.
pub trait Network: Send + Sync + 'static {
    /// Listens on an address; port 0 takes a free one.
    fn listen(&self, address: SocketAddr) -> Later<'_, Box<dyn Listener>>;
    /// Opens a stream.
    fn connect(&self, address: SocketAddr) -> Later<'_, Stream>;
}

/// What streams come in by.
pub trait Listener: Send {
    /// Where it listens.
    ///
    /// # Errors
    /// The system does not say.
    fn address(&self) -> io::Result<SocketAddr>;
    /// The next stream, and whose address it is from.
    fn accept(&mut self) -> Later<'_, (Stream, SocketAddr)>;
}

/// TCP of this machine. Small frames are sent at once, not gathered by the kernel.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tcp;

impl Network for Tcp {
    fn listen(&self, address: SocketAddr) -> Later<'_, Box<dyn Listener>> {
        Box::pin(async move {
            let listener = TcpListener::bind(address).await?;
            Ok(Box::new(listener) as Box<dyn Listener>)
        })
    }

    fn connect(&self, address: SocketAddr) -> Later<'_, Stream> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Stream)
        })
    }
}

impl Listener for TcpListener {
    fn address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn accept(&mut self) -> Later<'_, (Stream, SocketAddr)> {
        Box::pin(async move {
            let (stream, from) = TcpListener::accept(self).await?;
            stream.set_nodelay(true)?;
            Ok((Box::new(stream) as Stream, from))
        })
    }
}
