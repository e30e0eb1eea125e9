//! `new`: a folder below another.

use zebu_model::access::{check_public, check_sharing, owner_of};
use zebu_model::folder::{Folder, Module, Type, fixed, is_view_title};
use zebu_model::limits::DEPTH_MAX;
use zebu_model::rights::{Entity, Permission};
use zebu_model::tree::{Granted, check_permissions, default_permissions, plan_create};
use zebu_model::{FolderId, Refusal, Scope, Version, name};
use zebu_store::shard::sequences::Sequence;
use zebu_store::shard::{folder_writes, folders, principals};
use zebu_store::{Plan, Tx};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::settle::until_settled;

/// A folder to make.
#[derive(Clone, Debug)]
pub struct NewFolder {
    /// Where.
    pub parent: FolderId,
    /// Its name.
    pub title: String,
    /// What it is to hold; the parent's module if nothing is said.
    pub module: Option<Module>,
    /// Who may do what; everything for the maker if nothing is said.
    pub permissions: Option<Vec<Permission>>,
}

/// Creates a folder.
pub async fn create(app: &App, caller: &Caller, new: NewFolder) -> Result<(FolderId, Version)> {
    name::folder(&new.title)?;
    let id = FolderId(app.store.next_id(&caller.place, Sequence::Folders, app.now_ms()).await?);
    let stamp = until_settled!(attempt(app, caller, &new, id).await)?;
    Ok((id, stamp))
}

async fn attempt(app: &App, caller: &Caller, new: &NewFolder, id: FolderId) -> Result<Version> {
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Tree])).await?;
    let caller = &caller.as_of(&mut tx).await?;
    let way = folders::path(&mut tx, &caller.who, new.parent).await?;
    let parent = Granted::visible(way.first().cloned(), new.parent)?;
    if way.len() >= DEPTH_MAX {
        return Err(Refusal::FolderTooDeep { limit: DEPTH_MAX }.into());
    }
    if is_view_title(new.parent, &new.title) {
        return Err(Refusal::FolderNameTaken { name: new.title.clone() }.into());
    }
    let module = new.module.unwrap_or(parent.folder.module);
    let access = caller.who.access;
    access.require_module(module)?;
    if parent.folder.id != fixed::PRIVATE {
        check_public(access, owner_of(&way), new.parent)?;
    }
    let kind = plan_create(&parent, module)?;
    let inherits = kind == Type::Private && parent.folder.kind == Type::Private;
    let owner = if inherits { parent.folder.created_by } else { caller.who.user };
    let permissions =
        new.permissions.clone().unwrap_or_else(|| default_permissions(kind, owner, caller.who.user));
    check_permissions(kind, owner, &permissions)?;
    let private = if kind == Type::Private { Some(owner) } else { owner_of(&way) };
    check_sharing(access, private, &permissions)?;
    check_entities(&mut tx, &permissions).await?;
    let now = app.now_ms();
    let folder = Folder {
        id,
        parent: new.parent,
        title: new.title.clone(),
        module,
        kind,
        standard: false,
        created_by: owner,
        created: now,
        modified_by: caller.who.user,
        modified: Version::NONE,
    };
    let inserted = folder_writes::insert(&mut tx, &folder, &permissions).await;
    inserted.map_err(|e| name_taken(e, &folder.title))?;
    let stamp = tx.stamp();
    tx.commit().await?;
    Ok(stamp)
}

/// Turns a taken title into the refusal that says so.
pub(super) fn name_taken(error: zebu_store::Error, title: &str) -> crate::Error {
    if error.is_duplicate_in("folders") {
        Refusal::FolderNameTaken { name: title.to_owned() }.into()
    } else {
        error.into()
    }
}

/// Refuses permissions for somebody who does not exist.
pub(super) async fn check_entities(tx: &mut Tx, permissions: &[Permission]) -> Result<()> {
    let entities: Vec<Entity> = permissions.iter().map(|p| p.entity).collect();
    match principals::missing(tx, &entities).await?.first() {
        Some(entity) => Err(Refusal::EntityInvalid { entity: entity.id() }.into()),
        None => Ok(()),
    }
}
