//! `folders?action=new`: a folder below another.

use zebu_app::Result;
use zebu_app::folders::{self, NewFolder};
use zebu_model::{FolderId, Refusal};

use super::body::FolderBody;
use crate::reply::Reply;
use crate::request::Call;

/// Parameter: `folder_id`, the parent. Body: `title`, `module`, `permissions`. Answers the new id.
pub(crate) async fn handle(mut call: Call) -> Result<Reply> {
    let parent: FolderId = call.params().required_parsed("folder_id")?;
    let body: FolderBody = call.request.json().await?;
    if body.parent().is_some_and(|named| named != parent) {
        return Err(Refusal::FolderParameterMismatch { name: "folder_id" }.into());
    }
    let (module, permissions) = (body.module()?, body.permissions()?);
    let title = body.title.ok_or(Refusal::FolderFieldMissing { field: "title" })?;
    let new = NewFolder { parent, title, module, permissions };
    let (id, version) = folders::create(call.app(), &call.caller, new).await?;
    Ok(Reply::versioned(id.to_string(), version))
}
