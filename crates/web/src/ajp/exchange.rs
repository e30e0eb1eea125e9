//! A connection of a front, one request after the other.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, StatusCode};
use tokio::net::TcpStream;
use tokio::sync::watch;
use zebu_ajp::request::{Incoming as Message, Request as Forwarded};
use zebu_ajp::{PacketSize, answer, serving};

use super::feed::{Feed, Piece, feed};
use super::wire::{Ended, Wire};
use super::{Settings, reply, translate};
use crate::body::Incoming;
use crate::edge::Edge;

/// The head of a packet.
const HEAD_BYTES: usize = 4;

/// Serves a connection to its end.
pub(crate) async fn serve(
    edge: &Edge,
    settings: &Settings,
    stream: TcpStream,
    peer: SocketAddr,
    stopping: watch::Receiver<bool>,
) {
    if !settings.peers.contains(peer.ip()) {
        tracing::warn!(%peer, "an AJP connection was refused: the address is not in [ajp] peers");
        return;
    }
    let mut wire = Wire::new(stream, settings.size);
    match requests(edge, settings, &mut wire, peer, stopping).await {
        Ok(()) => wire.close().await,
        // Nothing of ours is on its way that could be lost: a front that keeps its connections notices when it needs this one.
        Err(Ended::Gone | Ended::Idle) => {}
        Err(Ended::Protocol(error)) => tracing::warn!(%peer, %error, "an AJP connection was closed"),
        Err(error) => tracing::debug!(%peer, %error, "an AJP connection ended early"),
    }
}

/// Answers requests until one is the last on its connection.
async fn requests(
    edge: &Edge,
    settings: &Settings,
    wire: &mut Wire,
    peer: SocketAddr,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), Ended> {
    loop {
        let packet = tokio::select! {
            // A request that is here already is answered, stop or not.
            biased;
            packet = wire.first_packet(settings.idle, settings.stall) => packet?,
            // A sender that is gone means the same as one that says stop.
            () = async { drop(stopping.wait_for(|stop| *stop).await) } => return Err(Ended::Idle),
        };
        let Some(packet) = packet else { return Ok(()) };
        let goes_on = match Message::read(packet.get(HEAD_BYTES..).unwrap_or_default())? {
            Message::Forward(request) => answered(edge, settings, wire, peer, &packet, &request).await?,
            // A front that asks first goes elsewhere with its request: AJP has no other word for it.
            Message::Ping if edge.is_draining() => return Ok(()),
            Message::Ping => {
                answer::pong(&mut wire.output);
                true
            }
            Message::Shutdown | Message::OldPing => {
                tracing::warn!(%peer, "an AJP connection was closed: it asked to shut down or to take control, which nobody may");
                return Ok(());
            }
        };
        wire.flush(settings.stall).await?;
        if !goes_on {
            return Ok(());
        }
    }
}

/// Answers one request; its end is in the wire's output. Says whether another may follow.
async fn answered(
    edge: &Edge,
    settings: &Settings,
    wire: &mut Wire,
    peer: SocketAddr,
    packet: &Bytes,
    forwarded: &Forwarded<'_>,
) -> Result<bool, Ended> {
    if let Some(reason) = settings.refusal(forwarded) {
        tracing::warn!(%peer, reason, "an AJP request was refused");
        return last(StatusCode::FORBIDDEN, wire, settings.size);
    }
    let (mut upload, body) = Upload::new(forwarded, settings.size);
    let request = match translate::translate(packet, forwarded, body) {
        Ok(request) => request,
        Err(status) => return last(status, wire, settings.size),
    };
    let is_head = *request.method() == Method::HEAD;
    // In a box: a connection whose answer streams for hours need not carry what made it.
    let mut serving = Box::pin(edge.serve(request, translate::source(forwarded, peer.ip())));
    let response = tokio::select! {
        biased;
        response = &mut serving => response,
        ended = upload.move_on(wire, settings.stall) => return Err(ended),
    };
    drop(serving);
    let may_go_on = reply::send(response, is_head, wire, &mut upload, settings.size, settings.stall).await?;
    let goes_on = may_go_on && upload.is_out_of_the_way(wire)?;
    answer::end(goes_on, &mut wire.output);
    Ok(goes_on)
}

/// An answer to what the edge never sees.
fn last(status: StatusCode, wire: &mut Wire, size: PacketSize) -> Result<bool, Ended> {
    let goes_on = reply::refused(status, wire, size)?;
    answer::end(goes_on, &mut wire.output);
    Ok(goes_on)
}

/// The body of the request that is being answered.
pub(super) struct Upload {
    packets: serving::Upload,
    /// None once nobody wants it, or it is over.
    feed: Option<Feed>,
}

impl Upload {
    fn new(forwarded: &Forwarded<'_>, size: PacketSize) -> (Upload, Incoming) {
        let packets = serving::Upload::new(forwarded.framing, size);
        if packets.is_ended() {
            return (Upload { packets, feed: None }, Incoming::Empty);
        }
        let (feed, fed) = feed(forwarded.framing);
        (Upload { packets, feed: Some(feed) }, Incoming::Ajp(fed))
    }

    /// Moves the body as far as it is wanted, and hears if the front goes away meanwhile. Never done before the connection is; may be
    /// broken off and called again.
    pub(super) async fn move_on(&mut self, wire: &mut Wire, stall: Duration) -> Ended {
        loop {
            if let Err(ended) = self.step(wire, stall).await {
                return ended;
            }
        }
    }

    async fn step(&mut self, wire: &mut Wire, stall: Duration) -> Result<(), Ended> {
        let Some(feed) = &mut self.feed else {
            // Nothing may come now but what was on its way.
            let packet = wire.packet().await?.ok_or(Ended::Gone)?;
            self.packets.receive(packet.get(HEAD_BYTES..).unwrap_or_default())?;
            return Ok(());
        };
        let Some(permit) = feed.wanted().await else {
            self.feed = None;
            return Ok(());
        };
        if self.packets.is_ended() {
            permit.send(Piece::End);
            self.feed = None;
            return Ok(());
        }
        if let Some(bytes) = self.packets.ask() {
            answer::ask(bytes, &mut wire.output);
        }
        wire.flush(stall).await?;
        let packet = wire.packet().await?.ok_or(Ended::Gone)?;
        let data = self.packets.receive(packet.get(HEAD_BYTES..).unwrap_or_default())?;
        if !data.is_empty() {
            permit.send(Piece::Data(packet.slice_ref(data)));
        }
        Ok(())
    }

    /// Whether the next packet is a new request: all of the body was read, or what is left of it is here already.
    fn is_out_of_the_way(&mut self, wire: &mut Wire) -> Result<bool, Ended> {
        if self.packets.is_due()
            && let Some(packet) = wire.packet().now_or_never()
        {
            let packet = packet?.ok_or(Ended::Gone)?;
            self.packets.receive(packet.get(HEAD_BYTES..).unwrap_or_default())?;
        }
        Ok(self.packets.is_ended())
    }
}
