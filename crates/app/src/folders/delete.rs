//! `delete`: a folder with all that is below it, or nothing.

use std::collections::BTreeMap;

use zebu_model::access::{Flag, check_public, owner_of};
use zebu_model::tree::{Doomed, Granted, check_delete};
use zebu_model::{FolderId, Refusal, Scope, Version};
use zebu_store::Plan;
use zebu_store::shard::{files, folder_writes, folders, stored, usage};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::settle::until_settled;

/// Deletes a folder. A newer one than the client saw is not deleted.
pub async fn delete(app: &App, caller: &Caller, id: FolderId, seen: Option<Version>) -> Result<Version> {
    let stamp = until_settled!(attempt(app, caller, id, seen).await)?;
    app.to_sweep.add(caller.place.context);
    Ok(stamp)
}

async fn attempt(app: &App, caller: &Caller, id: FolderId, seen: Option<Version>) -> Result<Version> {
    // Whoever writes files relies on the tree: holding its lock, nothing below can change under this decision.
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Tree])).await?;
    let caller = &caller.as_of(&mut tx).await?;
    let subtree: Vec<Doomed> =
        folders::subtree(&mut tx, &caller.who, id).await?.into_iter().map(|(d, _)| d).collect();
    let top = Granted::visible(subtree.first().map(|d| d.granted.clone()), id)?;
    if seen.is_some_and(|seen| top.folder.modified > seen) {
        return Err(Refusal::FolderChanged { folder: id }.into());
    }
    if !caller.who.access.has(Flag::EditPublicFolders) {
        check_public(caller.who.access, owner_of(&folders::path(&mut tx, &caller.who, id).await?), id)?;
    }
    check_delete(&caller.who, &subtree)?;
    let doomed: Vec<_> = subtree.into_iter().map(|d| d.granted.folder).collect();
    let ids: Vec<FolderId> = doomed.iter().map(|f| f.id).collect();
    let mut freed: BTreeMap<FolderId, i64> = BTreeMap::new();
    let mut keys = Vec::new();
    for part in ids.chunks(500) {
        for (folder, key, size) in files::contents_of_folders(&mut tx, part).await? {
            let bytes = freed.entry(folder).or_default();
            *bytes = bytes.saturating_add_unsigned(size);
            keys.push(key);
        }
    }
    for (folder, bytes) in freed {
        usage::add(&mut tx, folder, bytes.saturating_neg()).await?;
    }
    stored::doom(&mut tx, &keys, app.now_ms()).await?;
    files::delete_with_folders(&mut tx, &ids).await?;
    folder_writes::delete(&mut tx, &doomed).await?;
    let stamp = tx.stamp();
    tx.commit().await?;
    Ok(stamp)
}
