//! Where clients may connect: the `listen` list of the configuration, and its sockets.
//!
//! An entry is `ADDRESS:PORT` or `http://ADDRESS:PORT` for plain connections, `https://ADDRESS:PORT` for TLS. One text
//! in the place of a list is a list of one. Used by `config` and `server`.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::str::FromStr;
use std::task::{Context, Poll};

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::{Error, within};

/// Connections the kernel holds for us while we are busy, a socket.
const BACKLOG_CONNECTIONS: u32 = 4_096;

/// Sockets that a server may have: as many as go to a successor in one message, of which the kernel's own limit is 253.
pub(crate) const SOCKETS_MAX: usize = 64;

/// How connections begin that come in at a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plain HTTP/1.1, or HTTP/2 by clients that know of it beforehand.
    Http,
    /// TLS; the client chooses HTTP/1.1 or HTTP/2 in the handshake.
    Https,
}

/// One place to connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Listener {
    /// Plain or TLS.
    pub scheme: Scheme,
    /// Address and port; port 0 takes any free one.
    pub address: SocketAddr,
}

/// All places to connect to, in the order of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listeners(pub Vec<Listener>);

impl Scheme {
    /// `http` or `https`, as in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.address)
    }
}

impl FromStr for Listener {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, address) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
            (Some(address), _) => (Scheme::Http, address),
            (_, Some(address)) => (Scheme::Https, address),
            _ => (Scheme::Http, text),
        };
        Ok(Self { scheme, address: address.strip_suffix('/').unwrap_or(address).parse()? })
    }
}

impl From<SocketAddr> for Listeners {
    /// Plain connections at one address.
    fn from(address: SocketAddr) -> Self {
        Self(vec![Listener { scheme: Scheme::Http, address }])
    }
}

impl Listeners {
    /// Whether one of them wants TLS.
    pub fn any_secure(&self) -> bool {
        self.0.iter().any(|listener| listener.scheme == Scheme::Https)
    }

    /// # Errors
    /// [`Error::Config`] if there is none, or one comes twice.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.0.is_empty() {
            return Err(Error::Config("listen is empty: it needs an address at least".into()));
        }
        within("listen", self.0.len(), 1, SOCKETS_MAX)?;
        for (index, listener) in self.0.iter().enumerate() {
            let taken = |other: &Listener| other.address == listener.address && other.address.port() != 0;
            if self.0.iter().take(index).any(taken) {
                return Err(Error::Config(format!("listen has {} twice", listener.address)));
            }
        }
        Ok(())
    }
}

impl Serialize for Listeners {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Listener::to_string))
    }
}

impl<'de> Deserialize<'de> for Listeners {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Listeners;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Listeners, E> {
                text.parse().map(|one| Listeners(vec![one])).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Listeners, A::Error> {
                let mut all = Vec::new();
                while let Some(text) = texts.next_element::<String>()? {
                    all.push(
                        text.parse().map_err(|error| de::Error::custom(format!("\"{text}\": {error}")))?,
                    );
                }
                Ok(Listeners(all))
            }
        }

        deserializer.deserialize_any(OneOrMore)
    }
}

/// A listener's socket.
#[derive(Debug)]
pub(crate) struct Door {
    /// With the real port if the configuration said 0.
    pub(crate) listener: Listener,
    socket: TcpListener,
}

impl Door {
    /// Listens.
    ///
    /// # Errors
    /// [`Error::Listen`] naming the address.
    pub(crate) fn open(listener: Listener) -> Result<Self, Error> {
        let failed = |source| Error::Listen { address: listener.address, source };
        Self::with(listener.scheme, listen(listener.address).map_err(failed)?).map_err(failed)
    }

    /// Goes on at a socket that somebody else opened.
    ///
    /// # Errors
    /// [`Error::Listen`] naming the address.
    pub(crate) fn inherit(listener: Listener, socket: std::net::TcpListener) -> Result<Self, Error> {
        let failed = |source| Error::Listen { address: listener.address, source };
        socket.set_nonblocking(true).map_err(failed)?;
        let socket = TcpListener::from_std(socket).map_err(failed)?;
        Self::with(listener.scheme, socket).map_err(failed)
    }

    /// The same socket under another number, to be handed over.
    ///
    /// # Errors
    /// There is no number left.
    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        self.socket.as_fd().try_clone_to_owned()
    }

    fn with(scheme: Scheme, socket: TcpListener) -> io::Result<Self> {
        Ok(Self { listener: Listener { scheme, address: socket.local_addr()? }, socket })
    }
}

/// The next connection at any of several doors, and through which it came. Each gets its `turn`, so that a flood at one
/// cannot keep the others waiting.
pub(crate) async fn accept(
    doors: &[Door],
    turn: &mut usize,
) -> (io::Result<(TcpStream, SocketAddr)>, Scheme) {
    std::future::poll_fn(|cx| poll_accept(doors, turn, cx)).await
}

fn poll_accept(
    doors: &[Door],
    turn: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<(io::Result<(TcpStream, SocketAddr)>, Scheme)> {
    let first = *turn % doors.len().max(1);
    let in_turn = doors.iter().enumerate().cycle().skip(first).take(doors.len());
    for (index, door) in in_turn {
        if let Poll::Ready(accepted) = door.socket.poll_accept(cx) {
            *turn = index + 1;
            return Poll::Ready((accepted, door.listener.scheme));
        }
    }
    Poll::Pending
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for the old connections of its predecessor to be forgotten by the kernel.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<String>, String> {
        let listeners: Listeners = serde_json::from_str(json).map_err(|error| error.to_string())?;
        Ok(listeners.0.iter().map(Listener::to_string).collect())
    }

    #[test]
    fn a_text_is_a_list_of_one_and_the_scheme_may_be_left_out() {
        assert_eq!(read("\"127.0.0.1:80\"").unwrap(), ["http://127.0.0.1:80"]);
        assert_eq!(
            read(r#"["0.0.0.0:80", "https://[::]:443", "http://[::1]:8080/"]"#).unwrap(),
            ["http://0.0.0.0:80", "https://[::]:443", "http://[::1]:8080"]
        );
        assert!(read("[\"ftp://127.0.0.1:21\"]").unwrap_err().contains("ftp://127.0.0.1:21"));
        assert!(read("80").is_err());
    }

    #[test]
    fn no_address_and_one_twice_are_refused() {
        let check = |json: &str| serde_json::from_str::<Listeners>(json).unwrap().check();
        assert!(check("[]").unwrap_err().to_string().contains("listen is empty"));
        let twice = check(r#"["127.0.0.1:80", "https://127.0.0.1:80"]"#).unwrap_err().to_string();
        assert!(twice.contains("127.0.0.1:80 twice"), "{twice}");
        assert!(check(r#"["127.0.0.1:0", "https://127.0.0.1:0"]"#).is_ok());
    }
}
