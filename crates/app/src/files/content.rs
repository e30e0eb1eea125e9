//! `document`: the bytes of a version.

use std::ops::Range;
use std::sync::Arc;

use zebu_files::{FileStore, Key, Reader};
use zebu_model::file::{Content, File};
use zebu_model::{FileId, Refusal, Scope};
use zebu_store::shard::files;

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
    store: Arc<FileStore>,
}

/// Opens a version of an item; the current one if none is named.
pub async fn open(app: &App, caller: &Caller, id: FileId, version: Option<u32>) -> Result<Opened> {
    let (file, content) = until_settled!(find(app, caller, id, version).await)?;
    let content = content.ok_or(Refusal::DocumentMissing { file: id })?;
    open_content(app, caller, file, content).await
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

/// Opens a version that the caller is known to be allowed to read.
pub(crate) async fn open_content(app: &App, caller: &Caller, file: File, content: Content) -> Result<Opened> {
    let store = app.storage.filestore(&caller.place).await?;
    Ok(Opened { file, content, store })
}

impl Opened {
    /// The bytes, or a range of them, as a stream of chunks. What cannot be read is found out here, before anything
    /// was answered.
    pub async fn read(&self, range: Option<Range<u64>>) -> Result<Reader> {
        let key = Key::parse(&self.content.key)
            .map_err(|e| Error::Internal(format!("file {}: {e}: {}", self.file.id, self.content.key)))?;
        let reader = self.store.read(key, range).await?;
        if reader.size() != self.content.size {
            return Err(Error::Internal(format!(
                "file {}: {} has {} bytes instead of {}",
                self.file.id,
                self.content.key,
                reader.size(),
                self.content.size
            )));
        }
        Ok(reader)
    }
}
