//! `infostore?action=all`: what is in a folder.

use zebu_app::{Result, files};
use zebu_model::FolderId;

use super::columns::{COLUMNS, FileRow};
use crate::ajax::columns::Selection;
use crate::ajax::paging::arrange;
use crate::reply::Reply;
use crate::request::Call;

/// Parameters: `folder`, `columns`, `sort` with `order`, `left_hand_limit`, `right_hand_limit`.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let columns = Selection::of(call.params(), COLUMNS)?;
    let folder: FolderId = call.params().required_parsed("folder")?;
    let (found, version) = files::list(call.app(), &call.caller, folder).await?;
    let rows = found.into_iter().map(FileRow::current).collect();
    let rows = arrange(call.params(), COLUMNS, rows)?;
    Ok(Reply::versioned(columns.rows(&rows), version))
}
