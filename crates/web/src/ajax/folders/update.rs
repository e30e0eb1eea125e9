//! `folders?action=update`: another name, place or audience.

use zebu_app::Result;
use zebu_app::folders::{self, FolderChange};
use zebu_model::{FolderId, Version};

use super::body::FolderBody;
use crate::reply::Reply;
use crate::request::Call;

/// Parameters: `id`, `timestamp` (a newer folder is not changed; without it any is), `cascadePermissions`. Body: those of
/// `title`, `folder_id`, `permissions` that change. Answers the id.
pub(crate) async fn handle(mut call: Call) -> Result<Reply> {
    let id: FolderId = call.params().required_parsed("id")?;
    let seen = call.params().parsed("timestamp")?.map(Version);
    let cascade = call.params().is_true("cascadePermissions");
    let body: FolderBody = call.request.json().await?;
    let (parent, permissions) = (body.parent(), body.permissions()?);
    let change = FolderChange { title: body.title, parent, permissions, cascade, seen };
    let version = folders::update(call.app(), &call.caller, id, change).await?;
    Ok(Reply::versioned(id.to_string(), version))
}
