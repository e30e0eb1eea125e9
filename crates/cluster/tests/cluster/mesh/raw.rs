//! The other end of a plain connection, byte by byte: for what no honest node sends. The layout is written out here once more, so
//! that a change of the wire does not go unnoticed.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use super::node::PATIENCE;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use zebu_cluster::mesh::{Later, Listener, Network, Stream};

/// A connection whose other end is a mesh.
pub(crate) struct Raw(pub(crate) Stream);

/// A network of memory, for a clock that is turned by hand: what is put into the channel comes in.
pub(crate) struct Memory(Mutex<Option<mpsc::UnboundedReceiver<Stream>>>);

struct Incoming(mpsc::UnboundedReceiver<Stream>);

impl Memory {
    pub(crate) fn new() -> (Self, mpsc::UnboundedSender<Stream>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(Mutex::new(Some(receiver))), sender)
    }
}

impl Network for Memory {
    fn listen(&self, _address: SocketAddr) -> Later<'_, Box<dyn Listener>> {
        let incoming = self.0.lock().unwrap().take().unwrap();
        Box::pin(async move { Ok(Box::new(Incoming(incoming)) as Box<dyn Listener>) })
    }

    fn connect(&self, _address: SocketAddr) -> Later<'_, Stream> {
        Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) })
    }
}

impl Listener for Incoming {
    fn address(&self) -> io::Result<SocketAddr> {
        Ok("127.0.0.1:1".parse().unwrap())
    }

    fn accept(&mut self) -> Later<'_, (Stream, SocketAddr)> {
        Box::pin(async move {
            match self.0.recv().await {
                Some(stream) => Ok((stream, self.address()?)),
                None => std::future::pending().await,
            }
        })
    }
}

impl Raw {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self(Box::new(TcpStream::connect(to).await.unwrap()))
    }

    /// One message of a handshake: its kind, and what follows.
    pub(crate) async fn message(&mut self) -> (u8, Vec<u8>) {
        let length = self.0.read_u16().await.unwrap();
        let mut body = vec![0; length.into()];
        self.0.read_exact(&mut body).await.unwrap();
        assert_eq!(&body[..8], b"ZEBUMESH");
        (body[8], body[9..].to_vec())
    }

    pub(crate) async fn hello(&mut self, versions: (u16, u16), names: [&str; 3]) {
        let mut body = b"ZEBUMESH\x01".to_vec();
        body.extend(versions.0.to_be_bytes());
        body.extend(versions.1.to_be_bytes());
        for text in names {
            body.push(text.len() as u8);
            body.extend(text.as_bytes());
        }
        self.0.write_u16(body.len() as u16).await.unwrap();
        self.0.write_all(&body).await.unwrap();
    }

    /// A handshake that goes well.
    pub(crate) async fn member(to: SocketAddr, node: &str) -> Self {
        let mut raw = Self::connect(to).await;
        raw.shake(node).await;
        raw
    }

    /// The same, by memory.
    pub(crate) async fn member_by(memory: &mpsc::UnboundedSender<Stream>, node: &str) -> Self {
        let (ours, theirs) = duplex(64 * 1024);
        memory.send(Box::new(theirs)).unwrap();
        let mut raw = Self(Box::new(ours));
        raw.shake(node).await;
        raw
    }

    async fn shake(&mut self, node: &str) {
        assert_eq!(self.message().await.0, 1, "a greeting");
        self.hello((1, 1), ["oxserver", node, "raw"]).await;
        assert_eq!(self.message().await.0, 2, "a welcome");
    }

    /// A handshake that is refused: the sentence.
    pub(crate) async fn refused(to: SocketAddr, versions: (u16, u16), names: [&str; 3]) -> String {
        let mut raw = Self::connect(to).await;
        assert_eq!(raw.message().await.0, 1, "a greeting");
        raw.hello(versions, names).await;
        let (kind, body) = raw.message().await;
        assert_eq!(kind, 3, "a refusal");
        String::from_utf8(body[2..].to_vec()).unwrap()
    }

    /// Reads until the other end closes. A reset is an end as well.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        let end = self.0.read_to_end(&mut rest);
        assert!(timeout(PATIENCE, end).await.is_ok(), "the other end did not close");
    }
}
