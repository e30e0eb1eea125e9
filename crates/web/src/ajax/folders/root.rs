//! `folders?action=root`: the folders a user begins with.

use zebu_app::{Result, folders};

use super::columns::COLUMNS;
use super::{details, rows};
use crate::ajax::columns::Selection;
use crate::reply::Reply;
use crate::request::Call;

/// Parameter: `columns`.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let columns = Selection::of(call.params(), COLUMNS)?;
    let found = folders::root(call.app(), &call.caller, details(&columns)).await?;
    let rows = rows(call.app(), &call.caller, &columns, found.folders).await?;
    Ok(Reply::versioned(rows, found.version))
}
