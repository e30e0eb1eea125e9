//! The first two steps of a write with content: a reserved key, and the bytes under it. The third is
//! [`super::create`] or [`super::update`]; without it the bytes are swept.

use bytes::Bytes;
use zebu_model::access::Flag;
use zebu_model::limits::FILE_BYTES_MAX;
use zebu_model::quota::Quota;
use zebu_model::{FolderId, Refusal, Scope};
use zebu_store::Place;
use zebu_store::shard::usage;

use super::file_folder;
use crate::app::App;
use crate::caller::Caller;
use crate::copying::{Content, copy};
use crate::error::{Error, Result};
use crate::random::hex;
use crate::settle::until_settled;
use crate::storage::TakenKey;

/// Content on its way into the file store.
#[derive(Debug)]
pub struct Upload {
    taken: TakenKey,
    inner: zebu_files::Upload,
}

/// Content in the file store that has no name yet.
#[derive(Debug)]
pub struct Stored {
    pub(crate) taken: TakenKey,
    /// Bytes.
    pub size: u64,
    /// BLAKE3, lower-case hex.
    pub blake3: String,
    /// MD5, lower-case hex.
    pub md5: String,
    /// The file stores it is in.
    at: Vec<i64>,
}

/// Begins an upload. If the folder is known already, it is checked now rather than after gigabytes; `size` is what the
/// client announced, if anything.
pub async fn upload(
    app: &App,
    caller: &Caller,
    folder: Option<FolderId>,
    size: Option<u64>,
) -> Result<Upload> {
    caller.who.access.require(Flag::Infostore)?;
    let limit = until_settled!(bytes_max(app, caller, folder, size).await)?;
    if size.is_some_and(|size| size > limit) {
        return Err(Refusal::FileTooLarge { limit_bytes: limit }.into());
    }
    let taken = app.storage.take_key(&app.store, &caller.place, &app.node.incarnation, &app.clock).await?;
    let inner = taken.at().store.begin(taken.key()?, limit);
    Ok(Upload { taken, inner })
}

/// How much the caller may put into a folder, if they may put anything there.
async fn bytes_max(app: &App, caller: &Caller, folder: Option<FolderId>, size: Option<u64>) -> Result<u64> {
    let mut limit = FILE_BYTES_MAX;
    // What is in use is in no scope: where there is a quota, the master has to be read in any case.
    let mut tx = match caller.place.quota {
        Quota::Unlimited => app.read_of(&caller.place, &[Scope::Tree]).await?,
        Quota::Bytes(_) => app.read(&caller.place).await?,
    };
    if let Some(folder) = folder {
        let granted = file_folder(&mut tx, &caller.who, folder).await?;
        let writes = granted.bits.write.covers(caller.who.user, caller.who.user);
        if !granted.bits.creates_objects() && !writes {
            return Err(Refusal::FileCreateDenied {}.into());
        }
    }
    if let Quota::Bytes(quota) = caller.place.quota {
        let used = usage::used(&mut tx).await?;
        caller.place.quota.admit(used, size.unwrap_or(0).max(1))?;
        limit = limit.min(quota.saturating_sub(used));
    }
    Ok(limit)
}

impl Upload {
    /// Takes the next bytes; returns when there is room for more.
    pub async fn write(&mut self, chunk: Bytes) -> Result<()> {
        Ok(self.inner.write(chunk).await?)
    }

    /// Makes the content durable.
    pub async fn finish(self) -> Result<Stored> {
        let stored = self.inner.finish().await?;
        Ok(Stored {
            at: vec![self.taken.at().id],
            taken: self.taken,
            size: stored.size,
            blake3: hex(&stored.blake3),
            md5: hex(&stored.md5),
        })
    }
}

impl Stored {
    /// Whether it lies where a content may get a name by now.
    pub(super) fn is_in(&self, filestore: i64) -> bool {
        self.at.contains(&filestore)
    }

    /// Follows a context that has moved to another file store during the upload: there alone it can get a name. What is
    /// copied is known by its digest; where it was written first it is the move's to clear away.
    pub(super) async fn follow(&mut self, app: &App, place: &Place) -> Result<()> {
        if self.is_in(place.filestore_id) {
            return Ok(());
        }
        let to = app.storage.filestore(place).await?;
        let content = Content { key: self.taken.key()?, size: self.size, blake3: &self.blake3 };
        copy(&self.taken.at().store, &to.store, &content, async || Ok::<(), Error>(())).await?;
        self.at.push(to.id);
        Ok(())
    }
}
