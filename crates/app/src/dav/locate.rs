//! From a path below `/infostore/` to what is there, and what is in a collection.

use std::collections::HashMap;

use zebu_model::access::Flag;
use zebu_model::file::File;
use zebu_model::folder::{Module, fixed};
use zebu_model::lock::{Lock, Target};
use zebu_model::name::in_virtual_listing;
use zebu_model::rights::ObjectRight;
use zebu_model::tree::Granted;
use zebu_model::{FolderId, Scope, Version};
use zebu_store::Tx;
use zebu_store::shard::dav;
use zebu_store::shard::listings::Listed;
use zebu_store::shard::{files, folders, listings};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::settle::until_settled;

/// The collection of file folders whose parents the caller does not see.
pub const OTHER_FOLDERS_NAME: &str = "Other infostore folders";

/// What a path leads to.
#[derive(Clone, Debug)]
pub enum Located {
    /// A folder the caller sees.
    Folder(Granted),
    /// The collection of folders whose parents the caller does not see. Nothing can be stored in it.
    OtherFolders,
    /// A file the caller may read, and its folder.
    File {
        /// The file.
        file: Box<File>,
        /// Its folder.
        folder: Granted,
    },
    /// Nothing, in a folder the caller sees.
    Free {
        /// The folder.
        parent: Granted,
        /// The last segment of the path.
        name: String,
    },
    /// Nothing, and no folder above it either, as far as the caller sees.
    Nowhere,
}

impl Located {
    /// What a lock or a property would be on.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        match self {
            Located::Folder(granted) => Some(Target::Folder(granted.folder.id)),
            Located::File { file, .. } => Some(Target::File(file.id)),
            Located::OtherFolders | Located::Free { .. } | Located::Nowhere => None,
        }
    }
}

/// What is at a path. `segments`: decoded, without empty ones.
pub async fn locate(app: &App, caller: &Caller, segments: &[String]) -> Result<Located> {
    until_settled!(
        async {
            caller.who.access.require(Flag::Infostore)?;
            let mut tx = app.read_of(&caller.place, &[Scope::Tree]).await?;
            let (start, rest) = match segments.split_first() {
                Some((first, [])) if first == OTHER_FOLDERS_NAME => return Ok(Located::OtherFolders),
                Some((first, [second, rest @ ..])) if first == OTHER_FOLDERS_NAME => {
                    let named = named_others(&mut tx, caller).await?;
                    match named.into_iter().find(|(name, _)| name == second) {
                        Some((_, listed)) => (listed.granted.folder.id, rest),
                        None => return Ok(Located::Nowhere),
                    }
                }
                _ => (fixed::INFOSTORE, segments),
            };
            let way = folders::walk(&mut tx, start, rest).await?;
            let deepest = way.last().copied().unwrap_or(start);
            let ids: Vec<FolderId> = [start].into_iter().chain(way.iter().copied()).collect();
            let seen = folders::by_id(&mut tx, &caller.who, &ids).await?;
            // Nobody finds out names of folders they don't see. And what is seen below such a folder has one path only, among
            // the other folders: whoever moves something onto itself is always noticed by the path.
            if seen.len() < ids.len() || !seen.iter().all(|granted| granted.bits.sees()) {
                return Ok(Located::Nowhere);
            }
            let Some(granted) = seen.into_iter().find(|granted| granted.folder.id == deepest) else {
                return Ok(Located::Nowhere);
            };
            let name = match rest.get(way.len()..) {
                None | Some([]) => return Ok(Located::Folder(granted)),
                Some([name]) => name,
                Some(_) => return Ok(Located::Nowhere),
            };
            let file = files::by_name(&mut tx, deepest, name).await?;
            let readable = |file: &File| granted.bits.read.covers(file.created_by, caller.who.user);
            Ok(match file.filter(readable) {
                Some(file) => Located::File { file: Box::new(file), folder: granted },
                None => Located::Free { parent: granted, name: name.clone() },
            })
        }
        .await
    )
}

/// The folders whose parents the caller does not see, under names that differ.
async fn named_others(tx: &mut Tx, caller: &Caller) -> Result<Vec<(String, Listed)>> {
    let found = listings::unreachable(tx, &caller.who, Module::Infostore).await?;
    let mut times: HashMap<String, usize> = HashMap::new();
    for listed in &found {
        *times.entry(listed.granted.folder.title.clone()).or_default() += 1;
    }
    Ok(found
        .into_iter()
        .map(|listed| {
            let folder = &listed.granted.folder;
            let ambiguous = times.get(&folder.title).is_some_and(|times| *times > 1);
            (in_virtual_listing(&folder.title, folder.id, ambiguous), listed)
        })
        .collect())
}

/// What is in a collection. The number of statements does not depend on how much that is.
#[derive(Clone, Debug, Default)]
pub struct Children {
    /// Path segment and folder; `None` for [`OTHER_FOLDERS_NAME`].
    pub folders: Vec<(String, Option<Granted>)>,
    /// Files the caller may read.
    pub files: Vec<File>,
    /// Locks on these folders and files themselves.
    pub locks: Vec<Lock>,
    /// Properties kept for clients of these folders and files: on what, `{namespace}local`, XML.
    pub properties: Vec<(Target, String, String)>,
    /// The version of the folder's content.
    pub version: Version,
}

/// What is in a collection; empty for everything that is none.
pub async fn children(app: &App, caller: &Caller, at: &Located) -> Result<Children> {
    until_settled!(
        async {
            let content = match at {
                Located::Folder(granted) => Some(Scope::Folder(granted.folder.id)),
                _ => None,
            };
            let scopes: Vec<Scope> = [Scope::Tree].into_iter().chain(content).collect();
            let mut tx = app.read_of(&caller.place, &scopes).await?;
            let mut children = match at {
                Located::Folder(granted) => in_folder(&mut tx, app, caller, granted).await?,
                Located::OtherFolders => {
                    let found = named_others(&mut tx, caller).await?;
                    let folders = found.into_iter().map(|(name, l)| (name, Some(l.granted))).collect();
                    Children { folders, ..Children::default() }
                }
                _ => Children::default(),
            };
            let folders =
                children.folders.iter().filter_map(|(_, granted)| Some(granted.as_ref()?.folder.id));
            let folders: Vec<FolderId> = folders.collect();
            for part in folders.chunks(500) {
                children.locks.extend(dav::locks_on_folders(&mut tx, part, app.now_ms()).await?);
                for (folder, name, value) in dav::properties_of_folders(&mut tx, part).await? {
                    children.properties.push((Target::Folder(folder), name, value));
                }
            }
            Ok(children)
        }
        .await
    )
}

async fn in_folder(tx: &mut Tx, app: &App, caller: &Caller, granted: &Granted) -> Result<Children> {
    let id: FolderId = granted.folder.id;
    let mut children = Children::default();
    for listed in listings::children(tx, &caller.who, id).await? {
        children.folders.push((listed.granted.folder.title.clone(), Some(listed.granted)));
    }
    if id == fixed::INFOSTORE && !listings::unreachable(tx, &caller.who, Module::Infostore).await?.is_empty()
    {
        children.folders.push((OTHER_FOLDERS_NAME.to_owned(), None));
    }
    if granted.bits.read > ObjectRight::None {
        let creator = (granted.bits.read == ObjectRight::Own).then_some(caller.who.user);
        children.files = files::in_folder(tx, id, creator).await?;
        // Notes and bookmarks have no name to be found by.
        children.files.retain(|f| f.content.is_some());
        children.locks = dav::locks_in_folders(tx, &[id], app.now_ms()).await?;
        let properties = dav::properties_in_folder(tx, id).await?.into_iter();
        children.properties =
            properties.map(|(file, name, value)| (Target::File(file), name, value)).collect();
    }
    children.version = tx.version(Scope::Folder(id)).await?;
    Ok(children)
}
