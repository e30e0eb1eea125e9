//! `update`: fields, place, a new version; in one transaction or not at all.

use zebu_model::file::File;
use zebu_model::limits::VERSIONS_MAX;
use zebu_model::quota::Quota;
use zebu_model::tree::Granted;
use zebu_model::{FileId, FolderId, Refusal, Scope, Version};
use zebu_store::Tx;
use zebu_store::shard::files;

use super::create::{Fields, adopt, check_fields, content, name_taken, settle};
use super::list::readable;
use super::locks::{self, Holding};
use super::upload::Stored;
use super::{covered, file_folder, ground, write_on};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::settle::until_settled;

/// What is to change; `None` stays.
#[derive(Debug)]
pub struct FileChange<'a> {
    /// Another folder.
    pub folder: Option<FolderId>,
    /// Other fields.
    pub fields: Fields,
    /// A new version.
    pub content: Option<Stored>,
    /// The version the client saw: a newer item is not changed.
    pub seen: Option<Version>,
    /// What the client shows for locks.
    pub holding: Holding<'a>,
}

/// Changes an item.
pub async fn update(app: &App, caller: &Caller, id: FileId, mut change: FileChange<'_>) -> Result<Version> {
    check_fields(&change.fields)?;
    let stamp = until_settled!(tries => attempt(app, caller, id, &mut change, tries).await)?;
    if let Some(stored) = change.content {
        stored.taken.keep();
    }
    Ok(stamp)
}

async fn attempt(
    app: &App,
    caller: &Caller,
    id: FileId,
    change: &mut FileChange<'_>,
    tries: u32,
) -> Result<Version> {
    let (seen_now, folders, tree) = {
        let (mut tx, caller) = ground(app, caller).await?;
        let (file, folders) = decide(&mut tx, &caller, id, change).await?;
        (file, folders, tx.version(Scope::Tree).await?)
    };
    let quota = match &mut change.content {
        Some(stored) => settle(app, caller, stored).await?,
        None => Quota::Unlimited,
    };
    let (mut tx, held) = write_on(app, caller, &folders, tree, tries).await?;
    if let Some(caller) = held {
        decide(&mut tx, &caller, id, change).await?;
    }
    // The folder is locked now: what is read here stands until the commit.
    let file = files::get(&mut tx, id).await?.ok_or(Refusal::FileMissing { file: id })?;
    if file.folder != seen_now.folder {
        return Err(zebu_store::Error::Stale.into());
    }
    if change.seen.is_some_and(|seen| file.modified > seen) {
        return Err(Refusal::FileChanged { file: id }.into());
    }
    locks::check(&mut tx, caller, &file, change.holding, app.now_ms()).await?;
    let (was_in, changed) = (file.folder, changed(app, caller, file, change)?);
    let written = files::update(&mut tx, &changed, was_in, change.content.is_some()).await;
    written.map_err(|e| name_taken(e, changed.name()))?;
    if let Some(stored) = &change.content {
        adopt(&mut tx, quota, changed.folder, stored).await?;
    }
    let stamp = tx.stamp();
    tx.commit().await?;
    Ok(stamp)
}

/// Whether the item may be changed so; the item, and the folders whose contents that changes.
async fn decide(
    tx: &mut Tx,
    caller: &Caller,
    id: FileId,
    change: &FileChange<'_>,
) -> Result<(File, Vec<FolderId>)> {
    let (file, granted) = readable(tx, caller, id).await?;
    check_rights(caller, &file, &granted, change)?;
    let target = change.folder.filter(|folder| *folder != file.folder);
    if let Some(target) = target {
        check_target(&file_folder(tx, &caller.who, target).await?)?;
    }
    let folders = [Some(file.folder), target].into_iter().flatten().collect();
    Ok((file, folders))
}

fn check_rights(caller: &Caller, file: &File, granted: &Granted, change: &FileChange<'_>) -> Result<()> {
    let fields = &change.fields;
    let edits = change.content.is_some()
        || fields.title.is_some()
        || fields.filename.is_some()
        || fields.mime.is_some()
        || fields.description.is_some()
        || fields.url.is_some()
        || fields.version_comment.is_some();
    let moves = change.folder.is_some_and(|folder| folder != file.folder);
    // Whoever changes nothing at all still becomes the one who changed it last.
    if edits || !moves {
        covered(granted.bits.write, file.created_by, &caller.who, Refusal::FileWriteDenied {})?;
    }
    if moves {
        covered(granted.bits.delete, file.created_by, &caller.who, Refusal::FileMoveDenied {})?;
    }
    Ok(())
}

fn check_target(target: &Granted) -> Result<()> {
    if target.bits.creates_objects() { Ok(()) } else { Err(Refusal::FileTargetDenied {}.into()) }
}

/// The item as it will be.
fn changed(app: &App, caller: &Caller, mut file: File, change: &FileChange<'_>) -> Result<File> {
    let fields = &change.fields;
    // A title that only repeated the file name goes on doing so.
    let titled_by_name = file.content.as_ref().is_some_and(|c| c.name == file.title);
    if let Some(stored) = &change.content {
        let last = file.content.as_ref();
        if file.versions >= VERSIONS_MAX {
            return Err(Refusal::VersionsTooMany { limit: VERSIONS_MAX }.into());
        }
        let name = fields.filename.clone().or_else(|| last.map(|c| c.name.clone()));
        let name = name.ok_or(Refusal::FileNameInvalid { reason: "it is missing" })?;
        let number = last.map_or(1, |c| c.version.saturating_add(1));
        file.content = Some(content(stored, fields, name, number, caller, app.now_ms())?);
        file.versions = file.versions.saturating_add(1);
    } else if let Some(content) = &mut file.content {
        content.name = fields.filename.clone().unwrap_or_else(|| content.name.clone());
        content.mime = fields.mime.clone().unwrap_or_else(|| content.mime.clone());
        content.comment = fields.version_comment.clone().unwrap_or_else(|| content.comment.clone());
    } else if fields.filename.is_some() {
        return Err(Refusal::FileNameInvalid { reason: "there is no content it could name" }.into());
    }
    if let Some(title) = &fields.title {
        file.title.clone_from(title);
    } else if titled_by_name {
        file.title = file.name().to_owned();
    }
    file.description = fields.description.clone().unwrap_or(file.description);
    file.url = fields.url.clone().unwrap_or(file.url);
    file.folder = change.folder.unwrap_or(file.folder);
    file.modified_by = caller.who.user;
    Ok(file)
}
