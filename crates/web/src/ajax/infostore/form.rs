//! An upload: `multipart/form-data` with a part `json` (the file's fields) and a part `file` (its bytes).
//!
//! The bytes go to the file store as they arrive; a few pieces are in memory at any time. If the upload breaks off,
//! dropping the half-made [`Stored`] is all there is to do: the application sweeps what was written.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::StreamExt;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use multer::{Constraints, Field, Multipart, SizeLimit};
use zebu_app::files::{self, Fields, Stored};
use zebu_app::{App, Caller, Error, Result};
use zebu_model::{FolderId, Refusal};

use super::body::FileBody;
use crate::content::mime;
use crate::request::{Request, json};

/// Bytes of the part `json`.
const JSON_BYTES_MAX: u64 = 64 * 1024;
/// More than everything around the bytes of the file: the part `json` twice (it may be there once) and the frame.
const FRAME_BYTES_MAX: u64 = 2 * JSON_BYTES_MAX;

/// An upload that has arrived in full.
#[derive(Debug)]
pub(super) struct Form {
    /// The folder named in the fields.
    pub(super) folder: Option<FolderId>,
    /// The other fields; name and type are those of the part `file` unless they were given.
    pub(super) fields: Fields,
    /// The bytes, if there were any.
    pub(super) content: Option<Stored>,
}

/// Reads an upload. `folder` is where the file is or goes to, if that is known: it is checked before the bytes are taken.
pub(super) async fn read(request: &mut Request, caller: &Caller, folder: Option<FolderId>) -> Result<Form> {
    let Request { app, config, headers, body, .. } = request;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(refused)?;
    let limits = Constraints::new().size_limit(SizeLimit::new().for_field("json", JSON_BYTES_MAX));
    let frame = Frame::new(config.read_buffer_bytes_max);
    let pieces = body.stream().map(|piece| frame.admit(piece?));
    let mut parts = Multipart::with_constraints(pieces, boundary, limits);
    let (mut described, mut received) = (FileBody::default(), None);
    while let Some(mut part) = parts.next_field().await.map_err(refused)? {
        frame.went_on();
        match part.name() {
            Some("json") => described = json(&part.bytes().await.map_err(refused)?)?,
            Some("file") if received.is_some() => {
                let reason = "it has more than one file".to_owned();
                return Err(Refusal::BodyInvalid { reason }.into());
            }
            Some("file") => {
                let folder = described.folder().or(folder);
                received = Some(receive(app, caller, part, folder, least_size(headers), &frame).await?);
            }
            // Old clients send their parameters as parts too; ours are in the query.
            _ => {
                while part.chunk().await.map_err(refused)?.is_some() {
                    frame.went_on()
                }
            }
        }
        frame.went_on();
    }
    let folder = described.folder();
    let mut fields = described.into_fields();
    let content = received.map(|received| {
        fields.filename = fields.filename.take().or(received.name);
        let name = fields.filename.as_deref().unwrap_or_default();
        fields.mime = Some(mime::choose(fields.mime.as_deref().or(received.mime.as_deref()), name));
        received.stored
    });
    Ok(Form { folder, fields, content })
}

/// Bounds what lies between the parts: multer holds everything in memory until it finds the next boundary or the end of a
/// part's head.
#[derive(Debug)]
struct Frame {
    /// Bytes taken from the body since multer last had something to hand on.
    held: AtomicU64,
    bytes_max: u64,
}

impl Frame {
    /// `piece_bytes_max`: the most that arrives at once. Of such pieces multer may take two before it looks into the first.
    fn new(piece_bytes_max: usize) -> Frame {
        let bytes_max = FRAME_BYTES_MAX.saturating_add(2 * piece_bytes_max as u64);
        Frame { held: AtomicU64::new(0), bytes_max }
    }

    /// Lets a piece pass, unless what came before it was too much already.
    fn admit(&self, piece: Bytes) -> Result<Bytes> {
        if self.held.fetch_add(piece.len() as u64, Ordering::Relaxed) > self.bytes_max {
            return Err(Refusal::BodyTooLarge { limit_bytes: self.bytes_max }.into());
        }
        Ok(piece)
    }

    /// Something was handed on.
    fn went_on(&self) {
        self.held.store(0, Ordering::Relaxed);
    }
}

struct Received {
    name: Option<String>,
    mime: Option<String>,
    stored: Stored,
}

async fn receive(
    app: &App,
    caller: &Caller,
    mut part: Field<'_>,
    folder: Option<FolderId>,
    size: Option<u64>,
    frame: &Frame,
) -> Result<Received> {
    let mut upload = files::upload(app, caller, folder, size).await?;
    while let Some(piece) = part.chunk().await.map_err(refused)? {
        frame.went_on();
        upload.write(piece).await?;
    }
    let stored = upload.finish().await?;
    let name = part.file_name().map(|name| last_segment(name).to_owned());
    let mime = part.content_type().map(ToString::to_string);
    Ok(Received { name: name.filter(|name| !name.is_empty()), mime, stored })
}

/// How many bytes the file has at least, going by the length of the whole.
fn least_size(headers: &HeaderMap) -> Option<u64> {
    let length: u64 = headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    Some(length.saturating_sub(FRAME_BYTES_MAX))
}

/// Some browsers sent the whole path of the user's disk.
fn last_segment(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// An upload that is not as it should be. What our own body reported is taken out again.
fn refused(error: multer::Error) -> Error {
    match error {
        multer::Error::FieldSizeExceeded { limit, .. } => Refusal::BodyTooLarge { limit_bytes: limit }.into(),
        multer::Error::StreamReadFailed(source) => match source.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => Refusal::BodyInvalid { reason: other.to_string() }.into(),
        },
        other => Refusal::BodyInvalid { reason: other.to_string() }.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_from_somebodys_disk_is_cut_to_its_name() {
        assert_eq!(last_segment(r"C:\Users\anna\a.txt"), "a.txt");
        // tidy-allow(machine): somebody's disk, as a browser might send it
        assert_eq!(last_segment("/home/anna/a.txt"), "a.txt");
        assert_eq!(last_segment("a.txt"), "a.txt");
    }
}
