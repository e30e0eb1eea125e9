//! `folders?action=path`: a folder, its parent, and so on up to the root.

use zebu_app::{Result, folders};

use super::columns::COLUMNS;
use super::{details, rows};
use crate::ajax::columns::Selection;
use crate::reply::Reply;
use crate::request::Call;

/// Parameters: `id`, `columns`.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let columns = Selection::of(call.params(), COLUMNS)?;
    let id = call.params().required_parsed("id")?;
    let found = folders::path(call.app(), &call.caller, id, details(&columns)).await?;
    let rows = rows(call.app(), &call.caller, &columns, found.folders).await?;
    Ok(Reply::versioned(rows, found.version))
}
