//! `infostore?action=updates`: what changed in a folder since a stamp.

use serde_json::json;
use zebu_app::{Result, files};
use zebu_model::{FolderId, Version};

use super::columns::{COLUMNS, FileRow};
use crate::ajax::columns::Selection;
use crate::reply::Reply;
use crate::request::Call;

/// Parameters: `folder`, `timestamp`, `columns`, `ignore`. New and changed files come as rows; then, unless
/// `ignore=deleted`, the ids of those that are gone.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let columns = Selection::of(call.params(), COLUMNS)?;
    let folder: FolderId = call.params().required_parsed("folder")?;
    let since = Version(call.params().required_parsed("timestamp")?);
    let found = files::updates(call.app(), &call.caller, folder, since).await?;
    let rows: Vec<_> = found.changed.into_iter().map(FileRow::current).collect();
    let mut data = columns.rows(&rows);
    if call.params().get("ignore") != Some("deleted") {
        data.extend(found.gone.iter().map(|id| json!(id.to_string())));
    }
    Ok(Reply::versioned(data, found.version))
}
