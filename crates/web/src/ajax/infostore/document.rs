//! `infostore?action=document`: the bytes of a file, or of one of its versions.

use zebu_app::{Result, files};
use zebu_model::FileId;

use crate::content::{Presentation, send};
use crate::reply::Reply;
use crate::request::Call;

/// Parameters: `id`, `version`, `content_disposition` (`inline` shows what is safe to show). Ranges and conditions as in
/// RFC 9110.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    let id: FileId = call.params().required_parsed("id")?;
    // 0 is how old clients ask for the current version.
    let version = call.params().parsed("version")?.filter(|version| *version > 0);
    let opened = files::open(call.app(), &call.caller, id, version).await?;
    let inline = call.params().get("content_disposition") == Some("inline");
    let presentation = if inline { Presentation::Inline } else { Presentation::Attachment };
    let request = &call.request;
    Ok(Reply::response(
        send(call.app(), &request.method, &request.headers, &request.id, &opened, presentation).await?,
    ))
}
