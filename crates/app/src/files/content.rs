//! `document`: the bytes of a version.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use zebu_files::{Key, Reader};
use zebu_model::file::{Content, File};
use zebu_model::{FileId, Refusal, Scope};
use zebu_store::Place;
use zebu_store::configdb::contexts;
use zebu_store::shard::files;

use super::download::Download;
use super::list::readable;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::settle::until_settled;

/// A version whose bytes the caller may read.
#[derive(Debug)]
pub struct Opened {
    /// The item.
    pub file: File,
    /// The version.
    pub content: Content,
    place: Place,
}

/// Opens a version of an item; the current one if none is named.
pub async fn open(app: &App, caller: &Caller, id: FileId, version: Option<u32>) -> Result<Opened> {
    let (file, content) = until_settled!(find(app, caller, id, version).await)?;
    let content = content.ok_or(Refusal::DocumentMissing { file: id })?;
    Ok(Opened { file, content, place: caller.place.clone() })
}

async fn find(
    app: &App,
    caller: &Caller,
    id: FileId,
    version: Option<u32>,
) -> Result<(File, Option<Content>)> {
    let mut tx = app.read_of(&caller.place, &[Scope::Tree]).await?;
    let (file, _) = readable(&mut tx, caller, id).await?;
    let content = match version.filter(|v| file.content.as_ref().is_none_or(|c| c.version != *v)) {
        None => file.content.clone(),
        Some(version) => {
            files::versions(&mut tx, file.folder, id).await?.into_iter().find(|c| c.version == version)
        }
    };
    Ok((file, content))
}

impl Opened {
    /// The bytes, or a range of them, as a stream of chunks. What cannot be read is found out here, before anything
    /// was answered.
    pub async fn read(&self, app: &Arc<App>, range: Option<Range<u64>>) -> Result<Download> {
        let key = Key::parse(&self.content.key)
            .map_err(|e| Error::Internal(format!("file {}: {e}: {}", self.file.id, self.content.key)))?;
        let download = Download::of(app, &self.place, key, range).await?;
        if download.size() != self.content.size {
            return Err(Error::Internal(format!(
                "file {}: {} has {} bytes instead of {}",
                self.file.id,
                self.content.key,
                download.size(),
                self.content.size
            )));
        }
        Ok(download)
    }
}

/// How often a content is looked for. It is in one of the context's file stores, always; but it may move from the one to the
/// other between two looks, or the context's picture be of before it moved.
const LOOKS: usize = 3;

/// Opens a content in whichever of its context's file stores it is.
pub(super) async fn find_content(
    app: &App,
    place: &Place,
    key: Key,
    range: Option<Range<u64>>,
) -> Result<Reader> {
    let mut at = Cow::Borrowed(place);
    for looks_left in (0..LOOKS).rev() {
        for shelf in app.storage.filestores(&at).await? {
            match shelf.store.read(key, range.clone()).await {
                Err(zebu_files::Error::Missing { .. }) => {}
                other => return Ok(other?),
            }
        }
        if looks_left > 0 {
            let mut tx = app.store.config().await?;
            let now = contexts::by_id(&mut tx, place.context).await?.filter(|now| now.born == place.born);
            at = now.map_or(at, Cow::Owned);
        }
    }
    Err(zebu_files::Error::Missing { key }.into())
}
