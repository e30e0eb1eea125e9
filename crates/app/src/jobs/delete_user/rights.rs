//! What the user had in folders of others: permissions, the word that it changed them last, and locks.

use zebu_model::estate::without;
use zebu_model::rights::Permission;
use zebu_model::{FolderId, Scope, UserId};
use zebu_store::Plan;
use zebu_store::shard::{dav, estate, folder_writes, folders};

use super::super::hold::Outcome;
use super::Run;
use crate::error::Result;
use crate::settle::until_settled;

/// Folders changed in one transaction: others who change the tree wait no longer than for these.
const FOLDERS_A_STEP: u32 = 100;
/// Locks ended in one transaction.
const LOCKS_A_STEP: u32 = 100;

pub(super) async fn all(run: &mut Run<'_>) -> Outcome<()> {
    loop {
        let done = until_settled!(withdraw(run).await)?;
        run.at("rights", done).await?;
        if done == 0 {
            break;
        }
    }
    loop {
        let done = until_settled!(hand_over_changes(run).await)?;
        run.at("rights", done).await?;
        if done == 0 {
            break;
        }
    }
    while until_settled!(end_locks(run).await)? > 0 {}
    Ok(())
}

async fn withdraw(run: &Run<'_>) -> Result<usize> {
    let mut tx = run.app().write(&run.place, Plan::changing([Scope::Tree])).await?;
    let some = estate::permitted(&mut tx, run.user(), FOLDERS_A_STEP).await?;
    let ids: Vec<FolderId> = some.iter().map(|(id, _)| *id).collect();
    let all = folders::permissions(&mut tx, &ids).await?;
    for (id, parent) in &some {
        let here: Vec<Permission> = all.iter().filter(|(of, _)| of == id).map(|(_, p)| *p).collect();
        let rest = without(run.user(), run.heir(), false, &here);
        folder_writes::set_permissions(&mut tx, *id, *parent, &rest, UserId::ADMIN).await?;
    }
    tx.commit().await?;
    Ok(some.len())
}

async fn hand_over_changes(run: &Run<'_>) -> Result<usize> {
    let mut tx = run.app().write(&run.place, Plan::changing([Scope::Tree])).await?;
    let done = estate::hand_over_changes(&mut tx, run.user(), run.heir(), FOLDERS_A_STEP).await?;
    tx.commit().await?;
    Ok(done)
}

async fn end_locks(run: &Run<'_>) -> Result<usize> {
    let some = {
        let mut tx = run.app().read(&run.place).await?;
        estate::locks(&mut tx, run.user(), LOCKS_A_STEP).await?
    };
    if some.is_empty() {
        return Ok(0);
    }
    let scopes = some.iter().map(|(lock, place)| dav::scope_of_locks(lock.target, *place));
    let mut tx = run.app().write(&run.place, Plan::changing(scopes)).await?;
    for (lock, place) in &some {
        dav::delete_lock(&mut tx, lock, *place).await?;
    }
    tx.commit().await?;
    Ok(some.len())
}
