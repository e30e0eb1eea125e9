//! GET and HEAD: a file's bytes, as the HTTP API's `document` sends them.

use http::{Response, StatusCode};
use zebu_app::dav::Located;
use zebu_app::files;

use super::failure::Failure;
use super::visit::Visit;
use crate::body::Outgoing;
use crate::content::{Presentation, send};

/// A collection has no bytes.
pub(super) async fn handle(visit: Visit) -> Result<Response<Outgoing>, Failure> {
    let file = match visit.locate().await? {
        Located::File { file, .. } => file,
        Located::Folder(_) | Located::OtherFolders => {
            let sentence = "This is a folder: open it as a network drive.".to_owned();
            return Err(Failure::Status(StatusCode::METHOD_NOT_ALLOWED, sentence));
        }
        Located::Free { .. } | Located::Nowhere => return Err(Failure::not_found()),
    };
    let opened = files::open(visit.app(), &visit.caller, file.id, None).await?;
    let request = &visit.request;
    Ok(send(visit.app(), &request.method, &request.headers, &request.id, &opened, Presentation::Attachment)
        .await?)
}
