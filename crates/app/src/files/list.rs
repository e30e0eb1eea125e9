//! Reading items: a folder's, single ones, what changed, their versions.

use std::collections::{HashMap, HashSet};

use zebu_model::access::Flag;
use zebu_model::file::{Content, File};
use zebu_model::folder::is_view;
use zebu_model::limits::LIST_IDS_MAX;
use zebu_model::rights::ObjectRight;
use zebu_model::tree::Granted;
use zebu_model::{FileId, FolderId, Refusal, Scope, UserId, Version};
use zebu_store::Tx;
use zebu_store::shard::{files, folders};

use super::{covered, file_folder};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::history;
use crate::settle::until_settled;

/// Whose objects a read right lets its holder see: everybody's (`None`) or only one's own.
pub(super) fn creator_filter(granted: &Granted, user: UserId) -> Result<Option<UserId>> {
    match granted.bits.read {
        ObjectRight::None => Err(Refusal::FileReadDenied {}.into()),
        ObjectRight::Own => Ok(Some(user)),
        ObjectRight::All | ObjectRight::Maximum => Ok(None),
    }
}

/// What is in a folder, as far as the caller may read it. The views of the tree hold nothing.
pub async fn list(app: &App, caller: &Caller, folder: FolderId) -> Result<(Vec<File>, Version)> {
    until_settled!(
        async {
            caller.who.access.require(Flag::Infostore)?;
            if is_view(folder) {
                return Ok((Vec::new(), Version::NONE));
            }
            let mut tx = app.read_of(&caller.place, &[Scope::Tree, Scope::Folder(folder)]).await?;
            let granted = file_folder(&mut tx, &caller.who, folder).await?;
            let creator = creator_filter(&granted, caller.who.user)?;
            let found = files::in_folder(&mut tx, folder, creator).await?;
            Ok((found, tx.version(Scope::Folder(folder)).await?))
        }
        .await
    )
}

/// An item the caller may read, with the rights in its folder. An item in a folder that the caller does not see is
/// missing.
pub(crate) async fn readable(tx: &mut Tx, caller: &Caller, id: FileId) -> Result<(File, Granted)> {
    caller.who.access.require(Flag::Infostore)?;
    let file = files::get(tx, id).await?.ok_or(Refusal::FileMissing { file: id })?;
    let granted = folders::get(tx, &caller.who, file.folder).await?.filter(|g| g.bits.sees());
    let granted = granted.ok_or(Refusal::FileMissing { file: id })?;
    covered(granted.bits.read, file.created_by, &caller.who, Refusal::FileReadDenied {})?;
    Ok((file, granted))
}

/// One item. If the client says in which folder it expects it, that must be visible and right.
pub async fn get(
    app: &App,
    caller: &Caller,
    id: FileId,
    folder: Option<FolderId>,
) -> Result<(File, Version)> {
    until_settled!(
        async {
            let expected = folder.filter(|f| !is_view(*f)).map(Scope::Folder);
            let scopes: Vec<Scope> = [Scope::Tree].into_iter().chain(expected).collect();
            let mut tx = app.read_of(&caller.place, &scopes).await?;
            let found = readable(&mut tx, caller, id).await;
            let here = |file: &File| folder.is_none_or(|folder| folder == file.folder || is_view(folder));
            let file = match found {
                Ok((file, _)) if here(&file) => file,
                other => {
                    // Says "folder not visible" where that is what happened.
                    if let Some(folder) = folder.filter(|f| !is_view(*f)) {
                        file_folder(&mut tx, &caller.who, folder).await?;
                    }
                    other?;
                    return Err(Refusal::FileMissing { file: id }.into());
                }
            };
            let version = tx.version(Scope::Folder(file.folder)).await?;
            Ok((file, version))
        }
        .await
    )
}

/// Items by id, in the order asked for, each once however often it is named: one long description asked for ten thousand
/// times would be a node's memory. One that is missing or not readable is an error.
pub async fn some(app: &App, caller: &Caller, ids: &[FileId]) -> Result<Vec<File>> {
    until_settled!(
        async {
            caller.who.access.require(Flag::Infostore)?;
            if ids.len() > LIST_IDS_MAX {
                return Err(Refusal::TooManyIds { limit: LIST_IDS_MAX }.into());
            }
            let mut named = HashSet::new();
            let ids: Vec<FileId> = ids.iter().copied().filter(|id| named.insert(*id)).collect();
            let mut tx = app.read_of(&caller.place, &[Scope::Tree]).await?;
            let mut found: HashMap<FileId, File> = HashMap::new();
            for part in ids.chunks(500) {
                found.extend(files::by_id(&mut tx, part).await?.into_iter().map(|file| (file.id, file)));
            }
            let mut places: Vec<FolderId> = found.values().map(|f| f.folder).collect();
            places.sort_unstable();
            places.dedup();
            let mut rights: HashMap<FolderId, Granted> = HashMap::new();
            for part in places.chunks(500) {
                let seen =
                    folders::by_id(&mut tx, &caller.who, part).await?.into_iter().filter(|g| g.bits.sees());
                rights.extend(seen.map(|granted| (granted.folder.id, granted)));
            }
            let mut ordered = Vec::with_capacity(ids.len());
            for id in ids {
                let missing = || Refusal::FileMissing { file: id };
                let file = found.remove(&id).ok_or_else(missing)?;
                let granted = rights.get(&file.folder).ok_or_else(missing)?;
                covered(granted.bits.read, file.created_by, &caller.who, Refusal::FileReadDenied {})?;
                ordered.push(file);
            }
            Ok(ordered)
        }
        .await
    )
}

/// What changed in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChanges {
    /// New and changed items.
    pub changed: Vec<File>,
    /// Items that were deleted or moved away.
    pub gone: Vec<FileId>,
    /// The client's next `timestamp`.
    pub version: Version,
}

/// What changed in a folder since a version.
pub async fn updates(app: &App, caller: &Caller, folder: FolderId, since: Version) -> Result<FileChanges> {
    until_settled!(
        async {
            let scopes = [Scope::Tree, Scope::Folder(folder), Scope::History];
            let mut tx = app.read_of(&caller.place, &scopes).await?;
            let granted = file_folder(&mut tx, &caller.who, folder).await?;
            let creator = creator_filter(&granted, caller.who.user)?;
            history::check(&mut tx, since).await?;
            let version = tx.version(Scope::Folder(folder)).await?;
            if version <= since {
                return Ok(FileChanges { changed: Vec::new(), gone: Vec::new(), version });
            }
            let mut changed = files::changed(&mut tx, folder, since).await?;
            changed.retain(|f| creator.is_none_or(|user| f.created_by == user));
            Ok(FileChanges { changed, gone: files::gone(&mut tx, folder, since).await?, version })
        }
        .await
    )
}

/// All versions of an item, oldest first.
pub async fn versions(app: &App, caller: &Caller, id: FileId) -> Result<(File, Vec<Content>, Version)> {
    until_settled!(
        async {
            let mut tx = app.read_of(&caller.place, &[Scope::Tree]).await?;
            let (file, _) = readable(&mut tx, caller, id).await?;
            let found = files::versions(&mut tx, file.folder, id).await?;
            let version = tx.version(Scope::Folder(file.folder)).await?;
            Ok((file, found, version))
        }
        .await
    )
}
