//! A memory before a database of numbers, each in a scope of its own; its version is the number itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use super::*;

#[derive(Debug, Default)]
struct Numbers {
    is: Mutex<BTreeMap<i64, i64>>,
    locked: Mutex<BTreeSet<i64>>,
    /// What was asked: looks and questions.
    log: Mutex<Vec<String>>,
    /// Questions wait for this.
    stands_still: Mutex<bool>,
    goes_on: Notify,
    /// Snapshots have what must be seen, and perhaps more.
    far_enough: Mutex<bool>,
}

#[derive(Clone, Debug)]
struct Behind(Arc<Numbers>);

impl Numbers {
    fn log(&self) -> MutexGuard<'_, Vec<String>> {
        self.log.lock().unwrap()
    }

    fn get(&self, id: i64) -> i64 {
        self.is.lock().unwrap().get(&id).copied().unwrap_or(0)
    }

    fn set(&self, id: i64, number: i64) {
        self.is.lock().unwrap().insert(id, number);
    }
}

impl Databases for Behind {
    type Scope = i64;
    type Question = i64;
    type Answer = i64;
    type Kept = i64;
    type Error = &'static str;

    fn key(&self, scope: i64) -> ScopeKey {
        key(scope)
    }

    fn covers(&self, question: &i64, scopes: &[i64]) -> bool {
        scopes.contains(question)
    }

    fn covers_all(&self, _: &i64, _: &[i64]) -> bool {
        true
    }

    fn keep(_: &i64, answer: i64) -> (i64, u64) {
        (answer, 8)
    }

    fn recall(_: &i64, kept: &i64) -> i64 {
        *kept
    }

    fn overtaken() -> &'static str {
        "overtaken"
    }

    fn counted(&self, _: &[i64], _: bool) {}

    async fn look(&mut self, epoch: u64, scopes: &[i64]) -> Result<Option<Vec<Version>>, &'static str> {
        self.0.log().push(format!("look {epoch} {scopes:?}"));
        if scopes.iter().any(|scope| self.0.locked.lock().unwrap().contains(scope)) {
            std::future::pending::<()>().await;
        }
        Ok(Some(scopes.iter().map(|scope| Version(self.0.get(*scope))).collect()))
    }

    async fn open(&mut self, named: &mut [Named<i64>]) -> Result<Worth, &'static str> {
        if !*self.0.far_enough.lock().unwrap() {
            return Ok(Worth::True);
        }
        self.0.log().push(format!("open {:?}", named.iter().map(|named| named.version).collect::<Vec<_>>()));
        Ok(Worth::TrueIfTokensStand)
    }

    async fn ask(&mut self, question: i64) -> Result<i64, &'static str> {
        self.0.log().push(format!("ask {question}"));
        if *self.0.stands_still.lock().unwrap() {
            self.0.goes_on.notified().await;
        }
        Ok(self.0.get(question))
    }
}

fn key(id: i64) -> ScopeKey {
    ScopeKey { space: 1, kind: 1, id }
}

struct Memory {
    validity: Arc<Validity>,
    cache: Arc<Cache<i64, i64>>,
    numbers: Arc<Numbers>,
}

impl Memory {
    fn new() -> Memory {
        let validity = Arc::new(Validity::default());
        validity.begin_epoch(validity.for_good());
        let room = Room { answers: 1 << 20, versions: 1 << 20, parts: None };
        let cache = Arc::new(Cache::new(Arc::clone(&validity), room));
        Memory { validity, cache, numbers: Arc::default() }
    }

    fn begin(&self, scopes: &[i64]) -> Recall<Behind> {
        Recall::new(Arc::clone(&self.cache), Behind(Arc::clone(&self.numbers)), scopes)
    }

    async fn read(&self, id: i64) -> i64 {
        self.begin(&[id]).query(id).await.unwrap()
    }

    fn write(&self, id: i64, number: i64) {
        self.validity.hold(key(id));
        self.numbers.set(id, number);
        self.validity.release(key(id));
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.numbers.log())
    }
}

#[tokio::test]
async fn what_was_asked_once_is_answered_from_memory_until_it_is_written() {
    let memory = Memory::new();
    assert_eq!((memory.read(1).await, memory.read(1).await), (0, 0));
    assert_eq!(memory.asked(), ["look 1 [1]", "ask 1"]);
    memory.write(1, 5);
    assert_eq!((memory.read(1).await, memory.read(1).await), (5, 5));
    assert_eq!(memory.asked(), ["ask 1"], "the row was waited for in this epoch");
}

#[tokio::test]
async fn in_a_new_epoch_each_scope_is_waited_for_and_asked_anew() {
    let memory = Memory::new();
    memory.read(1).await;
    memory.validity.begin_epoch(memory.validity.for_good());
    memory.read(1).await;
    assert_eq!(memory.asked(), ["look 1 [1]", "ask 1", "look 3 [1]", "ask 1"]);
}

#[tokio::test]
async fn a_transaction_that_saw_two_epochs_waits_for_rows_on_behalf_of_the_later() {
    let memory = Memory::new();
    let mut tx = memory.begin(&[1]);
    memory.validity.begin_epoch(memory.validity.for_good());
    tx.name(&[2]);
    tx.query(2).await.unwrap();
    assert_eq!(memory.asked(), ["look 3 [1, 2]", "ask 2"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_read_while_somebody_has_its_row_is_answered_and_not_kept() {
    let memory = Memory::new();
    memory.numbers.locked.lock().unwrap().insert(1);
    assert_eq!(memory.read(1).await, 0);
    memory.numbers.locked.lock().unwrap().clear();
    tokio::time::advance(AGAIN).await;
    assert_eq!((memory.read(1).await, memory.read(1).await), (0, 0));
    assert_eq!(memory.asked(), ["look 1 [1]", "ask 1", "look 1 [1]", "ask 1"]);
}

#[tokio::test(start_paused = true)]
async fn those_who_read_while_somebody_has_the_row_do_not_wait_for_it_one_after_the_other() {
    let memory = Memory::new();
    memory.numbers.locked.lock().unwrap().insert(1);
    let begun = tokio::time::Instant::now();
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let mut tx = memory.begin(&[1]);
        readers.spawn(async move { tx.query(1).await });
    }
    assert_eq!(readers.join_all().await, vec![Ok(0); 20]);
    assert_eq!(memory.read(1).await, 0);
    assert_eq!(begun.elapsed(), LOOK_MAX);
    assert_eq!(memory.asked().iter().filter(|asked| asked.starts_with("look")).count(), 1);
}

#[tokio::test]
async fn what_was_answered_from_memory_and_written_since_is_put_together_with_nothing() {
    let memory = Memory::new();
    for id in [1, 2] {
        memory.read(id).await;
    }
    let mut tx = memory.begin(&[1, 2]);
    assert_eq!(tx.query(1).await, Ok(0));
    memory.write(1, 5);
    assert_eq!(tx.query(2).await, Err("overtaken"), "from memory");
    let mut tx = memory.begin(&[2, 3]);
    assert_eq!(tx.query(2).await, Ok(0));
    memory.write(2, 5);
    assert_eq!(tx.query(3).await, Err("overtaken"), "from a database");
    let mut tx = memory.begin(&[3]);
    assert_eq!(tx.query(3).await, Ok(0));
    let mut tx = memory.begin(&[3]);
    assert_eq!(tx.query(3).await, Ok(0));
    memory.write(3, 5);
    assert_eq!(tx.ask(9).await, Err("overtaken"), "from a database, beside the memory");
}

#[tokio::test]
async fn what_is_loaded_while_it_is_written_is_not_answered_again() {
    let memory = Memory::new();
    *memory.numbers.stands_still.lock().unwrap() = true;
    let mut tx = memory.begin(&[1]);
    let loading = async { tx.query(1).await.unwrap() };
    let writing = async {
        memory.write(1, 5);
        *memory.numbers.stands_still.lock().unwrap() = false;
        memory.numbers.goes_on.notify_one();
    };
    tokio::join!(loading, writing);
    memory.asked();
    assert_eq!(memory.read(1).await, 5);
    assert_eq!(memory.asked(), ["ask 1"]);
}

#[tokio::test]
async fn whoever_asks_what_another_is_asking_waits_for_that_answer() {
    let memory = Memory::new();
    *memory.numbers.stands_still.lock().unwrap() = true;
    let go_on = async { memory.numbers.goes_on.notify_one() };
    let (one, two, ()) = tokio::join!(memory.read(1), memory.read(1), go_on);
    assert_eq!((one, two), (0, 0));
    assert_eq!(memory.asked(), ["look 1 [1]", "ask 1"]);
}

#[tokio::test]
async fn what_is_named_after_the_snapshot_began_or_read_of_unnamed_scopes_is_not_kept() {
    let memory = Memory::new();
    let mut tx = memory.begin(&[1]);
    tx.query(1).await.unwrap();
    tx.name(&[2]);
    tx.query(2).await.unwrap();
    tx.query(3).await.unwrap();
    assert_eq!(memory.asked(), ["look 1 [1]", "ask 1", "ask 2", "ask 3"]);
    memory.read(1).await;
    memory.read(2).await;
    assert_eq!(memory.asked(), ["look 1 [2]", "ask 2"]);
}

#[tokio::test]
async fn a_snapshot_that_may_have_more_than_the_master_shows_counts_only_if_nobody_writes_meanwhile() {
    let memory = Memory::new();
    *memory.numbers.far_enough.lock().unwrap() = true;
    assert_eq!(memory.begin(&[1]).query(1).await, Ok(0));
    assert_eq!(memory.asked(), ["look 1 [1]", "open [Some(Version(0))]", "ask 1"]);
    // A write is held, and what it writes is there before it is answered.
    let mut tx = memory.begin(&[1]);
    memory.validity.hold(key(1));
    memory.numbers.set(1, 5);
    assert_eq!(tx.query(1).await, Err("overtaken"));
    memory.validity.release(key(1));
    // What is named after the snapshot has begun is looked at by whoever asks for it.
    let mut tx = memory.begin(&[1]);
    assert_eq!(tx.query(1).await, Ok(5));
    memory.write(1, 6);
    tx.name(&[2]);
    assert_eq!(tx.query(2).await, Ok(0), "it is one snapshot all the same");
}

#[tokio::test(start_paused = true)]
async fn a_version_is_as_old_as_what_the_master_last_showed_of_it() {
    let memory = Memory::new();
    let begun = tokio::time::Instant::now();
    memory.read(1).await;
    tokio::time::advance(AGAIN).await;
    memory.begin(&[1]).ask(9).await.unwrap();
    let token = memory.validity.token(key(1)).unwrap();
    assert_eq!(memory.cache.version(key(1), token), Some((Version(0), begun)));
}
