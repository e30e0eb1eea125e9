//! `folders?action=allVisible`: all folders of a module, sorted into whose they are.

use serde_json::json;
use zebu_app::{Result, folders};
use zebu_model::folder::Module;

use super::columns::COLUMNS;
use super::{details, rows};
use crate::ajax::columns::Selection;
use crate::params::invalid;
use crate::reply::Reply;
use crate::request::Call;

/// Parameters: `content_type` (a module's name), `columns`.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let columns = Selection::of(call.params(), COLUMNS)?;
    let name = call.params().required("content_type")?;
    let module = Module::from_name(name).ok_or_else(|| invalid("content_type", name))?;
    let (app, caller) = (call.app(), &call.caller);
    let found = folders::all_visible(app, caller, module, details(&columns)).await?;
    let data = json!({
        "private": rows(app, caller, &columns, found.private).await?,
        "public": rows(app, caller, &columns, found.public).await?,
        "shared": rows(app, caller, &columns, found.shared).await?,
    });
    Ok(Reply::versioned(data, found.version))
}
