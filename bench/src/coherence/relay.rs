//! A wire that can be held up and cut: whoever connects here is connected with somebody else.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// Whom a wire leads to.
#[derive(Clone)]
pub(super) enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// What is done to the wires of a relay.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    held: bool,
    /// Wires of an earlier number are cut.
    number: u64,
}

/// Where to connect, and the hand on the wires.
pub(super) struct Relay {
    pub(super) address: SocketAddr,
    state: watch::Sender<State>,
}

impl Relay {
    pub(super) async fn start(target: Target) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, watched) = watch::channel(State { held: false, number: 0 });
        tokio::spawn(async move {
            while let Ok((here, _)) = listener.accept().await {
                here.set_nodelay(true).unwrap();
                tokio::spawn(connect(here, target.clone(), watched.clone()));
            }
        });
        Relay { address, state }
    }

    /// Nothing gets through until it is let go; nobody is told.
    pub(super) fn hold(&self, held: bool) {
        self.state.send_modify(|state| state.held = held);
    }

    /// All wires break, with what is on them.
    pub(super) fn cut(&self) {
        self.state.send_modify(|state| state.number += 1);
    }
}

async fn connect(here: TcpStream, target: Target, state: watch::Receiver<State>) {
    match target {
        Target::Tcp(address) => {
            let Ok(there) = TcpStream::connect(address).await else { return };
            there.set_nodelay(true).unwrap();
            join(here.into_split(), there.into_split(), state).await;
        }
        Target::Unix(path) => {
            let Ok(there) = UnixStream::connect(path).await else { return };
            join(here.into_split(), there.into_split(), state).await;
        }
    }
}

async fn join<A, B, C, D>(here: (A, B), there: (C, D), state: watch::Receiver<State>)
where
    A: AsyncRead + Unpin,
    B: AsyncWrite + Unpin,
    C: AsyncRead + Unpin,
    D: AsyncWrite + Unpin,
{
    let number = state.borrow().number;
    let mut cut = state.clone();
    tokio::select! {
        () = copy(here.0, there.1, state.clone()) => {}
        () = copy(there.0, here.1, state.clone()) => {}
        _ = cut.wait_for(|state| state.number > number) => {}
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if state.wait_for(|state| !state.held).await.is_err() || to.write_all(&buffer[..count]).await.is_err()
        {
            return;
        }
    }
}
