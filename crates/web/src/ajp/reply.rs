//! An answer on its way to a front: head, parts, end.

use std::io::Write;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::poll;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::response::Parts;
use http::{HeaderName, Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use zebu_ajp::{PacketSize, answer};

use super::exchange::Upload;
use super::wire::{Ended, Wire};
use crate::body::Outgoing;
use crate::resting::Rests;

/// Digits of the largest number of 64 bits.
const DIGITS: usize = 20;

/// Sends an answer whole but for its end; says whether the connection may be used again.
pub(super) async fn send(
    response: Response<Outgoing>,
    is_head: bool,
    wire: &mut Wire,
    upload: &mut Upload,
    size: PacketSize,
    stall: Duration,
) -> Result<bool, Ended> {
    let (parts, body) = response.into_parts();
    let may_go_on = parts.headers.get(CONNECTION).is_none_or(|value| value != "close");
    let has_body = !is_head && !matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let length = body.size_hint().exact().filter(|length| has_body || *length > 0);
    let length = length.filter(|_| parts.status != StatusCode::NO_CONTENT);
    if let Err(error) = head(&parts, length, size, &mut wire.output) {
        let status = parts.status.as_u16();
        tracing::error!(%error, status, "an answer could not be sent by AJP: its headers must fit [ajp] packet_bytes_max");
        return refused(StatusCode::INTERNAL_SERVER_ERROR, wire, size);
    }
    if !has_body {
        return Ok(may_go_on);
    }
    let rests = parts.extensions.get::<Rests>().is_some();
    let mut body = pin!(body);
    let mut is_told = false;
    loop {
        let frame = match poll!(pin!(body.frame())) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                // Whoever waits for events sees what there is, however little.
                if rests && !is_told {
                    answer::chunk(&[], size, &mut wire.output);
                    is_told = true;
                }
                wire.flush(stall).await?;
                tokio::select! {
                    frame = body.frame() => frame,
                    ended = upload.move_on(wire, stall) => return Err(ended),
                }
            }
        };
        match frame {
            None => return Ok(may_go_on),
            Some(Err(error)) => return Err(Ended::Answer(error.to_string())),
            Some(Ok(frame)) => {
                let data: Bytes = frame.into_data().unwrap_or_default();
                is_told &= data.is_empty();
                wire.chunks(data, stall).await?;
            }
        }
    }
}

/// An answer of ours where there can be no other; the last on its connection.
pub(super) fn refused(status: StatusCode, wire: &mut Wire, size: PacketSize) -> Result<bool, Ended> {
    let length = ("content-length", &b"0"[..]);
    answer::head(
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        [length],
        size,
        &mut wire.output,
    )?;
    Ok(false)
}

fn head(
    parts: &Parts,
    length: Option<u64>,
    size: PacketSize,
    out: &mut Vec<u8>,
) -> Result<(), zebu_ajp::Error> {
    let mut digits = [0; DIGITS];
    let mut rest = &mut digits[..];
    let length = length.filter(|_| !parts.headers.contains_key(CONTENT_LENGTH));
    let length = length.filter(|length| write!(rest, "{length}").is_ok());
    let unused = rest.len();
    let written = digits.get(..DIGITS - unused).unwrap_or_default();
    let own = parts.headers.iter().filter(|(name, _)| is_carried(name));
    let headers = own.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let headers = headers.chain(length.map(|_| (CONTENT_LENGTH.as_str(), written)));
    let message = parts.status.canonical_reason().unwrap_or_default();
    answer::head(parts.status.as_u16(), message, headers, size, out)
}

fn is_carried(name: &HeaderName) -> bool {
    ![&CONNECTION, &TRANSFER_ENCODING, &UPGRADE].contains(&name)
}
