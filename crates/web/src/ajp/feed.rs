//! A request's body on its way from a connection to whoever reads it: one piece ahead of the reader, and none before it reads.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, Permit, Receiver, Sender};
use zebu_ajp::framing::Framing;

/// The end of the connection's task.
#[derive(Debug)]
pub(super) struct Feed {
    pieces: Sender<Piece>,
    wanted: Arc<Notify>,
    is_wanted: bool,
}

/// The end of whoever reads: a body.
#[derive(Debug)]
pub(crate) struct Fed {
    pieces: Receiver<Piece>,
    wanted: Arc<Notify>,
    is_wanted: bool,
    /// Bytes that are left, if their number was announced.
    left: Option<u64>,
    is_ended: bool,
}

#[derive(Debug)]
pub(super) enum Piece {
    Data(Bytes),
    End,
}

/// The connection ended before the body.
#[derive(Debug, thiserror::Error)]
#[error("the connection ended before the body")]
pub(crate) struct Cut;

/// Both ends for a body.
pub(super) fn feed(framing: Framing) -> (Feed, Fed) {
    let (sender, receiver) = mpsc::channel(1);
    let wanted = Arc::new(Notify::new());
    let left = if let Framing::Length(length) = framing { Some(length) } else { None };
    let fed = Fed { pieces: receiver, wanted: Arc::clone(&wanted), is_wanted: false, left, is_ended: false };
    (Feed { pieces: sender, wanted, is_wanted: false }, fed)
}

impl Feed {
    /// Waits until a piece is wanted; none if nobody reads any more.
    pub(super) async fn wanted(&mut self) -> Option<Permit<'_, Piece>> {
        if !self.is_wanted {
            tokio::select! {
                () = self.wanted.notified() => self.is_wanted = true,
                () = self.pieces.closed() => return None,
            }
        }
        self.pieces.reserve().await.ok()
    }
}

impl Body for Fed {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let fed = self.get_mut();
        if fed.is_ended {
            return Poll::Ready(None);
        }
        if !fed.is_wanted {
            fed.is_wanted = true;
            fed.wanted.notify_one();
        }
        Poll::Ready(match ready!(fed.pieces.poll_recv(cx)) {
            Some(Piece::Data(data)) => {
                fed.left = fed.left.map(|left| left.saturating_sub(data.len() as u64));
                Some(Ok(Frame::data(data)))
            }
            Some(Piece::End) => {
                fed.is_ended = true;
                None
            }
            None => {
                fed.is_ended = true;
                Some(Err(Cut))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.is_ended
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn nothing_is_wanted_before_somebody_reads_and_one_piece_ahead_then() {
        let (mut feed, mut fed) = feed(Framing::Length(4));
        assert!(feed.wanted().now_or_never().is_none());
        assert!(fed.frame().now_or_never().is_none());
        feed.wanted().await.unwrap().send(Piece::Data(Bytes::from_static(b"ab")));
        assert!(feed.wanted().now_or_never().is_none());
        assert_eq!(fed.frame().await.unwrap().unwrap().into_data().unwrap(), "ab");
        assert_eq!(fed.size_hint().exact(), Some(2));
        feed.wanted().await.unwrap().send(Piece::End);
        assert!(fed.frame().await.is_none() && fed.is_end_stream());
        drop(fed);
        assert!(feed.wanted().await.is_none());
    }

    #[tokio::test]
    async fn a_body_whose_connection_ends_is_broken_and_not_ended() {
        let (feed, mut fed) = feed(Framing::Chunked);
        drop(feed);
        assert!(fed.frame().await.unwrap().is_err());
    }
}
