//! The files of an estate: those the user made, and traces in those of others.

use std::collections::BTreeMap;

use zebu_model::estate::Wish;
use zebu_model::{FileId, FolderId, Scope};
use zebu_store::Plan;
use zebu_store::shard::estate::{self, Trace};
use zebu_store::shard::files as statements;

use super::super::hold::Outcome;
use super::Run;
use crate::error::Result;
use crate::files;
use crate::settle::until_settled;

/// Files handed over or deleted in one transaction: others who write to their folder wait no longer than for these.
const FILES_A_STEP: u32 = 200;

/// Everything in homes that go, then file after file from where the job was. One that moves to another folder meanwhile is
/// found the next time.
pub(super) async fn all(run: &mut Run<'_>) -> Outcome<()> {
    if run.wish() == Wish::Delete {
        empty_homes(run).await?;
    }
    loop {
        let traces = {
            let mut tx = run.app().read(&run.place).await?;
            estate::files(&mut tx, run.user(), FileId(run.what.after), FILES_A_STEP).await?
        };
        let Some(last) = traces.last().map(|trace| trace.file) else { return Ok(()) };
        let mut places: BTreeMap<FolderId, Vec<Trace>> = BTreeMap::new();
        for trace in &traces {
            places.entry(trace.folder).or_default().push(*trace);
        }
        for (folder, traces) in places {
            until_settled!(settle(run, folder, &traces).await)?;
        }
        run.what.after = last.0;
        run.at("files", traces.len()).await?;
    }
}

async fn settle(run: &Run<'_>, folder: FolderId, traces: &[Trace]) -> Result<()> {
    let mut tx = run.app().write(&run.place, Plan::changing([Scope::Folder(folder)])).await?;
    let goes = |trace: &&Trace| trace.is_theirs && run.wish() == Wish::Delete;
    let (going, staying): (Vec<&Trace>, Vec<&Trace>) = traces.iter().partition(goes);
    let ids = |those: &[&Trace]| those.iter().map(|trace| trace.file).collect::<Vec<FileId>>();
    if !going.is_empty() {
        // What moved away meanwhile is another folder's.
        let found = statements::by_id(&mut tx, &ids(&going)).await?;
        let here: Vec<FileId> = found.into_iter().filter(|f| f.folder == folder).map(|f| f.id).collect();
        files::remove(&mut tx, folder, &here, run.app().now_ms()).await?;
    }
    if !staying.is_empty() {
        estate::hand_over_files(&mut tx, folder, &ids(&staying), run.user(), run.heir()).await?;
    }
    Ok(tx.commit().await?)
}

/// What is in a home is its owner's, whoever put it there.
async fn empty_homes(run: &mut Run<'_>) -> Outcome<()> {
    let homes = {
        let mut tx = run.app().read(&run.place).await?;
        estate::homes(&mut tx, run.user()).await?
    };
    for (folder, _) in homes {
        loop {
            let removed = until_settled!(remove_some(run, folder).await)?;
            if removed == 0 {
                break;
            }
            run.at("files", removed).await?;
        }
    }
    Ok(())
}

async fn remove_some(run: &Run<'_>, folder: FolderId) -> Result<usize> {
    {
        let mut tx = run.app().read(&run.place).await?;
        if estate::some_in(&mut tx, folder, 1).await?.is_empty() {
            return Ok(0);
        }
    }
    let mut tx = run.app().write(&run.place, Plan::changing([Scope::Folder(folder)])).await?;
    let ids = estate::some_in(&mut tx, folder, FILES_A_STEP).await?;
    files::remove(&mut tx, folder, &ids, run.app().now_ms()).await?;
    tx.commit().await?;
    Ok(ids.len())
}
