//! `folders?action=get`: one folder with all its fields.

use zebu_app::folders::{self, Details};
use zebu_app::{Result, directory};

use super::columns::{COLUMNS, FolderRow};
use crate::ajax::columns::object;
use crate::reply::Reply;
use crate::request::Call;

/// Parameter: `id`.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let id = call.params().required_parsed("id")?;
    let everything = Details { permissions: true, totals: true };
    let (view, version) = folders::get(call.app(), &call.caller, id, everything).await?;
    let owner = [view.granted.folder.created_by];
    let (owners, _) = directory::users_by_id(call.app(), &call.caller, &owner).await?;
    let owner_name = owners.into_iter().next().map(|user| user.display_name);
    let row = FolderRow { view, viewer: call.caller.user(), owner_name };
    Ok(Reply::versioned(object(COLUMNS, &row), version))
}
