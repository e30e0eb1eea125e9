//! What waits to be sent on one connection: frames as bytes, in order, up to a limit. Above it the connection is broken, because
//! a frame that is dropped inside a living one would be a lost message that nobody knows of.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use tokio::sync::Notify;

use super::Broken;
use super::frame::Frame;

/// A connection's queue.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    written: Notify,
    closed: Notify,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: BytesMut,
    /// Why it takes nothing more.
    closed: Option<Broken>,
}

impl Queue {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { state: Mutex::default(), written: Notify::new(), closed: Notify::new(), bytes_max }
    }

    /// Puts a frame in line. `false`: the connection is broken, or is now.
    pub(super) fn push(&self, frame: &Frame) -> bool {
        let mut state = self.lock();
        if state.closed.is_some() {
            return false;
        }
        frame.put(&mut state.waiting);
        if state.waiting.len() > self.bytes_max {
            let bytes = state.waiting.len();
            drop(state);
            self.close(Broken::Overflow { bytes, max: self.bytes_max });
            return false;
        }
        drop(state);
        self.written.notify_one();
        true
    }

    /// Everything that waits, for one write; waits until there is something.
    pub(super) async fn take(&self, into: &mut BytesMut) {
        loop {
            {
                let mut state = self.lock();
                if !state.waiting.is_empty() {
                    std::mem::swap(&mut state.waiting, into);
                    return;
                }
            }
            self.written.notified().await;
        }
    }

    /// Ends the connection, once; the first reason stays.
    pub(super) fn close(&self, why: Broken) {
        let mut state = self.lock();
        if state.closed.is_none() {
            state.closed = Some(why);
            // Nobody will send it any more.
            state.waiting = BytesMut::new();
            drop(state);
            self.closed.notify_waiters();
            self.closed.notify_one();
        }
    }

    /// Waits until the connection is to end.
    pub(super) async fn closed(&self) -> Broken {
        loop {
            let notified = self.closed.notified();
            if let Some(why) = self.lock().closed.clone() {
                return why;
            }
            notified.await;
        }
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_pushed_comes_out_together_and_in_order() {
        let queue = Queue::new(1_000);
        for number in 0..3u8 {
            assert!(queue.push(&Frame::Payload(vec![number].into())));
        }
        let mut out = BytesMut::new();
        queue.take(&mut out).await;
        let bodies: Vec<u8> = out.chunks(6).map(|frame| frame[5]).collect();
        assert_eq!(bodies, [0, 1, 2]);
        assert_eq!(queue.bytes(), 0);
    }

    #[tokio::test]
    async fn too_much_breaks_the_connection_and_frees_what_waited() {
        let queue = Queue::new(20);
        let frame = Frame::Payload(vec![0; 10].into());
        assert!(queue.push(&frame));
        assert!(!queue.push(&frame));
        assert!(!queue.push(&Frame::Ping(1)), "nothing is taken any more");
        assert_eq!(queue.bytes(), 0);
        queue.close(Broken::Closed);
        assert_eq!(queue.closed().await, Broken::Overflow { bytes: 30, max: 20 }, "the first reason stays");
    }
}
