//! The steps of a move of contents, each of which can be done again from its beginning. Which one may follow which is said in
//! the parent's first lines.

use std::time::{Duration, Instant, SystemTime};

use zebu_store::Filestores;
use zebu_store::configdb::jobs::Progress;
use zebu_store::configdb::{contexts, filestores, sequence};
use zebu_store::home::Home;
use zebu_store::shard::{stored, usage};

use super::super::hold::{Outcome, Stop};
use super::super::to_json;
use super::{Run, contents};
use crate::operator::{Error, filestores::room};
use crate::storage::Shelf;

/// Until it looks again whether uploads that began before have ended, ms.
const UPLOADS_MS: i64 = 5_000;
/// Contents that are looked up at a time.
const BATCH: u32 = 200;

/// After any time that a file can have been written at, since the epoch.
const ALWAYS: Duration = Duration::from_secs(1 << 36);

/// The step that comes next; `None` after the last.
type Next = Outcome<Option<&'static str>>;

/// Where the contents go to, and where they come from.
async fn ends(run: &Run<'_>) -> Outcome<(Shelf, Shelf)> {
    let storage = &run.hold.app.storage;
    let from = storage.filestore_from(&run.place).await?;
    let from =
        from.ok_or_else(|| Stop::Refused("configdb does not say that its contents move".to_owned()))?;
    Ok((storage.filestore(&run.place).await?, from))
}

/// What an operator would have been told when they asked for it, but which is so only by now.
fn refused(error: Error) -> Stop {
    match error {
        Error::Denied(denied) => Stop::Refused(denied.to_string()),
        Error::Failed(error) => Stop::Failed(error),
    }
}

/// Once more what was checked when it was asked for; then the first turn, with the place at the target counted.
pub(super) async fn begin(run: &mut Run<'_>) -> Next {
    run.check()?;
    let app = run.hold.app;
    super::check(app, &run.place, run.what.target).await.map_err(refused)?;
    let used = {
        let mut tx = app.read(&run.place).await?;
        usage::used(&mut tx).await?
    };
    let mut tx = app.store.config_write().await?;
    sequence::hold_placement(&mut tx).await?;
    room(app, &mut tx, run.what.target, used).await.map_err(refused)?;
    let (home, from) = (run.what.target, run.place.filestore_id);
    if !contexts::set_filestores(&mut tx, &run.place, Filestores { home, from }).await? {
        return Err(Stop::Refused("configdb names another file store by now".to_owned()));
    }
    filestores::count_contexts(&mut tx, home, 1).await?;
    run.what.source = from;
    turned(run, tx).await.map(Some)
}

/// The way back: the same with the file stores exchanged.
pub(super) async fn back(run: &mut Run<'_>, reason: String) -> Outcome<String> {
    run.what.back = Some(reason);
    let mut tx = run.hold.app.store.config_write().await?;
    let was = run.place.filestores();
    if !contexts::set_filestores(&mut tx, &run.place, Filestores { home: was.from, from: was.home }).await? {
        return Err(Stop::Lost);
    }
    turned(run, tx).await.map(str::to_owned)
}

/// The end of the transaction in which configdb says where contents go from here on.
async fn turned(run: &mut Run<'_>, mut tx: zebu_store::ConfigWriteTx) -> Outcome<&'static str> {
    run.what.after = String::new();
    let arguments = to_json(&run.what)?;
    let at = Progress { step: "turn", done: 0, all: 0, arguments: &arguments, message: "" };
    run.hold.advance_in(&mut tx, &at).await?;
    tx.commit().await?;
    run.look().await?;
    Ok("turn")
}

/// The home says so too: once the writes under way have ended, contents get their names there.
pub(super) async fn turn(run: &mut Run<'_>) -> Next {
    set_home(run, run.place.filestores()).await?;
    run.at("copy", 0, 0).await?;
    Ok(Some("copy"))
}

async fn set_home(run: &Run<'_>, filestores: Filestores) -> Outcome<()> {
    run.hold.stamp(&run.place).await?;
    let (mut tx, home) = run.hold.home(&run.place).await?;
    tx.set(Home { filestores, ..home }).await?;
    Ok(tx.commit().await?)
}

/// Every content that has a name and has not come yet.
pub(super) async fn copy(run: &mut Run<'_>) -> Next {
    let (to, from) = ends(run).await?;
    let all = {
        let mut tx = run.hold.app.read(&run.place).await?;
        usage::recount(&mut tx).await?.0
    };
    run.at("copy", 0, all).await?;
    let (mut told, mut done) = (Instant::now(), 0u64);
    loop {
        let batch = {
            let mut tx = run.hold.app.read(&run.place).await?;
            stored::named_behind(&mut tx, &run.what.after, BATCH).await?
        };
        let Some(last) = batch.last() else { break };
        let last = last.key.clone();
        let mut copied = Vec::new();
        for content in &batch {
            run.check()?;
            if contents::bring(run, &from, &to, content).await? {
                run.what.contents = run.what.contents.saturating_add(1);
                run.what.bytes = run.what.bytes.saturating_add(content.size);
                copied.push(content.key.clone());
            }
            done = done.saturating_add(1);
            if told.elapsed() > Duration::from_secs(1) {
                told = Instant::now();
                run.at("copy", done, all).await?;
            }
        }
        contents::drop_given_up(run, &to, copied).await?;
        run.what.after = last;
    }
    run.what.copied = run.hold.app.now_ms();
    run.at("wait", 0, 0).await?;
    Ok(Some("wait"))
}

/// Until nobody reads or writes any more where the contents were.
pub(super) async fn wait(run: &mut Run<'_>) -> Next {
    run.check()?;
    let app = run.hold.app;
    let (to, from) = ends(run).await?;
    let due = run.what.copied.saturating_add(app.config.jobs.keep_ms);
    if app.now_ms() < due {
        let reason = format!(
            "all contents are in filestore {}; what they left in {} is kept until then",
            to.id, from.id
        );
        return Err(Stop::Until(due, reason));
    }
    let reserved = {
        let mut tx = app.read(&run.place).await?;
        stored::reserved_in(&mut tx, from.id).await?
    };
    if reserved > 0 {
        let due = app.now_ms().saturating_add(UPLOADS_MS);
        return Err(Stop::Until(due, format!("{reserved} uploads may still write to filestore {}", from.id)));
    }
    run.at("clear", 0, 0).await?;
    Ok(Some("clear"))
}

/// Removes what is left where the contents were, and what came to the target without a name; then the move is over.
pub(super) async fn clear(run: &mut Run<'_>) -> Next {
    let (to, from) = ends(run).await?;
    while contents::clear(run, &from, &to).await? > 0 {}
    // Of any age: nobody writes there any more.
    let always = SystemTime::UNIX_EPOCH.checked_add(ALWAYS).unwrap_or(SystemTime::UNIX_EPOCH);
    run.hold.certain().await?;
    from.store.sweep_temporary(run.place.context.0, always).await?;
    if !from.store.remove_empty(run.place.context.0).await? {
        tracing::warn!("job {}: what is not Zebu's stays in filestore {}", run.hold.id, from.id);
    }
    contents::clear_unknown(run, &to).await?;
    set_home(run, Filestores { home: to.id, from: 0 }).await?;
    let app = run.hold.app;
    let mut tx = app.store.config_write().await?;
    if !contexts::set_filestores(&mut tx, &run.place, Filestores { home: to.id, from: 0 }).await? {
        return Err(Stop::Lost);
    }
    filestores::count_contexts(&mut tx, from.id, -1).await?;
    let arguments = to_json(&run.what)?;
    let at = Progress { step: "over", done: 0, all: 0, arguments: &arguments, message: "" };
    run.hold.advance_in(&mut tx, &at).await?;
    tx.commit().await?;
    // Those that were kept from being swept meanwhile.
    app.to_sweep.add(run.place.context);
    Ok(None)
}
