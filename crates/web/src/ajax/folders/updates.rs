//! `folders?action=updates`: what changed below a folder since a stamp.

use serde_json::json;
use zebu_app::{Result, folders};
use zebu_model::Version;

use super::columns::COLUMNS;
use super::{details, rows};
use crate::ajax::columns::Selection;
use crate::reply::Reply;
use crate::request::Call;

/// Parameters: `parent`, `timestamp`, `columns`, `ignore`. New and changed folders come as rows; then, unless
/// `ignore=deleted`, the ids of those that are gone.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let columns = Selection::of(call.params(), COLUMNS)?;
    let parent = call.params().required_parsed("parent")?;
    let since = Version(call.params().required_parsed("timestamp")?);
    let found = folders::updates(call.app(), &call.caller, parent, since, details(&columns)).await?;
    let mut data = rows(call.app(), &call.caller, &columns, found.changed).await?;
    if call.params().get("ignore") != Some("deleted") {
        data.extend(found.gone.iter().map(|id| json!(id.to_string())));
    }
    Ok(Reply::versioned(data, found.version))
}
