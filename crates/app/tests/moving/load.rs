//! Moves under load: people on two nodes write and read at random while their context goes back and forth. No request
//! fails, nothing answered is lost, nothing read is stale.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::Notify;
use zebu_app::files::{self, Fields, FileChange, Holding, Wanted};
use zebu_app::folders::{self, FolderChange};
use zebu_app::{App, jobs, maintenance};
use zebu_model::quota::Quota;
use zebu_model::rights::{Bits, Entity, Permission};
use zebu_model::{FileId, FolderId};
use zebu_store::configdb::jobs::State;

use crate::fixture::{
    ANNA, BEN, CONTEXT, Pair, caller, code, folder, home, on, on_each_engine, put, sign_in,
};
use crate::ground::{Engine, Ground, KEPT_MS, work};

/// People at work.
const PEOPLE: u64 = 4;
/// Moves.
const MOVES: usize = 4;

#[derive(Debug, Default)]
struct Seen {
    requests: AtomicU64,
    slowest_read_us: AtomicU64,
    /// Rounds each of the people has made.
    rounds: [AtomicU64; PEOPLE as usize],
    next: Notify,
}

impl Seen {
    async fn read<T>(&self, read: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let done = read.await;
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap();
        self.slowest_read_us.fetch_max(took, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        done
    }

    async fn write<T>(&self, write: impl Future<Output = T>) -> T {
        self.requests.fetch_add(1, Ordering::Relaxed);
        write.await
    }
}

/// Numbers that look random, the same each time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn named(name: &str) -> FileChange<'static> {
    FileChange {
        folder: None,
        fields: Fields { filename: Some(name.to_owned()), ..Fields::default() },
        content: None,
        seen: None,
        holding: Holding::User,
    }
}

/// One of the people, in a folder of their own, on both nodes by turns; remembers what was answered and holds every later
/// answer against it.
async fn person(
    nodes: [Arc<App>; 2],
    number: u64,
    place: FolderId,
    seen: Arc<Seen>,
    stop: Arc<AtomicBool>,
) -> u64 {
    let mut dice = Dice(number * 7_919 + 1);
    let mut known: BTreeMap<FileId, String> = BTreeMap::new();
    let mut shared = false;
    let mut sessions = Vec::new();
    let mut n = 0u64;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let [app, other] = if dice.roll(2) == 0 { [&nodes[0], &nodes[1]] } else { [&nodes[1], &nodes[0]] };
        let anna = caller(app, "anna").await;
        let some = known.keys().nth(usize::try_from(dice.roll(8)).unwrap()).copied();
        match (dice.roll(12), some) {
            (0..=3, _) => {
                let name = format!("{number}-{n}");
                let done = seen.write(put(app, &anna, place, &name, name.as_bytes())).await.unwrap();
                assert!(known.insert(done.0, name).is_none(), "an id twice");
            }
            (4..=5, Some(file)) => {
                let name = format!("{number}-{n} renamed");
                seen.write(files::update(app, &anna, file, named(&name))).await.unwrap();
                known.insert(file, name);
            }
            (6, Some(file)) => {
                let wanted = [Wanted { file, folder: None }];
                seen.write(files::delete(app, &anna, &wanted, None, Holding::User)).await.unwrap();
                known.remove(&file);
            }
            (7, _) => {
                shared = !shared;
                let mut permissions = vec![Permission { entity: Entity::User(ANNA), bits: Bits::OWNER }];
                if shared {
                    permissions.push(Permission { entity: Entity::User(BEN), bits: Bits::VIEWER });
                }
                let change = FolderChange { permissions: Some(permissions), ..FolderChange::default() };
                seen.write(folders::update(app, &anna, place, change)).await.unwrap();
            }
            (8, _) if sessions.len() < 5 => sessions.push(seen.write(sign_in(app, "anna")).await),
            _ => {}
        }
        // On the other node: all of it, and nothing else.
        let there = caller(other, "anna").await;
        let listed = seen.read(files::list(other, &there, place)).await.unwrap().0;
        let listed: BTreeMap<FileId, String> =
            listed.iter().map(|file| (file.id, file.name().to_owned())).collect();
        assert_eq!(listed, known, "person {number}, round {n}");
        let ben = caller(other, "ben").await;
        let allowed = seen.read(files::list(other, &ben, place)).await;
        assert_eq!(allowed.is_ok(), shared, "{allowed:?}");
        if !shared {
            assert_eq!(code(allowed), "FLD-0003");
        }
        for session in &sessions {
            seen.read(on(other, session)).await.unwrap();
        }
        seen.rounds[usize::try_from(number).unwrap()].fetch_add(1, Ordering::Relaxed);
        seen.next.notify_waiters();
    }
    n
}

/// Waits until everybody has made so many rounds more: whatever was under way is over then.
async fn rounds(seen: &Seen, more: u64) {
    let goal: Vec<u64> = seen.rounds.iter().map(|r| r.load(Ordering::Relaxed) + more).collect();
    loop {
        let next = seen.next.notified();
        if seen.rounds.iter().zip(&goal).all(|(now, goal)| now.load(Ordering::Relaxed) >= *goal) {
            break;
        }
        next.await;
    }
}

async fn back_and_forth(pair: &Pair, there: i64) {
    let ground = Ground::of(pair).await;
    let first = ground.place().await.unwrap().database;
    let anna = caller(&pair.one, "anna").await;
    let mine = home(&pair.one, &anna).await;
    let (seen, stop) = (Arc::new(Seen::default()), Arc::new(AtomicBool::new(false)));
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let place = folder(&pair.one, &anna, mine, &format!("{there} of {number}")).await;
        let nodes = [Arc::clone(&pair.one), Arc::clone(&pair.two)];
        people.push(tokio::spawn(person(nodes, number, place, Arc::clone(&seen), Arc::clone(&stop))));
    }
    for n in 0..MOVES {
        rounds(&seen, 3).await;
        let target = if n % 2 == 0 { there } else { first };
        let job = jobs::move_database::order(&pair.one, CONTEXT, target).await.unwrap();
        let app = if n % 2 == 0 { &pair.two } else { &pair.one };
        let moved = work(app, job).await;
        assert_eq!(moved.step, "wait", "{moved:?}");
        println!("{}", moved.message);
        rounds(&seen, 2).await;
        pair.clock.advance_ms(KEPT_MS);
        assert_eq!(work(app, job).await.state, State::Done);
    }
    rounds(&seen, 2).await;
    stop.store(true, Ordering::Relaxed);
    let mut all = 0;
    for person in people {
        all += person.await.unwrap();
    }
    println!(
        "{all} rounds, {} requests, 0 failed; the slowest read took {} ms",
        seen.requests.load(Ordering::Relaxed),
        seen.slowest_read_us.load(Ordering::Relaxed) / 1_000
    );
    let found = maintenance::check(&pair.two, CONTEXT).await.unwrap();
    assert!(found.is_clean(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_in_use_moves_back_and_forth_and_no_request_fails_or_sees_the_past() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let ground = Ground::of(&pair).await;
        for engine in [Engine::Sqlite, Engine::Maria] {
            println!("beside {engine:?}");
            let there = ground.register(&pair, engine).await;
            back_and_forth(&pair, there).await;
        }
    })
    .await;
}
