//! PUT: a new file, or a new version of one.

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG};
use http::{HeaderValue, Response};
use zebu_app::dav::Located;
use zebu_app::files::{self, Fields, FileChange, Holding, NewFile, Stored};

use super::failure::Failure;
use super::place::{self, There};
use super::visit::Visit;
use super::{conditions, reply};
use crate::body::Outgoing;
use crate::content::{etag, mime};

/// 201 for a new file, 204 for a new version; the answer has the new `ETag`.
pub(super) async fn handle(mut visit: Visit) -> Result<Response<Outgoing>, Failure> {
    if visit.request.headers.contains_key(CONTENT_RANGE) {
        return Err(Failure::bad("A part of a file can not be stored."));
    }
    let at = visit.locate().await?;
    if matches!(at, Located::Folder(_) | Located::OtherFolders) {
        return Err(Failure::not_allowed());
    }
    let tokens = conditions::check(&visit, &at).await?;
    let place = place::of(&visit.path, at)?;
    if place.is_free() {
        place.open_parent(&visit, &tokens).await?;
    }
    let mime = Some(mime::choose(visit.header(CONTENT_TYPE.as_str()), &place.name));
    let stored = receive(&mut visit, place.parent).await?;
    let etag = etag(&stored.blake3);
    let (app, caller) = (visit.app(), &visit.caller);
    let mut response = match place.there {
        There::File(file) => {
            let change = FileChange {
                folder: None,
                fields: Fields { mime, ..Fields::default() },
                content: Some(stored),
                // With a condition on what is there, nobody may come in between.
                seen: visit.header("if-match").or(visit.header("if")).map(|_| file.modified),
                holding: Holding::Tokens(&tokens),
            };
            files::update(app, caller, file.id, change).await?;
            reply::stored(false)
        }
        There::Nothing | There::Folder(_) => {
            let fields = Fields { filename: Some(place.name), mime, ..Fields::default() };
            let new = NewFile { folder: place.parent, fields, content: Some(stored) };
            files::create(app, caller, new).await?;
            reply::stored(true)
        }
    };
    response.headers_mut().extend(HeaderValue::from_str(&etag).ok().map(|etag| (ETAG, etag)));
    Ok(response)
}

/// Takes the bytes as they come. Dropped half-way, they are swept.
async fn receive(visit: &mut Visit, folder: zebu_model::FolderId) -> Result<Stored, Failure> {
    let size = visit.header(CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
    let mut upload = files::upload(visit.app(), &visit.caller, Some(folder), size).await?;
    while let Some(piece) = visit.request.body.next().await? {
        upload.write(piece).await?;
    }
    Ok(upload.finish().await?)
}
