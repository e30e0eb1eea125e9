//! One sign-in at a time to an account from one origin: so that a hundred guesses at once are not all made before the first of them
//! is counted. Those of a client with the right password, whose requests come in parallel, wait for the first of them only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Gate, OwnedMutexGuard};
use zebu_model::Refusal;

use crate::error::Result;

/// How long a sign-in waits for those before it, before it is asked to come back.
const WAIT: Duration = Duration::from_secs(10);
/// Gates kept before those that nobody is at are cleared away.
const KEPT_MAX: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<[u8; 32], Arc<Gate<()>>>>);

/// A turn; the next one's begins when it is dropped.
#[derive(Debug)]
pub(super) struct Turn(#[allow(dead_code, reason = "held, not looked at")] OwnedMutexGuard<()>);

impl Turns {
    pub(super) async fn take(&self, what: [u8; 32]) -> Result<Turn> {
        let gate = {
            let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if gates.len() >= KEPT_MAX {
                gates.retain(|_, gate| Arc::strong_count(gate) > 1);
            }
            Arc::clone(gates.entry(what).or_default())
        };
        match tokio::time::timeout(WAIT, gate.lock_owned()).await {
            Ok(turn) => Ok(Turn(turn)),
            Err(_) => Err(Refusal::LoginBusy {}.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_of_one_thing_come_one_after_the_other_and_gates_nobody_is_at_go() {
        let turns = Turns::default();
        let first = turns.take([1; 32]).await.unwrap();
        let mut second = Box::pin(turns.take([1; 32]));
        assert!(futures_util::poll!(&mut second).is_pending());
        let _other = turns.take([2; 32]).await.unwrap();
        drop(first);
        drop(second.await.unwrap());
        for number in 0..5_000u32 {
            let mut what = [3; 32];
            what[..4].copy_from_slice(&number.to_le_bytes());
            drop(turns.take(what).await.unwrap());
        }
        assert!(turns.0.lock().unwrap().len() <= KEPT_MAX);
    }
}
