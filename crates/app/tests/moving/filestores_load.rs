//! Contents move under load: people on two nodes upload, download and delete at random while their context's contents go back
//! and forth, both nodes sweep, and somebody checks all the time. No request fails, every byte read is right, nothing is left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;
use zebu_app::files::{self, Holding, Wanted};
use zebu_app::{App, jobs, maintenance};
use zebu_model::quota::Quota;
use zebu_model::{FileId, FolderId};
use zebu_store::configdb::jobs::State;

use crate::fixture::{CONTEXT, Pair, caller, folder, home, on_each_engine, put, replace};
use crate::ground::{Ground, KEPT_MS, work};
use crate::load::Dice;
use crate::shelves::{FIRST, another, clean, counts, has_left, join, lying, read, sweep, work_to_the_end};

/// People at work.
const PEOPLE: usize = 4;
/// Moves.
const MOVES: usize = 4;

#[derive(Debug, Default)]
struct Work {
    requests: AtomicU64,
    rounds: [AtomicU64; PEOPLE],
    next: Notify,
    stop: AtomicBool,
}

impl Work {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    async fn request<T>(&self, request: impl Future<Output = T>) -> T {
        self.requests.fetch_add(1, Ordering::Relaxed);
        request.await
    }

    /// Waits until everybody has made so many rounds more.
    async fn rounds(&self, more: u64) {
        let goal: Vec<u64> = self.rounds.iter().map(|r| r.load(Ordering::Relaxed) + more).collect();
        loop {
            let next = self.next.notified();
            if self.rounds.iter().zip(&goal).all(|(now, goal)| now.load(Ordering::Relaxed) >= *goal) {
                break;
            }
            next.await;
        }
    }
}

fn bytes(seed: u64, dice: &mut Dice) -> Vec<u8> {
    // Mostly small, sometimes of more than one part.
    let length = if dice.roll(12) == 0 { (1 << 20) + dice.roll(100_000) } else { dice.roll(2_000) };
    (0..length).map(|n| u8::try_from((n.wrapping_mul(31) + seed * 7 + (n >> 9)) % 251).unwrap()).collect()
}

async fn upload(app: &App, place: FolderId, file: Option<FileId>, name: &str, content: &[u8]) -> FileId {
    let anna = caller(app, "anna").await;
    let Some(file) = file else { return put(app, &anna, place, name, content).await.unwrap().0 };
    replace(app, &anna, place, file, content).await;
    file
}

/// One of the people, in a folder of their own, on both nodes by turns.
async fn person(nodes: [Arc<App>; 2], number: usize, place: FolderId, seen: Arc<Work>) {
    let mut dice = Dice(number as u64 * 7_919 + 5);
    let mut known: BTreeMap<FileId, Vec<u8>> = BTreeMap::new();
    let mut n = 0;
    while !seen.is_over() {
        n += 1;
        let [app, other] = if dice.roll(2) == 0 { [&nodes[0], &nodes[1]] } else { [&nodes[1], &nodes[0]] };
        let some = known.keys().nth(usize::try_from(dice.roll(12)).unwrap()).copied();
        match (dice.roll(8), some) {
            (0..=2, _) => {
                let content = bytes(n, &mut dice);
                let name = format!("{number}-{n}");
                let file = seen.request(upload(app, place, None, &name, &content)).await;
                assert!(known.insert(file, content).is_none());
            }
            (3, Some(file)) => {
                let content = bytes(n, &mut dice);
                seen.request(upload(app, place, Some(file), "", &content)).await;
                known.insert(file, content);
            }
            (4, Some(file)) => {
                let anna = caller(app, "anna").await;
                let wanted = [Wanted { file, folder: None }];
                seen.request(files::delete(app, &anna, &wanted, None, Holding::User)).await.unwrap();
                known.remove(&file);
            }
            _ => {}
        }
        let anna = caller(other, "anna").await;
        for (file, content) in known.iter().skip(usize::try_from(dice.roll(4)).unwrap()).step_by(3) {
            let found = seen.request(read(other, &anna, *file, None)).await;
            assert!(found == *content, "person {number}, round {n}: {file} is another");
        }
        seen.rounds[number].fetch_add(1, Ordering::Relaxed);
        seen.next.notify_waiters();
    }
    let anna = caller(&nodes[0], "anna").await;
    for (file, content) in known {
        assert!(read(&nodes[0], &anna, file, None).await == content, "{file} is another in the end");
    }
}

/// Sweeps on both nodes and checks, all the time.
async fn housekeeping(nodes: [Arc<App>; 2], seen: Arc<Work>) -> u64 {
    let mut checks = 0;
    while !seen.is_over() {
        for app in &nodes {
            maintenance::sweep(app).await.unwrap();
            let found = maintenance::check(app, CONTEXT).await.unwrap();
            assert!(found.is_clean(), "{found:?}");
            checks += 1;
        }
    }
    checks
}

async fn back_and_forth(pair: &Pair) {
    join(pair).await;
    let ground = Ground::of(pair).await;
    let first = ground.place().await.unwrap().filestore_id;
    let second = another(pair, "second").await;
    let anna = caller(&pair.one, "anna").await;
    let mine = home(&pair.one, &anna).await;
    let seen = Arc::new(Work::default());
    let nodes = || [Arc::clone(&pair.one), Arc::clone(&pair.two)];
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let place = folder(&pair.one, &anna, mine, &format!("of {number}")).await;
        people.push(tokio::spawn(person(nodes(), number, place, Arc::clone(&seen))));
    }
    let housekeeping = tokio::spawn(housekeeping(nodes(), Arc::clone(&seen)));
    for n in 0..MOVES {
        seen.rounds(4).await;
        let target = if n % 2 == 0 { second } else { first };
        let job = jobs::move_filestore::order(&pair.one, CONTEXT, target).await.unwrap();
        let app = if n % 2 == 0 { &pair.two } else { &pair.one };
        let copied = work(app, job).await;
        assert_eq!(copied.step, "wait", "{copied:?}");
        seen.rounds(2).await;
        if n == 1 {
            // Called off in the middle, while people go on.
            jobs::cancel(app, job).await.unwrap();
            let back = work_to_the_end(pair, app, job).await;
            assert_eq!(back.state, State::Cancelled, "{back:?}");
            let job = jobs::move_filestore::order(&pair.one, CONTEXT, target).await.unwrap();
            assert_eq!(work_to_the_end(pair, app, job).await.state, State::Done);
            continue;
        }
        pair.clock.advance_ms(KEPT_MS);
        let moved = work_to_the_end(pair, app, job).await;
        assert_eq!(moved.state, State::Done, "{moved:?}");
        println!("{}", moved.message);
    }
    seen.rounds(2).await;
    seen.stop.store(true, Ordering::Relaxed);
    for person in people {
        person.await.unwrap();
    }
    let checks = housekeeping.await.unwrap();
    println!("{} requests, 0 failed; {checks} checks", seen.requests.load(Ordering::Relaxed));
    // What was given up last is swept; then every content that lies anywhere is one that has a name.
    for _ in 0..2 {
        pair.clock.advance_ms(KEPT_MS);
        sweep(pair).await;
    }
    clean(pair).await;
    let found = maintenance::check(&pair.one, CONTEXT).await.unwrap();
    assert_eq!(u64::try_from(lying(pair, FIRST).len()).unwrap(), found.files);
    assert!(has_left(pair, "second"), "{:?}", lying(pair, "second"));
    assert_eq!(counts(pair).await, [(first, 1), (second, 0)].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contents_in_use_move_back_and_forth_and_no_request_fails_and_no_byte_is_another() {
    on_each_engine(Quota::Unlimited, async |pair| back_and_forth(&pair).await).await;
}
