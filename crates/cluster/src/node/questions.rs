//! Questions that members ask each other beside the protocol: one frame there, one back, over the same connections.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::outside::Pending;
use crate::authority::Name;
use crate::mesh::Mesh;

/// The first byte of a question and of an answer; no message of the protocol begins so.
const QUESTION: u8 = b'?';
const ANSWER: u8 = b'!';
/// The first byte and the question's number, 8 bytes, big end first.
const HEAD_BYTES: usize = 9;
/// Questions that are answered at one time; more are left without an answer.
const AT_ONCE_MAX: usize = 16;

/// Who answers in this process.
pub trait Answers: Debug + Send + Sync {
    /// Answers a question of another member. An error leaves it without an answer.
    fn answer(&self, question: Bytes) -> Pending<'_, Bytes>;
}

/// The questions under way.
#[derive(Debug)]
pub(super) struct Questions {
    answers: OnceLock<Arc<dyn Answers>>,
    answering: Arc<Semaphore>,
    last: AtomicU64,
    asked: Mutex<BTreeMap<u64, oneshot::Sender<Bytes>>>,
}

impl Default for Questions {
    fn default() -> Questions {
        Questions {
            answers: OnceLock::new(),
            answering: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            last: AtomicU64::new(0),
            asked: Mutex::default(),
        }
    }
}

fn frame(kind: u8, number: u64, body: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEAD_BYTES.saturating_add(body.len()));
    frame.put_u8(kind);
    frame.put_u64(number);
    frame.put_slice(body);
    frame.freeze()
}

impl Questions {
    pub(super) fn answer_by(&self, answers: Arc<dyn Answers>) {
        // A second one would be another process's.
        let _ = self.answers.set(answers);
    }

    /// Takes a payload that is a question or an answer. Whether it was one.
    pub(super) fn take(&self, mesh: &Arc<Mesh>, peer: &Name, connection: u64, payload: &Bytes) -> bool {
        let Some((kind @ (&QUESTION | &ANSWER), _)) = payload.split_first() else { return false };
        let Some(number) = payload.get(1..HEAD_BYTES).and_then(|number| number.try_into().ok()) else {
            return false;
        };
        let (number, body) = (u64::from_be_bytes(number), payload.slice(HEAD_BYTES..));
        if *kind == ANSWER {
            if let Some(waiting) = self.asked().remove(&number) {
                // Whoever asked may have given up.
                let _ = waiting.send(body);
            }
        } else if let (Some(answers), Ok(permit)) =
            (self.answers.get(), Arc::clone(&self.answering).try_acquire_owned())
        {
            let (answers, mesh, peer) = (Arc::clone(answers), Arc::clone(mesh), peer.clone());
            tokio::spawn(async move {
                let _permit = permit;
                match answers.answer(body).await {
                    // A connection that is gone takes the question with it.
                    Ok(answer) => drop(mesh.send(&peer, connection, frame(ANSWER, number, &answer))),
                    Err(error) => tracing::debug!(%peer, error, "a question is left without an answer"),
                }
            });
        }
        true
    }

    /// Asks one member and waits for the answer, but not longer than this.
    pub(super) async fn ask(
        &self,
        mesh: &Mesh,
        peer: &Name,
        connection: u64,
        question: &[u8],
        wait: Duration,
    ) -> Option<Bytes> {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let (answered, answer) = oneshot::channel();
        self.asked().insert(number, answered);
        let sent = mesh.send(peer, connection, frame(QUESTION, number, question));
        let answer = if sent.is_ok() { timeout(wait, answer).await.ok().and_then(Result::ok) } else { None };
        self.asked().remove(&number);
        answer
    }

    fn asked(&self) -> MutexGuard<'_, BTreeMap<u64, oneshot::Sender<Bytes>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
