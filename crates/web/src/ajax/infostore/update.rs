//! `infostore?action=update`: a new version from an upload (POST), or other fields and places from JSON (PUT).

use http::Method;
use zebu_app::Result;
use zebu_app::files::{self, FileChange, Holding};
use zebu_model::{FileId, Version};

use super::body::FileBody;
use super::form::{self, Form};
use crate::reply::Reply;
use crate::request::Call;

/// Parameters: `id`, `timestamp` (a newer file is not changed; without it any is). `folder_id` among the fields moves the
/// file. Answers the id.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let Call { caller, mut request } = call;
    let id: FileId = request.params.required_parsed("id")?;
    let seen = request.params.parsed("timestamp")?.map(Version);
    let form = if request.method == Method::POST {
        // The file is looked at before its new bytes are taken; whether it may be changed is decided with the change.
        let (file, _) = files::get(&request.app, &caller, id, None).await?;
        form::read(&mut request, &caller, Some(file.folder)).await?
    } else {
        let body: FileBody = request.json().await?;
        Form { folder: body.folder(), fields: body.into_fields(), content: None }
    };
    let Form { folder, fields, content } = form;
    let change = FileChange { folder, fields, content, seen, holding: Holding::User };
    let version = files::update(&request.app, &caller, id, change).await?;
    Ok(Reply::versioned(id.to_string(), version))
}
