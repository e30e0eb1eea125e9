//! `delete`: items with all their versions.

use std::collections::{BTreeMap, HashSet};

use zebu_model::access::Flag;
use zebu_model::limits::LIST_IDS_MAX;
use zebu_model::{FileId, FolderId, Refusal, Scope, Version};
use zebu_store::WriteTx;
use zebu_store::shard::{files, folders, stored, usage};

use super::locks::{self, Holding};
use super::{covered, file_folder, ground, write_on};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::settle::until_settled;

/// An item to delete, and where the client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The item.
    pub file: FileId,
    /// The folder, if the client says so.
    pub folder: Option<FolderId>,
}

/// Deletes items, folder by folder: those of one folder together or not at all. Returns those that are newer than the
/// client saw, which are left alone. One that is already gone is no error: that is what was wanted.
pub async fn delete(
    app: &App,
    caller: &Caller,
    wanted: &[Wanted],
    seen: Option<Version>,
    holding: Holding<'_>,
) -> Result<(Vec<FileId>, Version)> {
    caller.who.access.require(Flag::Infostore)?;
    if wanted.len() > LIST_IDS_MAX {
        return Err(Refusal::TooManyIds { limit: LIST_IDS_MAX }.into());
    }
    let named: HashSet<FolderId> = wanted.iter().filter_map(|w| w.folder).collect();
    let places = until_settled!(find(app, caller, wanted, &named).await)?;
    let (mut kept, mut version) = (Vec::new(), Version::NONE);
    for (folder, ids) in places {
        let deleted =
            until_settled!(tries => attempt(app, caller, (folder, &ids), seen, holding, tries).await);
        let (newer, stamp) = match deleted {
            // What is in a folder that the caller does not see is not there, and nobody learns that it is elsewhere.
            Err(Error::Refused(Refusal::FolderNotVisible { .. })) if !named.contains(&folder) => continue,
            other => other?,
        };
        kept.extend(newer);
        version = version.max(stamp);
    }
    app.to_sweep.add(caller.place.context);
    Ok((kept, version))
}

/// Which of them are in which folder. `named`: the folders the client named.
async fn find(
    app: &App,
    caller: &Caller,
    wanted: &[Wanted],
    named: &HashSet<FolderId>,
) -> Result<BTreeMap<FolderId, Vec<FileId>>> {
    let mut places: BTreeMap<FolderId, Vec<FileId>> = BTreeMap::new();
    let mut tx = app.read_of(&caller.place, &[Scope::Tree]).await?;
    let ids: Vec<FileId> = wanted.iter().map(|w| w.file).collect();
    for part in ids.chunks(500) {
        for file in files::by_id(&mut tx, part).await? {
            places.entry(file.folder).or_default().push(file.id);
        }
    }
    for folder in named.iter().filter(|f| !places.contains_key(f)) {
        // Nothing of it is there: say so if the reason is that the folder was withdrawn.
        if folders::get(&mut tx, &caller.who, *folder).await?.is_none_or(|g| !g.bits.sees()) {
            return Err(Refusal::FolderNotVisible { folder: *folder }.into());
        }
    }
    Ok(places)
}

async fn attempt(
    app: &App,
    caller: &Caller,
    (folder, ids): (FolderId, &[FileId]),
    seen: Option<Version>,
    holding: Holding<'_>,
    tries: u32,
) -> Result<(Vec<FileId>, Version)> {
    let (mut granted, tree) = {
        let (mut tx, caller) = ground(app, caller).await?;
        (file_folder(&mut tx, &caller.who, folder).await?, tx.version(Scope::Tree).await?)
    };
    let (mut tx, held) = write_on(app, caller, &[folder], tree, tries).await?;
    if let Some(caller) = held {
        granted = file_folder(&mut tx, &caller.who, folder).await?;
    }
    let mut found = Vec::new();
    for part in ids.chunks(500) {
        found.extend(files::by_id(&mut tx, part).await?);
    }
    let (mut going, mut newer) = (Vec::new(), Vec::new());
    for file in found.into_iter().filter(|f| f.folder == folder) {
        covered(granted.bits.delete, file.created_by, &caller.who, Refusal::FileDeleteDenied {})?;
        if seen.is_some_and(|seen| file.modified > seen) {
            newer.push(file.id);
            continue;
        }
        locks::check(&mut tx, caller, &file, holding, app.now_ms()).await?;
        going.push(file.id);
    }
    if going.is_empty() {
        return Ok((newer, Version::NONE));
    }
    remove(&mut tx, folder, &going, app.now_ms()).await?;
    let stamp = tx.stamp();
    tx.commit().await?;
    Ok((newer, stamp))
}

/// Removes items of one folder with all their versions, and gives their contents up. Asks for no right.
pub(crate) async fn remove(tx: &mut WriteTx, folder: FolderId, going: &[FileId], now_ms: i64) -> Result<()> {
    let contents = files::contents_of_files(tx, going).await?;
    let bytes = contents.iter().fold(0i64, |sum, (_, size)| sum.saturating_add_unsigned(*size));
    let keys: Vec<String> = contents.into_iter().map(|(key, _)| key).collect();
    usage::add(tx, folder, bytes.saturating_neg()).await?;
    stored::doom(tx, &keys, now_ms).await?;
    Ok(files::delete(tx, folder, going).await?)
}
