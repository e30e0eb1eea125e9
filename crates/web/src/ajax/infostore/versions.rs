//! `infostore?action=versions`: a file's versions, oldest first unless sorted otherwise.

use zebu_app::{Result, files};
use zebu_model::FileId;

use super::columns::{COLUMNS, FileRow};
use crate::ajax::columns::Selection;
use crate::ajax::paging::arrange;
use crate::reply::Reply;
use crate::request::Call;

/// Parameters: `id`, `columns`, `sort` with `order`.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let columns = Selection::of(call.params(), COLUMNS)?;
    let id: FileId = call.params().required_parsed("id")?;
    let (file, contents, version) = files::versions(call.app(), &call.caller, id).await?;
    let rows = contents.into_iter().map(|content| FileRow::version(&file, content)).collect();
    let rows = arrange(call.params(), COLUMNS, rows)?;
    Ok(Reply::versioned(columns.rows(&rows), version))
}
