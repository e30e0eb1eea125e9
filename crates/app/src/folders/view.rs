//! A folder as a caller sees it, and the nodes of the tree that are only views.

use std::collections::HashMap;

use zebu_model::folder::{Folder, Module, OTHER_FOLDERS, Type, fixed};
use zebu_model::rights::{Bits, Permission};
use zebu_model::tree::Granted;
use zebu_model::{FolderId, UserId, Version};
use zebu_store::Tx;
use zebu_store::shard::folders;
use zebu_store::shard::listings::Listed;

use super::reference::FolderRef;
use crate::error::Result;

/// Which costly details a listing is to have: each costs one statement a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// All permissions of each folder.
    pub permissions: bool,
    /// How many objects each folder holds.
    pub totals: bool,
}

/// A folder as a caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderView {
    /// What it is called from outside.
    pub id: FolderRef,
    /// Where the caller finds it: not always where it is stored.
    pub parent: FolderRef,
    /// The record (made up for a view) and the caller's effective rights.
    pub granted: Granted,
    /// Whether the caller sees a folder below it.
    pub subfolders: bool,
    /// All permissions, if asked for.
    pub permissions: Vec<Permission>,
    /// Objects in it, if asked for.
    pub total: u64,
}

/// Folders with the version of the tree they were read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The folders.
    pub folders: Vec<FolderView>,
    /// The tree's version: the client's next `timestamp`.
    pub version: Version,
}

impl FolderView {
    /// A stored folder that the caller finds below `parent`.
    pub(super) fn below(listed: Listed, parent: FolderRef) -> FolderView {
        FolderView {
            id: listed.granted.folder.id.into(),
            parent,
            granted: listed.granted,
            subfolders: listed.subfolders,
            permissions: Vec::new(),
            total: 0,
        }
    }

    /// A node that is stored nowhere: everybody sees it and nobody can do more.
    fn made_up(id: FolderRef, parent: FolderRef, title: &str, module: Module, owner: UserId) -> FolderView {
        let number = |reference| if let FolderRef::Id(id) = reference { id } else { fixed::SHARED };
        let folder = Folder {
            id: number(id),
            parent: number(parent),
            title: title.to_owned(),
            module,
            kind: Type::System,
            standard: false,
            created_by: owner,
            created: 0,
            modified_by: owner,
            modified: Version::NONE,
        };
        FolderView {
            id,
            parent,
            granted: Granted::new(folder, Bits::SEE),
            subfolders: true,
            permissions: Vec::new(),
            total: 0,
        }
    }

    /// The invisible root.
    pub(super) fn root() -> FolderView {
        let id = FolderRef::Id(fixed::ROOT);
        FolderView::made_up(id, id, "root", Module::System, UserId::ADMIN)
    }

    /// The node of one owner below "shared folders".
    pub(super) fn owner(user: UserId, name: &str) -> FolderView {
        FolderView::made_up(FolderRef::Owner(user), fixed::SHARED.into(), name, Module::System, user)
    }

    /// One of the views "other … folders".
    pub(super) fn other(view: FolderId) -> Option<FolderView> {
        OTHER_FOLDERS.iter().find(|(id, ..)| *id == view).map(|(id, parent, module, title)| {
            FolderView::made_up((*id).into(), (*parent).into(), title, *module, UserId::ADMIN)
        })
    }
}

/// The view in which a folder is found whose parent its viewer does not see.
pub(super) fn home_of_unreachable(folder: &Folder) -> FolderRef {
    if folder.kind == Type::Private {
        return FolderRef::Owner(folder.created_by);
    }
    let view = OTHER_FOLDERS.iter().find(|(_, _, module, _)| *module == folder.module);
    view.map_or(fixed::OTHER_FILES, |(id, ..)| *id).into()
}

/// Folders whose details are fetched at once: far below the placeholders an engine takes.
const FOLDERS_A_STATEMENT: usize = 1_000;

/// Fetches the details that were asked for, one statement each.
pub(super) async fn fill(tx: &mut Tx, views: &mut [FolderView], details: Details) -> Result<()> {
    let ids: Vec<FolderId> = views
        .iter()
        .filter_map(|view| if let FolderRef::Id(id) = view.id { Some(id) } else { None })
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    if details.permissions {
        let mut found: HashMap<FolderRef, Vec<Permission>> = HashMap::new();
        for part in ids.chunks(FOLDERS_A_STATEMENT) {
            for (folder, permission) in folders::permissions(tx, part).await? {
                found.entry(folder.into()).or_default().push(permission);
            }
        }
        for view in &mut *views {
            view.permissions = found.remove(&view.id).unwrap_or_default();
        }
    }
    if details.totals {
        let mut found: HashMap<FolderRef, u64> = HashMap::new();
        for part in ids.chunks(FOLDERS_A_STATEMENT) {
            let totals = folders::totals(tx, part).await?;
            found.extend(totals.into_iter().map(|(id, total)| (FolderRef::from(id), total)));
        }
        for view in views {
            view.total = found.get(&view.id).copied().unwrap_or(0);
        }
    }
    Ok(())
}
