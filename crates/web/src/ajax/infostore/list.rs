//! `infostore?action=list`: files by their ids.

use zebu_app::{Result, files};
use zebu_model::FileId;

use super::columns::{COLUMNS, FileRow};
use crate::ajax::columns::Selection;
use crate::ajax::ids::{FileInFolder, bounded};
use crate::reply::Reply;
use crate::request::Call;

/// Parameter: `columns`. Body: `[{id, folder}, …]`. One that is missing or hidden is an error.
pub(crate) async fn handle(mut call: Call) -> Result<Reply> {
    let columns = Selection::of(call.params(), COLUMNS)?;
    let wanted: Vec<FileInFolder> = bounded(call.request.json().await?)?;
    let ids: Vec<FileId> = wanted.iter().map(|file| file.id.0).collect();
    let found = files::some(call.app(), &call.caller, &ids).await?;
    let version = found.iter().map(|file| file.modified).max().unwrap_or_default();
    let rows: Vec<_> = found.into_iter().map(FileRow::current).collect();
    Ok(Reply::versioned(columns.rows(&rows), version))
}
