//! The file module: listing, reading, uploading, changing, deleting.
//!
//! A change looks rights up first and then writes, relying on the tree's version: if a right was withdrawn in between,
//! the write is refused by the database (P2) and everything starts over. From then on the tree is held while the rights are
//! looked up: else a file could wait for ever for a tree that others change all the time.

mod change;
mod content;
mod create;
mod delete;
mod download;
mod list;
mod locks;
mod upload;

pub use change::{FileChange, update};
pub use content::{Opened, open};
pub use create::{Fields, NewFile, create};
pub(crate) use delete::remove;
pub use delete::{Wanted, delete};
pub use download::Download;
pub use list::{FileChanges, get, list, some, updates, versions};
pub use locks::Holding;
pub use upload::{Stored, Upload, upload};

use zebu_model::access::Flag;
use zebu_model::folder::{Module, is_view};
use zebu_model::rights::{Membership, ObjectRight};
use zebu_model::tree::Granted;
use zebu_model::{FolderId, Refusal, Scope, Version};
use zebu_store::shard::folders;
use zebu_store::{Plan, ReadTx, Tx, WriteTx};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;

/// Begins a read of what a write is decided by, with the caller as they are now.
async fn ground(app: &App, caller: &Caller) -> Result<(ReadTx, Caller)> {
    let mut tx = app.read_of(&caller.place, &[Scope::Principals, Scope::Tree]).await?;
    let caller = caller.as_of(&mut tx).await?;
    Ok((tx, caller))
}

/// Begins a write to the contents of folders, decided by the tree at this version. `tries`: the number of the try. If the
/// caller is returned, the tree stands still until the write ends, and what was decided is to be decided again.
async fn write_on(
    app: &App,
    caller: &Caller,
    folders: &[FolderId],
    tree: Version,
    tries: u32,
) -> Result<(WriteTx, Option<Caller>)> {
    let plan = Plan::changing(folders.iter().copied().map(Scope::Folder));
    if tries == 1 {
        return Ok((app.write(&caller.place, plan.relying(Scope::Tree, tree)).await?, None));
    }
    let mut tx = app.write(&caller.place, plan.holding(Scope::Tree)).await?;
    let caller = caller.as_of(&mut tx).await?;
    Ok((tx, Some(caller)))
}

/// A file folder the caller sees.
async fn file_folder(tx: &mut Tx, who: &Membership, id: FolderId) -> Result<Granted> {
    who.access.require(Flag::Infostore)?;
    if is_view(id) {
        return Err(Refusal::VirtualFolder { folder: id }.into());
    }
    let granted = Granted::visible(folders::get(tx, who, id).await?, id)?;
    if granted.folder.module != Module::Infostore {
        return Err(Refusal::NotAFileFolder { folder: id }.into());
    }
    Ok(granted)
}

/// Refuses unless the caller may list what is in a folder.
pub(crate) async fn may_list(tx: &mut Tx, caller: &Caller, id: FolderId) -> Result<()> {
    let granted = file_folder(tx, &caller.who, id).await?;
    list::creator_filter(&granted, caller.who.user).map(drop)
}

/// Refuses unless `right` covers an object that `creator` made.
fn covered(
    right: ObjectRight,
    creator: zebu_model::UserId,
    who: &Membership,
    refusal: Refusal,
) -> Result<()> {
    if right.covers(creator, who.user) { Ok(()) } else { Err(refusal.into()) }
}
