//! `folders?action=list`: the folders below one.

use zebu_app::{Result, folders};

use super::columns::COLUMNS;
use super::{details, rows};
use crate::ajax::columns::Selection;
use crate::reply::Reply;
use crate::request::Call;

/// Parameters: `parent`, `columns`.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let columns = Selection::of(call.params(), COLUMNS)?;
    let parent = call.params().required_parsed("parent")?;
    let found = folders::list(call.app(), &call.caller, parent, details(&columns)).await?;
    let rows = rows(call.app(), &call.caller, &columns, found.folders).await?;
    Ok(Reply::versioned(rows, found.version))
}
