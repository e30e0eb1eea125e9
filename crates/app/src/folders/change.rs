//! `update`: rename, move, permissions; in one transaction or not at all.

use zebu_model::access::{check_fixed, check_public, check_sharing, owner_of};
use zebu_model::folder::{Type, fixed, is_view_title};
use zebu_model::rights::Permission;
use zebu_model::tree::{Granted, check_carried, check_move, check_permissions, check_rename};
use zebu_model::{FolderId, Refusal, Scope, Version, name};
use zebu_store::shard::{folder_writes, folders};
use zebu_store::{Plan, WriteTx};

use super::create::{check_entities, name_taken};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::settle::until_settled;

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct FolderChange {
    /// Another name.
    pub title: Option<String>,
    /// Another place.
    pub parent: Option<FolderId>,
    /// Other permissions, all of them.
    pub permissions: Option<Vec<Permission>>,
    /// Give the permissions to all folders below as well that the caller administers.
    pub cascade: bool,
    /// The version the client saw: a newer folder is not changed.
    pub seen: Option<Version>,
}

/// Changes a folder.
pub async fn update(app: &App, caller: &Caller, id: FolderId, change: FolderChange) -> Result<Version> {
    until_settled!(attempt(app, caller, id, &change).await)
}

async fn attempt(app: &App, caller: &Caller, id: FolderId, change: &FolderChange) -> Result<Version> {
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Tree])).await?;
    let caller = &caller.as_of(&mut tx).await?;
    let way = folders::path(&mut tx, &caller.who, id).await?;
    let target = Granted::visible(way.first().cloned(), id)?;
    let owner = owner_of(&way);
    // Those that each context has are no one's to rename or to move, and their permissions have a flag of their own.
    if target.folder.kind == Type::System {
        check_fixed(&caller.who, &target.folder)?;
    } else {
        check_public(caller.who.access, owner, id)?;
    }
    if change.seen.is_some_and(|seen| target.folder.modified > seen) {
        return Err(Refusal::FolderChanged { folder: id }.into());
    }
    let title = change.title.clone().filter(|title| *title != target.folder.title);
    if let Some(title) = &title {
        name::folder(title)?;
        check_rename(&target)?;
    }
    let parent = change.parent.filter(|parent| *parent != target.folder.parent);
    if let Some(parent) = parent {
        move_to(&mut tx, caller, &target, parent, title.as_deref()).await?;
    } else if let Some(title) = &title {
        if is_view_title(target.folder.parent, title) {
            return Err(Refusal::FolderNameTaken { name: title.clone() }.into());
        }
        let renamed = folder_writes::set_title(&mut tx, id, title, caller.who.user).await;
        renamed.map_err(|e| name_taken(e, title))?;
    }
    // Permissions last: they may take from the caller what the others need.
    if let Some(permissions) = &change.permissions {
        let parent = parent.unwrap_or(target.folder.parent);
        check_sharing(caller.who.access, owner, permissions)?;
        set_permissions(&mut tx, caller, &target, parent, permissions).await?;
        if change.cascade {
            cascade(&mut tx, caller, id, permissions).await?;
        }
    }
    let stamp = tx.stamp();
    tx.commit().await?;
    Ok(stamp)
}

async fn move_to(
    tx: &mut WriteTx,
    caller: &Caller,
    target: &Granted,
    parent: FolderId,
    title: Option<&str>,
) -> Result<()> {
    let way = folders::path(tx, &caller.who, parent).await?;
    let path: Vec<FolderId> = way.iter().map(|g| g.folder.id).collect();
    let to = Granted::visible(way.first().cloned(), parent)?;
    if parent != fixed::PRIVATE {
        check_public(caller.who.access, owner_of(&way), parent)?;
    }
    let below = folders::subtree(tx, &caller.who, target.folder.id).await?;
    let height = below.iter().map(|(_, depth)| *depth).max().unwrap_or(0);
    check_move(&caller.who, target, &to, &path, height)?;
    check_carried(target.folder.id, below.iter().map(|(below, _)| &below.granted))?;
    let title = title.unwrap_or(&target.folder.title);
    if is_view_title(parent, title) || folders::title_taken(tx, &target.folder, parent, title).await? {
        return Err(Refusal::MoveNameTaken { name: title.to_owned() }.into());
    }
    let moved = folder_writes::set_place(tx, &target.folder, parent, title, caller.who.user).await;
    moved.map_err(|e| name_taken(e, title))
}

async fn set_permissions(
    tx: &mut WriteTx,
    caller: &Caller,
    target: &Granted,
    parent: FolderId,
    permissions: &[Permission],
) -> Result<()> {
    let folder = target.administered()?;
    check_permissions(folder.kind, folder.created_by, permissions)?;
    check_entities(tx, permissions).await?;
    Ok(folder_writes::set_permissions(tx, folder.id, parent, permissions, caller.who.user).await?)
}

async fn cascade(tx: &mut WriteTx, caller: &Caller, top: FolderId, permissions: &[Permission]) -> Result<()> {
    for (below, depth) in folders::subtree(tx, &caller.who, top).await? {
        if depth > 0 && below.granted.bits.admin {
            let parent = below.granted.folder.parent;
            set_permissions(tx, caller, &below.granted, parent, permissions).await?;
        }
    }
    Ok(())
}
