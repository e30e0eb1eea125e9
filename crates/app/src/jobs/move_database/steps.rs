//! The steps of a move, each of which can be done again from its beginning. Which one may follow which is said in the
//! parent's first lines.

use std::time::{Duration, Instant};

use zebu_store::Place;
use zebu_store::configdb::jobs::Progress;
use zebu_store::configdb::{contexts, databases, sequence};
use zebu_store::home::{Home, State};
use zebu_store::shard::tables;

use super::super::hold::{Hold, Outcome, Stop};
use super::super::pass;
use super::super::rows;
use super::super::to_json;
use super::{Move, Run, why};

/// A pass that changed fewer rows than this is followed by the switch.
const LITTLE_ROWS: u64 = 200;
/// How many passes are made after the first, if there is always more than a little.
const PASSES_MAX: u32 = 8;
/// How long writes may wait for the last pass, ms: less than a request waits for them. A pass that takes longer is given up, the
/// context goes on where it is, and the job tries again later.
const SWITCH_MS_MAX: u64 = 5_000;
/// Until it tries again, ms.
const AGAIN_MS: i64 = 30_000;

/// The step that comes next; `None` after the last.
type Next = Outcome<Option<&'static str>>;

/// Chooses the schema, if that is not done; answers where the context comes from and where it goes. Both homes are this
/// worker's from here on.
pub(super) async fn prepare(hold: &Hold<'_>, what: &mut Move, step: &str) -> Outcome<(Place, Place)> {
    let app = hold.app;
    let place = {
        let mut tx = app.store.config().await?;
        contexts::by_id(&mut tx, hold.context).await?
    };
    let place = place.ok_or_else(|| Stop::Refused(format!("context {} does not exist", hold.context)))?;
    let (schema, source) = match (&what.schema, &what.source) {
        (Some(schema), Some(source)) => (schema.clone(), source.clone()),
        _ => choose(hold, what, &place).await?,
    };
    app.store.ensure_schema(what.database, &schema).await?;
    let mut tx = app.store.config_write().await?;
    databases::set_schema_ready(&mut tx, &schema).await?;
    tx.commit().await?;
    let (from, to) = (place.at(source.0, &source.1), place.at(what.database, &schema));
    hold.stamp(&from).await?;
    if hold.stamp(&to).await?.is_none() && matches!(step, "" | "prepare") {
        let mut tx = app.store.hold_home(&to).await?;
        let home = Home {
            state: State::Arriving,
            born: to.born,
            epoch: hold.epoch,
            filestores: to.filestores(),
            enabled: true,
        };
        tx.set(home).await?;
        tx.commit().await?;
    }
    Ok((from, to))
}

/// A schema on the target with room, and its place counted, in the transaction that writes both into the job.
async fn choose(hold: &Hold<'_>, what: &mut Move, place: &Place) -> Outcome<(String, (i64, String))> {
    let mut tx = hold.app.store.config_write().await?;
    sequence::hold_placement(&mut tx).await?;
    let refused = |reason: String| Err(Stop::Refused(reason));
    let Some(server) = databases::by_id(&mut tx, what.database).await? else {
        return refused(format!("database {} does not exist", what.database));
    };
    if server.master != 0 || place.database == what.database {
        return refused(format!("database {} is a replica, or where the context is already", what.database));
    }
    let contexts_max = hold.app.config.operator.contexts_per_schema;
    let schema = match databases::schema_with_room(&mut tx, server.id, contexts_max).await? {
        Some(schema) => schema.name,
        None => databases::insert_schema(&mut tx, &server).await?,
    };
    databases::count_contexts(&mut tx, &schema, 1).await?;
    let source = (place.database, place.schema.clone());
    what.schema = Some(schema.clone());
    what.source = Some(source.clone());
    let arguments = to_json(what)?;
    let at = Progress { step: "prepare", done: 0, all: 0, arguments: &arguments, message: "" };
    hold.advance_in(&mut tx, &at).await?;
    tx.commit().await?;
    Ok((schema, source))
}

/// Everything, out of one snapshot.
pub(super) async fn copy(run: &mut Run<'_>) -> Next {
    let mut all = 0u64;
    {
        let mut tx = run.hold.app.store.read_at(&run.from).await?;
        for table in tables::all() {
            all = all.saturating_add(table.count(&mut tx).await?);
        }
    }
    pass_showing(run, "copy", all).await?;
    run.at("follow", 0, 0).await?;
    Ok(Some("follow"))
}

/// One pass that shows how far it is.
async fn pass_showing(run: &Run<'_>, step: &str, all: u64) -> Outcome<pass::Tally> {
    run.at(step, 0, all).await?;
    let mut shown = Some(pass::Shown::new(run.hold, step, to_json(&run.what)?, all));
    pass::all(run.hold, &run.from, &run.to, &mut shown).await
}

/// Follows until little changes, then switches. `again`: a worker died in the switch; if writes are waiting, they wait for
/// this.
pub(super) async fn switch(run: &mut Run<'_>, again: bool) -> Next {
    let hold = run.hold;
    let waiting = again && hold.stamp(&run.from).await?.is_some_and(|home| home.state == State::Leaving);
    if !waiting {
        follow(run).await?;
        run.at("switch", 0, 0).await?;
    }
    let begun = Instant::now();
    let sealed = match leave(run).await {
        Ok(()) => {
            let limit = Duration::from_millis(SWITCH_MS_MAX);
            let last = pass::to_the_last_row(hold, &run.from, &run.to);
            match tokio::time::timeout(limit, last).await {
                Ok(done) => done.and_then(|_| hold.check()),
                Err(_) => {
                    let due = hold.app.now_ms().saturating_add(AGAIN_MS);
                    let reason = format!("writes would have had to wait for more than {SWITCH_MS_MAX} ms");
                    Err(Stop::Until(due, reason))
                }
            }
        }
        Err(stop) => Err(stop),
    };
    if let Err(stop) = sealed {
        if !matches!(stop, Stop::Lost) {
            stay(run).await?;
            run.at("follow", 0, 0).await?;
        }
        return Err(stop);
    }
    commit(run).await?;
    live(run).await?;
    run.what.paused = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX).max(1);
    Ok(Some("arrive"))
}

async fn follow(run: &Run<'_>) -> Outcome<()> {
    for _ in 0..PASSES_MAX {
        if pass_showing(run, "follow", 0).await?.changed < LITTLE_ROWS {
            break;
        }
    }
    Ok(())
}

/// Waits for the writes under way; those that come later wait until the context lives again, somewhere.
async fn leave(run: &Run<'_>) -> Outcome<()> {
    let (mut tx, home) = run.hold.home(&run.from).await?;
    tx.set(Home { state: State::Leaving, ..home }).await?;
    Ok(tx.commit().await?)
}

/// The context lives on where it is.
async fn stay(run: &Run<'_>) -> Outcome<()> {
    let (mut tx, home) = run.hold.home(&run.from).await?;
    tx.set(Home { state: State::Lives, ..home }).await?;
    Ok(tx.commit().await?)
}

/// From here on configdb names the target.
async fn commit(run: &mut Run<'_>) -> Outcome<()> {
    let mut tx = run.hold.app.store.config_write().await?;
    if !contexts::set_home(&mut tx, &run.from, &run.to).await? {
        return Err(Stop::Refused("configdb names another database by now".to_owned()));
    }
    databases::count_contexts(&mut tx, &run.from.schema, -1).await?;
    run.what.moved = run.hold.app.now_ms();
    let arguments = to_json(&run.what)?;
    let at = Progress { step: "arrive", done: 0, all: 0, arguments: &arguments, message: "" };
    run.hold.advance_in(&mut tx, &at).await?;
    Ok(tx.commit().await?)
}

/// The context lives at the target, as it did at the source; writes go on.
async fn live(run: &Run<'_>) -> Outcome<()> {
    let (tx, was) = run.hold.home(&run.from).await?;
    drop(tx);
    let (mut tx, home) = run.hold.home(&run.to).await?;
    if home.state == State::Arriving {
        let home = Home { state: State::Lives, enabled: was.enabled, filestores: was.filestores, ..home };
        tx.set(home).await?;
    }
    Ok(tx.commit().await?)
}

/// What a worker that died after configdb's switch left to do.
pub(super) async fn arrive(run: &mut Run<'_>) -> Next {
    live(run).await?;
    run.at("wait", 0, 0).await?;
    Ok(Some("wait"))
}

/// Until nobody reads at the source any more. One that is being deleted has no readers.
pub(super) async fn wait(run: &Run<'_>) -> Next {
    let app = run.hold.app;
    let due = run.what.moved.saturating_add(app.config.jobs.keep_ms);
    let state = {
        let mut tx = app.store.config().await?;
        contexts::state(&mut tx, run.hold.context).await?
    };
    if app.now_ms() < due && state != Some(contexts::State::BeingDeleted) {
        return Err(Stop::Until(due, format!("{}; what it left is kept until then", run.what.said())));
    }
    Ok(Some("clear"))
}

/// Removes what the context left behind.
pub(super) async fn clear(run: &Run<'_>) -> Next {
    run.at("clear", 0, 0).await?;
    rows::clear(run.hold, &run.from).await?;
    Ok(None)
}

/// Everything as before.
pub(super) async fn undo(run: &Run<'_>) -> Outcome<String> {
    if run.hold.stamp(&run.from).await?.is_some_and(|home| home.state == State::Leaving) {
        stay(run).await?;
    }
    rows::clear(run.hold, &run.to).await?;
    let mut tx = run.hold.app.store.config_write().await?;
    databases::count_contexts(&mut tx, &run.to.schema, -1).await?;
    // Counted once: in the transaction that makes this the last step.
    let what = Move { schema: None, source: None, ..run.what.clone() };
    let arguments = to_json(&what)?;
    let at = Progress { step: "undone", done: 0, all: 0, arguments: &arguments, message: "" };
    run.hold.advance_in(&mut tx, &at).await?;
    tx.commit().await?;
    Err(why(&what))
}
