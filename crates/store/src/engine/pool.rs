//! The connections of one server: how many there may be, which one is lent next, and which one is closed for it.
//!
//! A connection belongs to a schema for life, because its prepared statements do. The limit is the server's, over all
//! schemas: at the limit an idle connection of another schema makes room.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Begin;

/// A limit that is not hard may be exceeded as far as this many times its value; what is above the value is closed after use.
const GROWTH: usize = 4;

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Open at once, idle ones included.
    most: usize,
    /// Kept open after use.
    kept: usize,
    /// Kept open though nobody has used them for long.
    initial: usize,
}

impl Limits {
    /// `hard`: whether `max` is exceeded by nobody, or only what is kept.
    pub(super) fn new(max: usize, hard: bool, initial: usize) -> Limits {
        let kept = max.clamp(1, Semaphore::MAX_PERMITS / GROWTH);
        Limits { most: if hard { kept } else { kept * GROWTH }, kept, initial: initial.min(kept) }
    }
}

/// Connections of one server.
#[derive(Debug)]
pub(super) struct Pool<C> {
    limits: Limits,
    turns: Arc<Semaphore>,
    /// The one that was used last is at the end.
    idle: Mutex<Vec<Idle<C>>>,
}

/// A connection that nobody uses.
#[derive(Debug)]
pub(super) struct Idle<C> {
    pub(super) schema: Arc<str>,
    /// What it was last used for.
    pub(super) begin: Begin,
    pub(super) since: Instant,
    pub(super) connection: C,
}

impl<C> Pool<C> {
    pub(super) fn new(limits: Limits) -> Pool<C> {
        Pool { limits, turns: Arc::new(Semaphore::new(limits.most)), idle: Mutex::new(Vec::new()) }
    }

    /// Leave to have one connection. `None`: not within `wait`.
    pub(super) async fn turn(&self, wait: Duration) -> Option<OwnedSemaphorePermit> {
        let turns = Arc::clone(&self.turns);
        // Who need not wait pays for no timer.
        match Arc::clone(&turns).try_acquire_owned() {
            Ok(turn) => Some(turn),
            Err(_) => tokio::time::timeout(wait, turns.acquire_owned()).await.ok()?.ok(),
        }
    }

    /// The connection to lend for `schema`: one that was used for the same before all others.
    pub(super) fn take(&self, schema: &str, begin: Begin) -> Option<Idle<C>> {
        let mut idle = self.idle();
        let fits = |with_begin: bool| {
            idle.iter().rposition(|i| &*i.schema == schema && (!with_begin || i.begin == begin))
        };
        let at = fits(true).or_else(|| fits(false))?;
        Some(idle.remove(at))
    }

    /// What has to be closed before one more is made by somebody who has a turn: the ones unused for longest.
    pub(super) fn make_room(&self) -> Vec<Idle<C>> {
        let mut idle = self.idle();
        let room = self.turns.available_permits();
        let too_many = idle.len().saturating_sub(room);
        idle.drain(..too_many).collect()
    }

    /// Takes a connection back; answers what has to be closed instead. To be called before the turn ends.
    pub(super) fn put(&self, connection: Idle<C>) -> Option<Idle<C>> {
        let mut idle = self.idle();
        // The turn of this one is still taken, and counts as one.
        let others = self.in_use().saturating_sub(1) + idle.len();
        if others >= self.limits.kept {
            return Some(connection);
        }
        idle.push(connection);
        None
    }

    /// What nobody has used for longer than `idle_max`, but for those that are kept in any case.
    pub(super) fn expired(&self, idle_max: Duration) -> Vec<Idle<C>> {
        let mut idle = self.idle();
        let old = idle.iter().take_while(|i| i.since.elapsed() > idle_max).count();
        let more = (self.in_use() + idle.len()).saturating_sub(self.limits.initial);
        idle.drain(..old.min(more)).collect()
    }

    /// All that are idle: they are not to be used again.
    pub(super) fn drain(&self) -> Vec<Idle<C>> {
        std::mem::take(&mut *self.idle())
    }

    /// Connections on loan, or about to be.
    pub(super) fn in_use(&self) -> usize {
        self.limits.most - self.turns.available_permits()
    }

    /// Connections that nobody uses.
    pub(super) fn idle_count(&self) -> usize {
        self.idle().len()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle<C>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_millis(1);

    fn idle(schema: &str, begin: Begin, connection: u32) -> Idle<u32> {
        Idle { schema: schema.into(), begin, since: Instant::now(), connection }
    }

    fn numbers(of: Vec<Idle<u32>>) -> Vec<u32> {
        of.into_iter().map(|i| i.connection).collect()
    }

    #[tokio::test]
    async fn at_the_limit_the_connection_that_rested_longest_makes_room() {
        let pool = Pool::new(Limits::new(2, true, 0));
        let (a, b) = (pool.turn(WAIT).await.unwrap(), pool.turn(WAIT).await.unwrap());
        assert!(pool.turn(WAIT).await.is_none(), "a third");
        assert!(pool.put(idle("x", Begin::Read, 1)).is_none());
        drop(a);
        assert!(pool.put(idle("y", Begin::Read, 2)).is_none());
        drop(b);
        let _turn = pool.turn(WAIT).await.unwrap();
        assert!(pool.take("z", Begin::Read).is_none());
        assert_eq!(numbers(pool.make_room()), [1]);
        assert_eq!(pool.idle_count(), 1);
    }

    #[tokio::test]
    async fn the_same_schema_and_purpose_come_first_and_another_schema_never() {
        let pool = Pool::new(Limits::new(8, true, 0));
        for (schema, begin, number) in [("x", Begin::Read, 1), ("x", Begin::Write, 2), ("y", Begin::Read, 3)]
        {
            let turn = pool.turn(WAIT).await.unwrap();
            assert!(pool.put(idle(schema, begin, number)).is_none());
            drop(turn);
        }
        assert_eq!(pool.take("x", Begin::Read).unwrap().connection, 1);
        assert_eq!(pool.take("x", Begin::Read).unwrap().connection, 2);
        assert!(pool.take("x", Begin::Read).is_none());
    }

    #[tokio::test]
    async fn a_soft_limit_grows_as_far_as_documented_and_keeps_no_more_than_it_says() {
        let pool = Pool::new(Limits::new(1, false, 0));
        let mut turns = Vec::new();
        while let Some(turn) = pool.turn(WAIT).await {
            turns.push(turn);
        }
        assert_eq!(turns.len(), GROWTH);
        assert!(pool.put(idle("x", Begin::Read, 1)).is_some(), "three others are in use");
        turns.truncate(1);
        assert!(pool.put(idle("x", Begin::Read, 2)).is_none());
    }

    #[tokio::test]
    async fn what_nobody_uses_is_closed_but_for_the_initial_ones() {
        let pool = Pool::new(Limits::new(4, true, 1));
        let turns = [pool.turn(WAIT).await.unwrap(), pool.turn(WAIT).await.unwrap()];
        for number in [1, 2] {
            assert!(pool.put(idle("x", Begin::Read, number)).is_none());
        }
        drop(turns);
        assert!(pool.expired(Duration::from_secs(60)).is_empty());
        assert_eq!(numbers(pool.expired(Duration::ZERO)), [1]);
        assert_eq!(numbers(pool.drain()), [2]);
    }
}
