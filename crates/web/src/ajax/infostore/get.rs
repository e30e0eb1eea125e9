//! `infostore?action=get`: one file with all its fields.

use zebu_app::{Result, files};
use zebu_model::{FileId, FolderId};

use super::columns::{COLUMNS, FileRow};
use crate::ajax::columns::object;
use crate::reply::Reply;
use crate::request::Call;

/// Parameters: `id`, `folder` (where the client expects it).
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let id: FileId = call.params().required_parsed("id")?;
    let folder: Option<FolderId> = call.params().parsed("folder")?;
    let (file, version) = files::get(call.app(), &call.caller, id, folder).await?;
    Ok(Reply::versioned(object(COLUMNS, &FileRow::current(file)), version))
}
