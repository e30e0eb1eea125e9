//! What a client that synchronises is told: what changed below a folder or in a view since it last asked.
//!
//! What a caller sees in one place depends on more than what lies there: on the folder above (a view has what its viewer
//! finds nowhere else), on memberships (a change of those marks the folders) and on the caller's module access. Whatever
//! may have come or gone by any of these is looked at again; what nobody can tell from something new is told as
//! changed, and what is not there for the caller as gone.

use std::collections::HashSet;

use zebu_model::folder::{OTHER_FOLDERS, fixed, is_view};
use zebu_model::{FolderId, Scope, Version};
use zebu_store::Tx;
use zebu_store::shard::listings::Touched;
use zebu_store::shard::{listings, principals};

use super::list::below;
use super::reference::FolderRef;
use super::view::{Details, FolderView, fill};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::history;
use crate::settle::until_settled;

/// What changed below a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// New and changed folders that the caller sees, also those that came with a change of access.
    pub changed: Vec<FolderView>,
    /// Folders that are not there for the caller any more, in order: deleted, moved away, or rights withdrawn. The caller may
    /// never have seen some of them.
    pub gone: Vec<FolderRef>,
    /// The client's next `timestamp`.
    pub version: Version,
}

/// What changed below `parent` since a version.
pub async fn updates(
    app: &App,
    caller: &Caller,
    parent: FolderRef,
    since: Version,
    details: Details,
) -> Result<Changes> {
    until_settled!(
        async {
            let scopes = [Scope::Tree, Scope::Principals, Scope::History];
            let mut tx = app.read_of(&caller.place, &scopes).await?;
            history::check(&mut tx, since).await?;
            let version = tx.version(Scope::Tree).await?;
            if version <= since {
                return Ok(Changes { changed: Vec::new(), gone: Vec::new(), version });
            }
            let touched = touched(&mut tx, caller, parent, since).await?;
            let mut changed = below(&mut tx, caller, parent).await?;
            changed.retain(|view| touched.contains(&view.id));
            let here: HashSet<FolderRef> = changed.iter().map(|view| view.id).collect();
            let mut gone: Vec<FolderRef> = touched.difference(&here).copied().collect();
            gone.sort_unstable();
            fill(&mut tx, &mut changed, details).await?;
            Ok(Changes { changed, gone, version })
        }
        .await
    )
}

/// Whatever may have come, gone or changed below `parent`.
async fn touched(
    tx: &mut Tx,
    caller: &Caller,
    parent: FolderRef,
    since: Version,
) -> Result<HashSet<FolderRef>> {
    let has_other_access = has_other_access(tx, caller, since).await?;
    let of_others = |touched: Touched| touched.owner.filter(|owner| *owner != caller.who.user);
    let refer = |touched: Touched| FolderRef::from(touched.folder);
    let id = match parent {
        FolderRef::Owner(owner) => {
            let mut found = in_views(tx, caller, since, has_other_access).await?;
            // Also what is somebody else's by now, or nobody's.
            found.extend(listings::ended(tx, &caller.who, since).await?);
            return Ok(found.into_iter().filter(|t| t.owner == Some(owner)).map(refer).collect());
        }
        FolderRef::Id(fixed::SHARED) => {
            let mut found = in_views(tx, caller, since, has_other_access).await?;
            found.extend(listings::ended(tx, &caller.who, since).await?);
            return Ok(found.into_iter().filter_map(of_others).map(FolderRef::Owner).collect());
        }
        FolderRef::Id(view) if is_view(view) => {
            let found = in_views(tx, caller, since, has_other_access).await?;
            return Ok(found.into_iter().filter(|t| t.owner.is_none()).map(refer).collect());
        }
        FolderRef::Id(id) => id,
    };
    let mut found: HashSet<FolderRef> =
        listings::changed(tx, id, since).await?.into_iter().map(FolderRef::from).collect();
    if has_other_access {
        found.extend(listings::permitted(tx, &caller.who, Some(id)).await?.into_iter().map(refer));
    }
    let views: Vec<FolderId> =
        OTHER_FOLDERS.iter().filter(|(_, at, ..)| *at == id).map(|(view, ..)| *view).collect();
    // A view is shown as long as something is in it.
    if !views.is_empty()
        && in_views(tx, caller, since, has_other_access).await?.iter().any(|t| t.owner.is_none())
    {
        found.extend(views.into_iter().map(FolderRef::from));
    }
    Ok(found)
}

/// Whatever may have come into any of the views, left it or changed in it.
async fn in_views(
    tx: &mut Tx,
    caller: &Caller,
    since: Version,
    has_other_access: bool,
) -> Result<Vec<Touched>> {
    let mut found = listings::changed_anywhere(tx, since).await?;
    found.extend(if has_other_access {
        listings::permitted(tx, &caller.who, None).await?
    } else {
        listings::below_changed(tx, &caller.who, since).await?
    });
    Ok(found)
}

/// Whether the caller may have got other module access since. Whoever changes that changes the tree's scope too, so its
/// stamps can be compared with the tree's.
async fn has_other_access(tx: &mut Tx, caller: &Caller, since: Version) -> Result<bool> {
    let users = principals::users_by_id(tx, &[caller.who.user]).await?;
    Ok(users.iter().any(|user| user.modified > since))
}
