//! What a client that synchronises is told: what changed below a folder or in a view since it last asked.
//!
//! What a caller sees in one place depends on more than what lies there: on the folder above (a view has what its viewer
//! finds nowhere else), on memberships (a change of those marks the folders) and on the caller's module access. Whatever
//! may have come or gone by any of these is looked at again; what nobody can tell from something new is told as
//! changed, and what is not there for the caller as gone. But nobody is told of a folder, not even its id, that no permission
//! has shown to them, or to a group that they were in at some time since they last asked (see [`Changes::gone`]).

use std::collections::HashSet;

use zebu_model::folder::{OTHER_FOLDERS, fixed, is_view};
use zebu_model::rights::Membership;
use zebu_model::{FolderId, Scope, UserId, Version, access};
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
    /// Folders that are not there for the caller any more, in order: deleted, moved away, or rights withdrawn. Each was shown
    /// by a permission, at some time since the version or now, to the caller or to a group that the caller was in at some time
    /// since, in a module that the caller has or may have had since; to a group perhaps before the caller came or after they left.
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
            let mut asked = Asked::of(&mut tx, caller, since).await?;
            let touched = touched(&mut tx, &mut asked, parent).await?;
            let mut changed = below(&mut tx, caller, parent).await?;
            changed.retain(|view| touched.contains(&view.id));
            let here: HashSet<FolderRef> = changed.iter().map(|view| view.id).collect();
            let mut gone: Vec<FolderRef> = touched.difference(&here).copied().collect();
            keep_shown(&mut tx, &mut asked, &mut gone).await?;
            gone.sort_unstable();
            fill(&mut tx, &mut changed, details).await?;
            Ok(Changes { changed, gone, version })
        }
        .await
    )
}

/// Who asks, and since when; and what was found for them that is of use more than once.
struct Asked<'a> {
    caller: &'a Caller,
    since: Version,
    /// Whether the caller may have got other module access since.
    has_other_access: bool,
    /// The caller with all groups they were in at some time since, and all modules they may have had.
    then: Membership,
    in_views: Option<Vec<Touched>>,
    ended: Option<Vec<Touched>>,
}

impl<'a> Asked<'a> {
    async fn of(tx: &mut Tx, caller: &'a Caller, since: Version) -> Result<Asked<'a>> {
        let has_other_access = has_other_access(tx, caller, since).await?;
        let mut then = caller.who.clone();
        then.groups.extend(principals::groups_left(tx, then.user, since).await?);
        if has_other_access {
            then.access = access::ALL;
        }
        Ok(Asked { caller, since, has_other_access, then, in_views: None, ended: None })
    }

    /// Whatever may have come into any of the views, left it or changed in it.
    async fn in_views(&mut self, tx: &mut Tx) -> Result<&[Touched]> {
        if self.in_views.is_none() {
            let who = &self.caller.who;
            let mut found = listings::changed_anywhere(tx, self.since).await?;
            found.extend(if self.has_other_access {
                listings::permitted(tx, who, None).await?
            } else {
                listings::below_changed(tx, who, self.since).await?
            });
            self.in_views = Some(found);
        }
        Ok(self.in_views.as_deref().unwrap_or_default())
    }

    /// What a permission showed once and does not show any more.
    async fn ended(&mut self, tx: &mut Tx) -> Result<&[Touched]> {
        if self.ended.is_none() {
            self.ended = Some(listings::ended(tx, &self.then, self.since).await?);
        }
        Ok(self.ended.as_deref().unwrap_or_default())
    }

    /// The same as in the views in people's nodes: also what is somebody else's by now, or nobody's.
    async fn in_nodes(&mut self, tx: &mut Tx) -> Result<Vec<Touched>> {
        let mut found = self.in_views(tx).await?.to_vec();
        found.extend_from_slice(self.ended(tx).await?);
        Ok(found)
    }
}

/// Whatever may have come, gone or changed below `parent`.
async fn touched(tx: &mut Tx, asked: &mut Asked<'_>, parent: FolderRef) -> Result<HashSet<FolderRef>> {
    let who = &asked.caller.who;
    let of_others = |touched: Touched| touched.owner.filter(|owner| *owner != who.user);
    let refer = |touched: Touched| FolderRef::from(touched.folder);
    let id = match parent {
        FolderRef::Owner(owner) => {
            let found = asked.in_nodes(tx).await?;
            return Ok(found.into_iter().filter(|t| t.owner == Some(owner)).map(refer).collect());
        }
        FolderRef::Id(fixed::SHARED) => {
            let found = asked.in_nodes(tx).await?;
            return Ok(found.into_iter().filter_map(of_others).map(FolderRef::Owner).collect());
        }
        FolderRef::Id(view) if is_view(view) => {
            let found = asked.in_views(tx).await?;
            return Ok(found.iter().copied().filter(|t| t.owner.is_none()).map(refer).collect());
        }
        FolderRef::Id(id) => id,
    };
    let mut found: HashSet<FolderRef> =
        listings::changed(tx, id, asked.since).await?.into_iter().map(FolderRef::from).collect();
    if asked.has_other_access {
        found.extend(listings::permitted(tx, who, Some(id)).await?.into_iter().map(refer));
    }
    let views: Vec<FolderId> =
        OTHER_FOLDERS.iter().filter(|(_, at, ..)| *at == id).map(|(view, ..)| *view).collect();
    // A view is shown as long as something is in it.
    if !views.is_empty() && asked.in_views(tx).await?.iter().any(|t| t.owner.is_none()) {
        found.extend(views.into_iter().map(FolderRef::from));
    }
    Ok(found)
}

/// Leaves of what is not there for the caller only what may have been.
async fn keep_shown(tx: &mut Tx, asked: &mut Asked<'_>, gone: &mut Vec<FolderRef>) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let mut shown = asked.ended(tx).await?.to_vec();
    let folders = gone.iter().filter_map(|id| if let FolderRef::Id(id) = id { Some(*id) } else { None });
    let mut still: Vec<Touched> = folders.map(|folder| Touched { folder, owner: None }).collect();
    if still.iter().any(|touched| is_view(touched.folder)) {
        // A view is nothing but what is in it.
        still.extend(asked.in_views(tx).await?.iter().copied().filter(|touched| touched.owner.is_none()));
    }
    if gone.iter().any(|id| matches!(id, FolderRef::Owner(_))) {
        still.extend(listings::permitted(tx, &asked.then, None).await?);
    }
    let ids: Vec<FolderId> = still.iter().map(|touched| touched.folder).collect();
    let ids: HashSet<FolderId> = listings::shown(tx, &asked.then, &ids).await?.into_iter().collect();
    shown.extend(still.into_iter().filter(|touched| ids.contains(&touched.folder)));
    let folders: HashSet<FolderId> = shown.iter().map(|touched| touched.folder).collect();
    let owners: HashSet<Option<UserId>> = shown.iter().map(|touched| touched.owner).collect();
    gone.retain(|id| match id {
        FolderRef::Id(id) if is_view(*id) => owners.contains(&None),
        FolderRef::Id(id) => folders.contains(id),
        FolderRef::Owner(owner) => owners.contains(&Some(*owner)),
    });
    Ok(())
}

/// Whether the caller may have got other module access since. Whoever changes that changes the tree's scope too, so its
/// stamps can be compared with the tree's.
async fn has_other_access(tx: &mut Tx, caller: &Caller, since: Version) -> Result<bool> {
    let users = principals::users_by_id(tx, &[caller.who.user]).await?;
    Ok(users.iter().any(|user| user.modified > since))
}
