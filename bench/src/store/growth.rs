//! What login, listing, sharing and synchronising cost as the deployment grows: statements, and the time spent in databases
//! (median of a sample of contexts, each looked at once before it counts). Flat means: at most 1.2 times that of the smallest.

use std::sync::Arc;
use std::time::Instant;

use zebu_app::folders::{self, Details, FolderChange};
use zebu_app::meter::{Meter, measured};
use zebu_app::sessions::{self, Credentials};
use zebu_app::{App, Client, files, maintenance};
use zebu_model::FolderId;
use zebu_store::Store;
use zebu_store::configdb::sequence;

use super::data::{Data, USERS, permissions};
use super::engine::Engine;

/// Contexts looked at in each step.
const SAMPLE: u32 = 60;
/// How often each.
const ROUNDS: usize = 3;
const ACTIONS: [&str; 6] = ["login", "folder listing", "file listing", "share", "sync", "a commit"];

/// Cost of one action: statements, and microseconds in databases.
type Costs = [(u64, Vec<u64>); ACTIONS.len()];

/// Prints the table of one engine. Beside the deployment that grows stands one on another server of the same kind that stays as
/// small as the first step; both are looked at in turn, so that whatever else happens to this machine happens to both.
pub(crate) async fn table(engine: &Engine, beside: &Engine, steps: &[u32]) {
    let Some(small_size) = steps.first() else { return };
    println!(
        "\n## Growth on {}: database time in µs (statements), and in that of {small_size} contexts\n",
        engine.name
    );
    println!("| users | contexts | filled in s | {} | a node's look for work |", ACTIONS.join(" | "));
    println!("|---|---|---|{}---|", "---|".repeat(ACTIONS.len()));
    let (mut data, mut small) = (Data::start(engine).await, Data::start(beside).await);
    small.grow_to(*small_size).await;
    for step in steps {
        let begun = Instant::now();
        data.grow_to(*step).await;
        let filled = begun.elapsed().as_secs_f64();
        let [large, small] = measure([(&data, *step), (&small, *small_size)]).await;
        let cells = large.iter().zip(&small).map(|((statements, times), (_, beside))| {
            let (median, beside) = (median(times), median(beside));
            format!("{median} ({statements}) **{:.2}**", median as f64 / beside as f64)
        });
        let cells = cells.collect::<Vec<_>>().join(" | ");
        let (statements, us) = look_for_work(&data.app).await;
        println!("| {} | {step} | {filled:.1} | {cells} | {us} ({statements}) |", step * USERS);
    }
}

fn median(times: &[u64]) -> u64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

/// A sample that is the same in each run: steps of a golden ratio through all contexts.
fn sample(contexts: u32) -> impl Iterator<Item = u32> {
    let step = (f64::from(contexts) * 0.618).max(1.0) as u32 | 1;
    (0..SAMPLE).map(move |n| (n.wrapping_mul(step)) % contexts + 1)
}

async fn measure(deployments: [(&Data<'_>, u32); 2]) -> [Costs; 2] {
    let [mut large, mut small]: [Costs; 2] =
        std::array::from_fn(|_| std::array::from_fn(|_| (0, Vec::new())));
    for round in 0..=ROUNDS {
        let [(_, many), (_, few)] = deployments;
        for (number, (in_large, in_small)) in sample(many).zip(sample(few)).enumerate() {
            let mut both = [(&mut large, deployments[0], in_large), (&mut small, deployments[1], in_small)];
            // Whoever comes second may find the machine warmer.
            if number % 2 == 1 {
                both.reverse();
            }
            for (costs, (data, _), context) in both {
                let visited = visit(&data.app, &data.store, data.shared, context, round).await;
                // The first round warms the caches of the databases.
                for (cost, (statements, us)) in costs.iter_mut().zip(visited).filter(|_| round > 0) {
                    cost.0 = cost.0.max(statements);
                    cost.1.push(us);
                }
            }
        }
    }
    [large, small]
}

/// What a node does twice a minute, where nothing is to be done: statements, and database time in µs, the second time.
async fn look_for_work(app: &App) -> (u64, u64) {
    let mut cost = (0, 0);
    for _ in 0..2 {
        let meter = Arc::new(Meter::default());
        let done = measured(Arc::clone(&meter), maintenance::sweep(app)).await.unwrap();
        assert_eq!(done, 0);
        cost = (meter.statements(), meter.database_us());
    }
    cost
}

/// One user's visit; what each action cost.
async fn visit(
    app: &App,
    store: &Store,
    shared: FolderId,
    context: u32,
    round: usize,
) -> [(u64, u64); ACTIONS.len()] {
    let login = format!("user3@c{context}");
    let client = Client { name: "bench".to_owned(), ..Client::default() };
    let mut costs = Vec::with_capacity(ACTIONS.len());
    macro_rules! cost {
        ($work:expr) => {{
            let meter = Arc::new(Meter::default());
            let done = measured(Arc::clone(&meter), $work).await.unwrap();
            costs.push((meter.statements(), meter.database_us()));
            done
        }};
    }
    let credentials = Credentials { login: &login, password: "secret" };
    let signed_in = cost!(sessions::login(app, credentials, &client, false));
    let caller = &signed_in.caller;
    let listing = cost!(folders::list(app, caller, FolderId(10).into(), Details::default()));
    assert_eq!(listing.folders.len(), 1, "{login} sees their own folder");
    let (_, version) = cost!(files::list(app, caller, shared));
    let change = FolderChange { permissions: Some(permissions(round % 2 == 1)), ..FolderChange::default() };
    cost!(folders::update(app, caller, shared, change));
    let changes = cost!(files::updates(app, caller, shared, version));
    assert!(changes.changed.is_empty());
    // Next to nothing but a commit: login and share have one each, and the disk may not be this run's alone.
    cost!(async {
        let mut tx = store.config_write().await?;
        sequence::hold_placement(&mut tx).await?;
        tx.commit().await
    });
    sessions::logout(app, caller).await.unwrap();
    costs.try_into().unwrap()
}
