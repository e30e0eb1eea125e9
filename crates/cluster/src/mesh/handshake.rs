//! From a stream to a member: TLS, the three messages, and the reasons to go no further. Bounded in time as a whole by whoever calls.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::hello::{self, Hello, Message, Reason};
use super::network::Stream;
use super::peers::{Admitted, Candidate, Peers, Refusal, judge_names};
use super::secure::{Security, in_words};
use crate::authority::Name;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is one already, or is about to be.
    Duplicate(Name),
    /// It leads to this very node.
    Myself,
    /// One of the two ends goes away.
    Stopping,
    /// Nothing was said at all, as by whoever looks whether a port is open.
    Mute,
    /// Anything that an operator should know: of whom if it is known, what kind it is, and a sentence.
    Other(Option<Name>, &'static str, String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let (certificate, sentence) = in_words(&error);
        let kind = if certificate { "certificate" } else { "connection" };
        Self::Other(None, kind, sentence)
    }
}

impl From<hello::Malformed> for Failure {
    fn from(malformed: hello::Malformed) -> Self {
        Self::Other(None, "protocol", malformed.to_string())
    }
}

/// A stream with its member.
pub(super) type Met<'a> = (Stream, Admitted<'a>);

/// Who came in.
pub(super) enum Came<'a> {
    Member(Met<'a>),
    /// Somebody who is no member and wants to hear what is told.
    Watcher(Stream),
}

/// The handshake of who dialled.
pub(super) async fn dial<'a>(
    peers: &'a Peers,
    security: &Security,
    stream: Stream,
    address: SocketAddr,
) -> Result<Met<'a>, Failure> {
    let (mut stream, certified) = security.client(stream).await?;
    let hello = greeted(&mut stream).await?;
    let begun = peers.judge(&hello, certified.as_ref()).and_then(|()| peers.begin_dial(&hello));
    let dialling = match begun {
        Ok(dialling) => dialling,
        Err(refusal) => return Err(refuse(&mut stream, hello, refusal).await),
    };
    let told = peers.hello();
    let own = Arc::clone(&told.incarnation);
    send(&mut stream, &Message::Hello(told)).await?;
    welcomed(&mut stream, &hello.node).await?;
    let node = hello.node.clone();
    let admitted = peers.admit(Candidate { hello, own, address, dialled: true }).await;
    drop(dialling);
    admitted.map(|admitted| (stream, admitted)).map_err(|refusal| ours(node, refusal))
}

/// The handshake of who dialled and is no member: answers whom it will hear.
pub(super) async fn watch(
    own: Hello,
    security: &Security,
    stream: Stream,
) -> Result<(Stream, Name), Failure> {
    let (mut stream, certified) = security.client(stream).await?;
    let hello = greeted(&mut stream).await?;
    if let Err(refusal) = judge_names(&own, &hello, certified.as_ref()) {
        return Err(refuse(&mut stream, hello, refusal).await);
    }
    send(&mut stream, &Message::Watch(own)).await?;
    welcomed(&mut stream, &hello.node).await?;
    Ok((stream, hello.node))
}

/// The greeting of who was dialled.
async fn greeted(stream: &mut Stream) -> Result<Hello, Failure> {
    match receive(stream).await? {
        Message::Hello(hello) => Ok(hello),
        Message::Refusal(reason, sentence) => Err(refused_us(None, reason, &sentence)),
        Message::Welcome | Message::Watch(_) => Err(hello::Malformed::Field("kind").into()),
    }
}

/// The verdict of who was dialled.
async fn welcomed(stream: &mut Stream, node: &Name) -> Result<(), Failure> {
    match receive(stream).await? {
        Message::Welcome => Ok(()),
        Message::Refusal(reason, sentence) => Err(refused_us(Some(node.clone()), reason, &sentence)),
        Message::Hello(_) | Message::Watch(_) => Err(hello::Malformed::Field("kind").into()),
    }
}

/// The handshake of who was dialled.
pub(super) async fn accept<'a>(
    peers: &'a Peers,
    security: &Security,
    stream: Stream,
    address: SocketAddr,
) -> Result<Came<'a>, Failure> {
    let (mut stream, certified) = match security.server(stream).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(Failure::Mute),
        other => other?,
    };
    let told = peers.hello();
    let own = Arc::clone(&told.incarnation);
    send(&mut stream, &Message::Hello(told.clone())).await?;
    let hello = match receive(&mut stream).await {
        Ok(Message::Hello(hello)) => hello,
        Ok(Message::Watch(hello)) => {
            if let Err(refusal) = judge_names(&told, &hello, certified.as_ref()) {
                return Err(refuse(&mut stream, hello, refusal).await);
            }
            send(&mut stream, &Message::Welcome).await?;
            return Ok(Came::Watcher(stream));
        }
        Ok(Message::Refusal(reason, sentence)) => {
            return Err(refused_us(certified.map(|(_, node)| node), reason, &sentence));
        }
        Ok(Message::Welcome) => return Err(hello::Malformed::Field("kind").into()),
        Err(Failure::Mute) if certified.is_none() => return Err(Failure::Mute),
        Err(failure) => return Err(failure),
    };
    let answer = match peers.judge(&hello, certified.as_ref()) {
        Ok(()) => peers.admit(Candidate { hello: hello.clone(), own, address, dialled: false }).await,
        Err(refusal) => Err(refusal),
    };
    match answer {
        Ok(admitted) => {
            send(&mut stream, &Message::Welcome).await?;
            Ok(Came::Member((stream, admitted)))
        }
        Err(refusal) => Err(refuse(&mut stream, hello, refusal).await),
    }
}

/// Tells the other end why, and answers what is to be told here.
async fn refuse(stream: &mut Stream, hello: Hello, refusal: Refusal) -> Failure {
    let (reason, sentence) = refusal.clone();
    // If it does not hear it, its log says that the connection was closed.
    if send(stream, &Message::Refusal(reason, sentence)).await.is_ok() {
        let _ = stream.shutdown().await;
    }
    ours(hello.node, refusal)
}

/// A refusal of this end.
fn ours(node: Name, (reason, sentence): Refusal) -> Failure {
    match reason {
        Reason::Duplicate => Failure::Duplicate(node),
        Reason::Myself => Failure::Myself,
        Reason::Stopping => Failure::Stopping,
        _ => Failure::Other(Some(node), kind(reason), format!("refused: {sentence}")),
    }
}

/// A refusal of the other end.
fn refused_us(node: Option<Name>, reason: Reason, sentence: &str) -> Failure {
    match (reason, node) {
        (Reason::Duplicate, Some(node)) => Failure::Duplicate(node),
        // In plain connections who was dialled never learns who it was: the other end's log has it, if it matters.
        (Reason::Duplicate, None) => Failure::Mute,
        (Reason::Myself, _) => Failure::Myself,
        (Reason::Stopping, _) => Failure::Stopping,
        (_, node) => Failure::Other(node, kind(reason), format!("it refuses this node: {sentence}")),
    }
}

fn kind(reason: Reason) -> &'static str {
    match reason {
        Reason::Version => "version",
        Reason::Cluster => "cluster",
        Reason::Name => "name",
        Reason::Incarnation => "incarnation",
        Reason::Taken => "taken",
        Reason::Myself | Reason::Duplicate | Reason::Stopping => "other",
    }
}

async fn send(stream: &mut Stream, message: &Message) -> io::Result<()> {
    stream.write_all(&message.bytes()).await?;
    stream.flush().await
}

async fn receive(stream: &mut Stream) -> Result<Message, Failure> {
    let mut head = [0; 2];
    match stream.read_exact(&mut head).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(Failure::Mute),
        other => other?,
    };
    let mut body = vec![0; hello::length(head)?];
    stream.read_exact(&mut body).await?;
    Ok(Message::parse(&body)?)
}
