//! Reading the tree: children, views, the way to the root, what changed.

use std::collections::HashSet;

use zebu_model::folder::{Module, OTHER_FOLDERS, Type, fixed};
use zebu_model::tree::Granted;
use zebu_model::{FolderId, Refusal, Scope, UserId, Version};
use zebu_store::Tx;
use zebu_store::shard::listings::Listed;
use zebu_store::shard::{folders, listings, principals};

use super::reference::FolderRef;
use super::view::{Details, FolderView, Listing, fill, home_of_unreachable};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::settle::until_settled;

/// The folders a user begins with.
pub async fn root(app: &App, caller: &Caller, details: Details) -> Result<Listing> {
    until_settled!(
        async {
            let mut tx = app.read_of(&caller.place, &[Scope::Tree]).await?;
            let ids = [fixed::PRIVATE, fixed::PUBLIC, fixed::SHARED, fixed::INFOSTORE];
            let found = listings::some(&mut tx, &caller.who, &ids).await?;
            let views = found.into_iter().map(|l| FolderView::below(l, fixed::ROOT.into())).collect();
            finish(&mut tx, views, details).await
        }
        .await
    )
}

/// The folders the caller sees below `parent`.
pub async fn list(app: &App, caller: &Caller, parent: FolderRef, details: Details) -> Result<Listing> {
    until_settled!(
        async {
            let mut tx = app.read_of(&caller.place, &[Scope::Tree]).await?;
            let views = below(&mut tx, caller, parent).await?;
            finish(&mut tx, views, details).await
        }
        .await
    )
}

async fn finish(tx: &mut Tx, mut views: Vec<FolderView>, details: Details) -> Result<Listing> {
    fill(tx, &mut views, details).await?;
    Ok(Listing { folders: views, version: tx.version(Scope::Tree).await? })
}

pub(super) async fn below(tx: &mut Tx, caller: &Caller, parent: FolderRef) -> Result<Vec<FolderView>> {
    let who = &caller.who;
    let place = |found: Vec<Listed>| found.into_iter().map(|l| FolderView::below(l, parent)).collect();
    let id = match parent {
        FolderRef::Owner(owner) => {
            who.access.require_shared()?;
            let found = listings::shared(tx, who, Some(owner)).await?;
            return Ok(place(tops(found)));
        }
        FolderRef::Id(fixed::SHARED) => {
            who.access.require_shared()?;
            return owners(tx, caller).await;
        }
        FolderRef::Id(id) => id,
    };
    if let Some((_, _, module, _)) = OTHER_FOLDERS.iter().find(|(view, ..)| *view == id) {
        who.access.require_module(*module)?;
        return Ok(place(listings::unreachable(tx, who, *module).await?));
    }
    if id != fixed::ROOT {
        Granted::visible(folders::get(tx, who, id).await?, id)?;
    }
    let mut found = listings::children(tx, who, id).await?;
    if id == fixed::PRIVATE {
        // Other people's are found below "shared folders".
        found.retain(|l| l.granted.folder.created_by == who.user);
    }
    let mut views: Vec<FolderView> = place(found);
    for (view, at, module, _) in OTHER_FOLDERS {
        if at == id && !listings::unreachable(tx, who, module).await?.is_empty() {
            views.extend(FolderView::other(view));
        }
    }
    Ok(views)
}

/// Of these folders those whose parent is not among them.
fn tops(found: Vec<Listed>) -> Vec<Listed> {
    let ids: HashSet<FolderId> = found.iter().map(|l| l.granted.folder.id).collect();
    found.into_iter().filter(|l| !ids.contains(&l.granted.folder.parent)).collect()
}

/// One node for everybody who shares private folders with the caller.
async fn owners(tx: &mut Tx, caller: &Caller) -> Result<Vec<FolderView>> {
    let mut owners: Vec<UserId> = listings::shared(tx, &caller.who, None)
        .await?
        .into_iter()
        .map(|l| l.granted.folder.created_by)
        .collect();
    owners.dedup();
    if owners.is_empty() {
        return Ok(Vec::new());
    }
    let users = principals::users_by_id(tx, &owners).await?;
    Ok(users.into_iter().map(|u| FolderView::owner(u.id, &u.display_name)).collect())
}

/// One folder.
pub async fn get(
    app: &App,
    caller: &Caller,
    id: FolderRef,
    details: Details,
) -> Result<(FolderView, Version)> {
    until_settled!(
        async {
            let mut tx = app.read_of(&caller.place, &[Scope::Tree]).await?;
            let mut way = way_up(&mut tx, caller, id).await?;
            way.truncate(1);
            let listing = finish(&mut tx, way, details).await?;
            let first = listing.folders.into_iter().next();
            let view = first.ok_or(Refusal::FolderNotVisible { folder: number(id) })?;
            Ok((view, listing.version))
        }
        .await
    )
}

/// A folder and what is above it as the caller sees it, the folder first. The root is left out.
pub async fn path(app: &App, caller: &Caller, id: FolderRef, details: Details) -> Result<Listing> {
    until_settled!(
        async {
            let mut tx = app.read_of(&caller.place, &[Scope::Tree]).await?;
            let way = way_up(&mut tx, caller, id).await?;
            finish(&mut tx, way, details).await
        }
        .await
    )
}

fn number(id: FolderRef) -> FolderId {
    if let FolderRef::Id(id) = id { id } else { fixed::SHARED }
}

async fn way_up(tx: &mut Tx, caller: &Caller, id: FolderRef) -> Result<Vec<FolderView>> {
    let mut way: Vec<FolderView> = Vec::new();
    let mut at = id;
    loop {
        match at {
            FolderRef::Id(fixed::ROOT) => {
                if way.is_empty() {
                    way.push(FolderView::root());
                }
                return Ok(way);
            }
            FolderRef::Owner(owner) => {
                caller.who.access.require_shared()?;
                let name = principals::users_by_id(tx, &[owner]).await?.into_iter().next();
                let name = name.ok_or(Refusal::FolderNotVisible { folder: fixed::SHARED })?;
                way.push(FolderView::owner(owner, &name.display_name));
                at = fixed::SHARED.into();
            }
            FolderRef::Id(id) => match FolderView::other(id) {
                Some(view) => {
                    caller.who.access.require_module(view.granted.folder.module)?;
                    at = view.parent;
                    way.push(view);
                }
                None => {
                    let stored = stored_way(tx, caller, id).await?;
                    at = stored.last().map_or(fixed::ROOT.into(), |view| view.parent);
                    way.extend(stored);
                }
            },
        }
    }
}

/// The stored part of the way up from `id`: up to the root, or to where the caller sees no further.
async fn stored_way(tx: &mut Tx, caller: &Caller, id: FolderId) -> Result<Vec<FolderView>> {
    let mut chain = folders::path(tx, &caller.who, id).await?.into_iter().peekable();
    let mut way = Vec::new();
    while let Some(granted) = chain.next_if(|g| g.bits.sees()) {
        let mine = granted.folder.created_by == caller.who.user;
        let next_is_seen = chain.peek().is_none_or(|next| next.bits.sees());
        // Somebody else's private folder hangs below its owner, although everybody sees the folder it is stored in.
        let foreign =
            granted.folder.kind == Type::Private && !mine && granted.folder.parent == fixed::PRIVATE;
        let cut = !next_is_seen || foreign;
        let parent = if cut { home_of_unreachable(&granted.folder) } else { granted.folder.parent.into() };
        way.push(FolderView::below(Listed { granted, subfolders: true }, parent));
        if cut {
            break;
        }
    }
    if way.is_empty() {
        Granted::visible(chain.next(), id)?;
    }
    // What is above has a visible folder below it: this one.
    if let Some(first) = way.first_mut() {
        first.subfolders = listings::some(tx, &caller.who, &[id]).await?.iter().any(|l| l.subfolders);
    }
    Ok(way)
}

/// All folders of a module, sorted into whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visible {
    /// The caller's own private folders.
    pub private: Vec<FolderView>,
    /// Public folders.
    pub public: Vec<FolderView>,
    /// Private folders of others.
    pub shared: Vec<FolderView>,
    /// The client's next `timestamp`.
    pub version: Version,
}

/// All folders of a module that the caller sees.
pub async fn all_visible(app: &App, caller: &Caller, module: Module, details: Details) -> Result<Visible> {
    until_settled!(
        async {
            caller.who.access.require_module(module)?;
            let mut tx = app.read_of(&caller.place, &[Scope::Tree]).await?;
            let found = listings::all_visible(&mut tx, &caller.who, module).await?;
            let seen: HashSet<FolderId> = found.iter().map(|l| l.granted.folder.id).collect();
            let views = found
                .into_iter()
                .map(|l| {
                    let folder = &l.granted.folder;
                    let reachable = seen.contains(&folder.parent) || folder.parent < fixed::FIRST_FREE;
                    let foreign = folder.kind == Type::Private && folder.created_by != caller.who.user;
                    let cut = !reachable || (foreign && folder.parent == fixed::PRIVATE);
                    let parent = if cut { home_of_unreachable(folder) } else { folder.parent.into() };
                    FolderView::below(l, parent)
                })
                .collect();
            let listing = finish(&mut tx, views, details).await?;
            let (private, rest): (Vec<_>, Vec<_>) = listing.folders.into_iter().partition(|view| {
                let folder = &view.granted.folder;
                folder.kind == Type::Private && folder.created_by == caller.who.user
            });
            let (shared, public) =
                rest.into_iter().partition(|view| view.granted.folder.kind == Type::Private);
            Ok(Visible { private, public, shared, version: listing.version })
        }
        .await
    )
}
