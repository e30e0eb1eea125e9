//! The file module: listing, reading, uploading, changing, deleting.
//!
//! A change looks rights up first and then writes, relying on the tree's version: if a right was withdrawn in between,
//! the write is refused by the database (P2) and everything starts over.

mod change;
mod content;
mod create;
mod delete;
mod list;
mod locks;
mod upload;

pub use change::{FileChange, update};
pub use content::{Opened, open};
pub use create::{Fields, NewFile, create};
pub use delete::{Wanted, delete};
pub use list::{FileChanges, get, list, some, updates, versions};
pub use locks::Holding;
pub use upload::{Stored, Upload, upload};

use zebu_model::access::Flag;
use zebu_model::folder::{Module, is_view};
use zebu_model::rights::{Membership, ObjectRight};
use zebu_model::tree::Granted;
use zebu_model::{FolderId, Refusal, Scope, Version};
use zebu_store::Tx;
use zebu_store::shard::folders;

use crate::caller::Caller;
use crate::error::Result;

/// The ground of a write: a file folder the caller sees, and the version of the tree that says so.
async fn ground(tx: &mut Tx, caller: &Caller, id: FolderId) -> Result<(Granted, Version)> {
    let caller = caller.as_of(tx).await?;
    Ok((file_folder(tx, &caller.who, id).await?, tx.version(Scope::Tree).await?))
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

/// Refuses unless `right` covers an object that `creator` made.
fn covered(
    right: ObjectRight,
    creator: zebu_model::UserId,
    who: &Membership,
    refusal: Refusal,
) -> Result<()> {
    if right.covers(creator, who.user) { Ok(()) } else { Err(refusal.into()) }
}
