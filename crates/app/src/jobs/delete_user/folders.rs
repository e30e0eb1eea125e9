//! The folders of an estate: what becomes of each is decided by [`zebu_model::estate::fate`], while nobody else changes the
//! tree.

use std::collections::BTreeSet;

use zebu_model::estate::{Fate, Left, Wish, fate, private_parent, without};
use zebu_model::folder::{Folder, Type, is_view_title};
use zebu_model::rights::Permission;
use zebu_model::{FolderId, Scope, UserId};
use zebu_store::shard::{accounts, estate, files, folder_writes, folders};
use zebu_store::{Plan, Tx, WriteTx};

use super::super::hold::Outcome;
use super::Run;
use crate::error::Result;
use crate::settle::until_settled;

/// Folders decided upon in one transaction: others who change the tree wait no longer than for these.
const FOLDERS_A_STEP: usize = 50;
/// Characters kept of a title to which it is added whose the folder was, and of that name: together less than a title may have.
const TITLE_CHARS: usize = 130;
const NAME_CHARS: usize = 90;

/// From the top down, so that what is handed over finds its parent handed over, then from the bottom up, so that what goes is
/// empty.
pub(super) async fn all(run: &mut Run<'_>) -> Outcome<()> {
    let (all, doomed) = {
        let mut tx = run.app().read(&run.place).await?;
        let homes =
            if run.wish() == Wish::Delete { estate::homes(&mut tx, run.user()).await? } else { Vec::new() };
        (estate::folders(&mut tx, run.user()).await?, homes)
    };
    let homes: BTreeSet<FolderId> = doomed.iter().map(|(id, _)| *id).collect();
    let mut ids: Vec<FolderId> = all.into_iter().map(|(id, _)| id).filter(|id| !homes.contains(id)).collect();
    if run.wish() == Wish::HandOver {
        go_through(run, &ids, &homes).await?;
    }
    ids.reverse();
    // Below a home everything goes, so it goes first: what lies elsewhere is not below it.
    let below: Vec<FolderId> = doomed.into_iter().rev().map(|(id, _)| id).collect();
    go_through(run, &below, &homes).await?;
    go_through(run, &ids, &homes).await
}

async fn go_through(run: &mut Run<'_>, ids: &[FolderId], doomed: &BTreeSet<FolderId>) -> Outcome<()> {
    for part in ids.chunks(FOLDERS_A_STEP) {
        until_settled!(settle(run, part, doomed).await)?;
        run.at("folders", part.len()).await?;
    }
    Ok(())
}

async fn settle(run: &Run<'_>, ids: &[FolderId], doomed: &BTreeSet<FolderId>) -> Result<()> {
    let mut tx = run.app().write(&run.place, Plan::changing([Scope::Tree])).await?;
    // One by one: what becomes of one depends on what became of those before.
    for id in ids {
        let Some(left) = look(&mut tx, *id, doomed.contains(id)).await? else { continue };
        match fate(run.wish(), run.user(), &left) {
            Fate::Deleted => {
                files::delete_with_folders(&mut tx, &[*id]).await?;
                folder_writes::delete(&mut tx, std::slice::from_ref(&left.folder)).await?;
            }
            Fate::HandedOver => hand_over(run, &mut tx, &left).await?,
            Fate::Later | Fate::Untouched => {}
        }
    }
    Ok(tx.commit().await?)
}

async fn look(tx: &mut Tx, id: FolderId, doomed: bool) -> Result<Option<Left>> {
    let Some((folder, has_files, has_folders)) = estate::held(tx, &[id]).await?.pop() else {
        return Ok(None);
    };
    let permissions = permissions(tx, id).await?;
    Ok(Some(Left { folder, permissions, has_files, has_folders, doomed }))
}

async fn permissions(tx: &mut Tx, id: FolderId) -> Result<Vec<Permission>> {
    Ok(folders::permissions(tx, &[id]).await?.into_iter().map(|(_, permission)| permission).collect())
}

async fn hand_over(run: &Run<'_>, tx: &mut WriteTx, left: &Left) -> Result<()> {
    let (user, heir, was) = (run.user(), run.heir(), &left.folder);
    let mut becomes = Folder { created_by: heir, ..was.clone() };
    if was.kind == Type::Private {
        let parent = estate::held(tx, &[was.parent]).await?.pop().map(|(folder, ..)| folder);
        becomes.parent = private_parent(was, heir, parent.as_ref());
        becomes.title = free_title(tx, user, &becomes).await?;
    }
    estate::hand_over_folder(tx, was, &becomes, UserId::ADMIN).await?;
    let permissions = without(user, heir, true, &left.permissions);
    Ok(folder_writes::set_permissions(tx, was.id, becomes.parent, &permissions, UserId::ADMIN).await?)
}

/// Among the heir's own there may be one of the same title: then it says whose it was.
async fn free_title(tx: &mut WriteTx, user: UserId, folder: &Folder) -> Result<String> {
    let name = accounts::by_id(tx, user).await?.map_or_else(|| user.to_string(), |a| a.display_name);
    let name: String = name.chars().take(NAME_CHARS).map(|c| if c == '/' { '_' } else { c }).collect();
    let base: String = folder.title.chars().take(TITLE_CHARS).collect();
    let mut title = folder.title.clone();
    let mut number = 1u32;
    while is_view_title(folder.parent, &title)
        || folders::title_taken(tx, folder, folder.parent, &title).await?
    {
        title = if number == 1 { format!("{base} ({name})") } else { format!("{base} ({name} {number})") };
        number = number.saturating_add(1);
    }
    Ok(title)
}

/// Nobody sees what goes: not even its own permissions are left.
pub(super) async fn withdraw(run: &mut Run<'_>) -> Outcome<()> {
    if run.wish() == Wish::HandOver {
        return Ok(());
    }
    let homes = {
        let mut tx = run.app().read(&run.place).await?;
        estate::homes(&mut tx, run.user()).await?
    };
    for part in homes.chunks(FOLDERS_A_STEP) {
        let ids: Vec<FolderId> = part.iter().map(|(id, _)| *id).collect();
        until_settled!(hide(run, &ids).await)?;
        run.at("withdraw", part.len()).await?;
    }
    Ok(())
}

async fn hide(run: &Run<'_>, ids: &[FolderId]) -> Result<()> {
    let mut tx = run.app().write(&run.place, Plan::changing([Scope::Tree])).await?;
    for (folder, ..) in estate::held(&mut tx, ids).await? {
        folder_writes::set_permissions(&mut tx, folder.id, folder.parent, &[], UserId::ADMIN).await?;
    }
    Ok(tx.commit().await?)
}
