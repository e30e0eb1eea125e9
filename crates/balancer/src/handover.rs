//! Listening sockets that change hands, so that a web tier is replaced by its successor and no connection is refused: not one
//! moment passes in which nobody listens.
//!
//! They come from systemd (socket activation) or from the web tier that runs already, by a Unix socket (`[web] handover`):
//!
//! 1. The successor connects; the predecessor sends its listening sockets and where each listens ([`take_over`]).
//! 2. The successor starts on them. Both accept now.
//! 3. It says `ready`. The predecessor takes nothing new, finishes what it has, and ends ([`Handover::wait`]).
//!
//! A successor that fails before it is ready has changed nothing. Only processes of the same user, or root's, are given
//! anything.

use std::fs;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use crate::listen::{Listener, SOCKETS_MAX, Scheme};

/// Bytes of the text that says where they listen.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// How long the other side may take for its next word. A successor reads certificates meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);
const READY: &[u8] = b"ready\n";
const DONE: &[u8] = b"done!\n";

/// Listening sockets that somebody else opened.
#[derive(Debug, Default)]
pub struct Inherited(Vec<(Option<Scheme>, TcpListener)>);

impl Inherited {
    /// Those that systemd gave to this process (`LISTEN_FDS`); none if it gave none.
    ///
    /// # Errors
    /// One of them is no listening TCP socket.
    pub fn from_systemd() -> io::Result<Self> {
        let mut given = listenfd::ListenFd::from_env();
        let mut sockets = Vec::new();
        for index in 0..given.len() {
            sockets.extend(given.take_tcp_listener(index)?.map(|socket| (None, socket)));
        }
        Ok(Self(sockets))
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out the socket that listens where `listener` is to listen; with port 0, any at that address.
    pub(crate) fn take(&mut self, listener: &Listener) -> Option<TcpListener> {
        let fits = |(scheme, socket): &(Option<Scheme>, TcpListener)| {
            socket.local_addr().is_ok_and(|found| {
                let is_any = listener.address.port() == 0 && found.ip() == listener.address.ip();
                scheme.is_none_or(|scheme| scheme == listener.scheme) && (is_any || found == listener.address)
            })
        };
        let index = self.0.iter().position(fits)?;
        Some(self.0.remove(index).1)
    }

    /// Says what nobody wanted; it is closed.
    pub(crate) fn drop_rest(self) {
        for (_, socket) in self.0 {
            let address = socket.local_addr().map(|address| address.to_string()).unwrap_or_default();
            tracing::warn!(
                address,
                "a listening socket was handed over that listen does not name; it is closed"
            );
        }
    }
}

/// The web tier that runs already, waiting for its successor to be ready.
#[derive(Debug)]
pub struct Predecessor(UnixStream);

/// Asks the web tier that listens at `path` for its sockets. None if there is none.
///
/// # Errors
/// It answers, but not with sockets.
pub async fn take_over(path: &Path) -> io::Result<Option<(Inherited, Predecessor)>> {
    let stream = match UnixStream::connect(path).await {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let received = timeout(PATIENCE, receive(&stream)).await??;
    Ok(Some((received, Predecessor(stream))))
}

impl Predecessor {
    /// Tells it that its successor serves. It takes nothing new from here on.
    ///
    /// # Errors
    /// It does not answer: then both go on to serve.
    pub async fn relieve(mut self) -> io::Result<()> {
        self.0.write_all(READY).await?;
        let mut word = [0; DONE.len()];
        timeout(PATIENCE, self.0.read_exact(&mut word)).await??;
        if word == DONE { Ok(()) } else { Err(strange("it does not say that it is done")) }
    }
}

/// Where this process's sockets may be asked for.
#[derive(Debug)]
pub struct Handover {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
    sockets: Sockets,
}

/// What is handed over.
#[derive(Debug, Default)]
pub struct Sockets(pub(crate) Vec<(Listener, OwnedFd)>);

impl Handover {
    /// Listens at `path`, in the place of whoever listened there before; mode 0600.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn listen(path: &Path, sockets: Sockets) -> io::Result<Self> {
        // Beside its place first: whoever connects finds the old one or the new one, and no wrong mode.
        let new = path.with_extension("new");
        let _ = fs::remove_file(&new);
        let listener = UnixListener::bind(&new)?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
        let inode = fs::metadata(&new)?.ino();
        fs::rename(&new, path)?;
        Ok(Self { listener, path: path.to_owned(), inode, sockets })
    }

    /// Until a successor has taken over. Those that fail on the way are said in the log.
    pub async fn wait(&self) {
        loop {
            let handed = match self.listener.accept().await {
                Ok((stream, _)) => timeout(PATIENCE, self.hand_over(stream)).await.unwrap_or_else(|_| {
                    Err(io::Error::new(io::ErrorKind::TimedOut, "it was not ready in time"))
                }),
                Err(error) => Err(error),
            };
            match handed {
                Ok(()) => return,
                Err(error) => tracing::warn!(cause = %error, "no successor has taken over"),
            }
        }
    }

    async fn hand_over(&self, mut stream: UnixStream) -> io::Result<()> {
        let (user, own) = (stream.peer_cred()?.uid(), rustix::process::geteuid().as_raw());
        if user != own && user != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("user {user} asked for the sockets of user {own}"),
            ));
        }
        send(&stream, &self.sockets).await?;
        let mut word = [0; READY.len()];
        stream.read_exact(&mut word).await?;
        if word != READY {
            return Err(strange("it does not say that it is ready"));
        }
        // A successor that does not hear it serves all the same.
        let _ = stream.write_all(DONE).await;
        Ok(())
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        // Not that of a successor.
        if fs::metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn strange(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

async fn send(stream: &UnixStream, sockets: &Sockets) -> io::Result<()> {
    let lines: String = sockets.0.iter().map(|(listener, _)| format!("{listener}\n")).collect();
    let text = format!("{lines}\n");
    let files: Vec<_> = sockets.0.iter().map(|(_, socket)| socket.as_fd()).collect();
    let sending = || {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&files)) {
            return Err(io::Error::other("there are too many sockets"));
        }
        Ok(sendmsg(stream, &[IoSlice::new(text.as_bytes())], &mut control, SendFlags::NOSIGNAL)?)
    };
    let sent = stream.async_io(Interest::WRITABLE, sending).await?;
    if sent == text.len() { Ok(()) } else { Err(io::Error::other("the message was cut")) }
}

async fn receive(stream: &UnixStream) -> io::Result<Inherited> {
    let (mut text, mut files) = (Vec::new(), Vec::new());
    while !text.ends_with(b"\n\n") && text != b"\n" {
        let mut part = [0; TEXT_BYTES_MAX];
        let (bytes, mut came) =
            stream.async_io(Interest::READABLE, || receive_part(stream, &mut part)).await?;
        if bytes == 0 || text.len() + bytes > TEXT_BYTES_MAX {
            return Err(strange("what came is no list of sockets"));
        }
        text.extend_from_slice(part.get(..bytes).unwrap_or_default());
        files.append(&mut came);
    }
    let text = String::from_utf8(text).map_err(|_| strange("what came is no text"))?;
    let listeners: Result<Vec<Listener>, _> =
        text.lines().filter(|line| !line.is_empty()).map(str::parse).collect();
    let listeners = listeners.map_err(|_| strange("what came is no list of addresses"))?;
    if listeners.len() != files.len() {
        return Err(strange("there are not as many sockets as addresses"));
    }
    let sockets = listeners.iter().zip(files);
    Ok(Inherited(sockets.map(|(listener, file)| (Some(listener.scheme), TcpListener::from(file))).collect()))
}

fn receive_part(stream: &UnixStream, part: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let came = recvmsg(stream, &mut [IoSliceMut::new(part)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut files = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(sockets) = message {
            files.extend(sockets);
        }
    }
    Ok((came.bytes, files))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sockets(addresses: &[&str]) -> Sockets {
        let open = |address: &&str| {
            let socket = TcpListener::bind("127.0.0.1:0").unwrap();
            let listener = Listener { address: socket.local_addr().unwrap(), ..address.parse().unwrap() };
            (listener, OwnedFd::from(socket))
        };
        Sockets(addresses.iter().map(open).collect())
    }

    #[tokio::test]
    async fn a_successor_has_the_same_sockets_and_one_that_fails_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.sock");
        assert!(take_over(&path).await.unwrap().is_none(), "nobody is there");
        let own = sockets(&["http://127.0.0.1:0", "https://127.0.0.1:0"]);
        let listeners: Vec<Listener> = own.0.iter().map(|(listener, _)| *listener).collect();
        let handover = Handover::listen(&path, own).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let waiting = tokio::spawn(async move { handover.wait().await });
        drop(take_over(&path).await.unwrap().unwrap());
        let (mut inherited, predecessor) = take_over(&path).await.unwrap().unwrap();
        assert!(!waiting.is_finished(), "the one before was not ready");
        let anywhere = Listener { address: "127.0.0.1:0".parse().unwrap(), ..listeners[1] };
        let found = inherited.take(&anywhere).unwrap();
        assert_eq!(found.local_addr().unwrap(), listeners[1].address, "the scheme counts");
        assert_eq!(inherited.take(&listeners[0]).unwrap().local_addr().unwrap(), listeners[0].address);
        assert!(inherited.is_empty());
        predecessor.relieve().await.unwrap();
        waiting.await.unwrap();
        assert!(!path.exists(), "its socket is gone with it");
    }

    #[tokio::test]
    async fn what_is_no_hand_over_is_said_and_does_not_hang() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let asking = tokio::spawn({
            let path = path.clone();
            async move { take_over(&path).await }
        });
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"http://127.0.0.1:80\n\n").await.unwrap();
        let error = asking.await.unwrap().unwrap_err().to_string();
        assert!(error.contains("not as many sockets"), "{error}");
    }
}
