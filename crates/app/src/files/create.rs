//! `new`: an item in a folder, with content, a bookmark or a note.

use zebu_model::file::{Content, File};
use zebu_model::quota::Quota;
use zebu_model::{FileId, FolderId, Refusal, Scope, Version, name};
use zebu_store::configdb::contexts;
use zebu_store::shard::sequences::Sequence;
use zebu_store::shard::{files, stored, usage};
use zebu_store::{Tx, WriteTx};

use super::upload::Stored;
use super::{file_folder, ground, write_on};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::settle::until_settled;

/// Fields of an item; `None` stays, or is the default.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Shown name; default the file name.
    pub title: Option<String>,
    /// File name; needs content.
    pub filename: Option<String>,
    /// MIME type of the content; default `application/octet-stream`.
    pub mime: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Bookmark.
    pub url: Option<String>,
    /// What is said about the version.
    pub version_comment: Option<String>,
}

/// An item to make.
#[derive(Debug)]
pub struct NewFile {
    /// Where.
    pub folder: FolderId,
    /// Its fields.
    pub fields: Fields,
    /// Its content.
    pub content: Option<Stored>,
}

/// Longest MIME type kept, characters (RFC 6838 §4.2: 127 each side of the slash).
const MIME_CHARS_MAX: usize = 255;

pub(super) fn check_fields(fields: &Fields) -> Result<()> {
    if let Some(filename) = &fields.filename {
        name::file(filename)?;
    }
    fields.title.as_deref().map_or(Ok(()), name::title)?;
    fields.description.as_deref().map_or(Ok(()), name::description)?;
    fields.url.as_deref().map_or(Ok(()), name::url)?;
    fields.version_comment.as_deref().map_or(Ok(()), name::comment)?;
    if fields.mime.as_ref().is_some_and(|m| m.chars().count() > MIME_CHARS_MAX) {
        return Err(Refusal::ValueTooLong { field: "file_mimetype", limit_chars: MIME_CHARS_MAX }.into());
    }
    Ok(())
}

/// The version that `stored` becomes.
pub(super) fn content(
    stored: &Stored,
    fields: &Fields,
    name: String,
    version: u32,
    caller: &Caller,
    now_ms: i64,
) -> Result<Content> {
    Ok(Content {
        version,
        name,
        mime: fields.mime.clone().unwrap_or_else(|| "application/octet-stream".to_owned()),
        size: stored.size,
        md5: stored.md5.clone(),
        blake3: stored.blake3.clone(),
        key: stored.taken.key()?.to_string(),
        comment: fields.version_comment.clone().unwrap_or_default(),
        created_by: caller.who.user,
        created: now_ms,
    })
}

/// What the context may store by now, and with its content where it is stored by now. An upload lasts: since it began, an
/// operator may have lowered the quota, moved the contents, or disabled the context, which is refused.
pub(super) async fn settle(app: &App, caller: &Caller, stored: &mut Stored) -> Result<Quota> {
    let place = {
        let mut tx = app.store.config().await?;
        contexts::by_id(&mut tx, caller.place.context).await?
    };
    let place = place.filter(|place| place.born == caller.place.born).ok_or(Refusal::SessionExpired {})?;
    if !place.enabled {
        return Err(Refusal::SessionContextDisabled {}.into());
    }
    stored.follow(app, &place).await?;
    Ok(place.quota)
}

/// The third step of the two-step write: quota, usage, and the end of the reservation, in the transaction that names
/// the content.
pub(super) async fn adopt(tx: &mut WriteTx, quota: Quota, folder: FolderId, stored: &Stored) -> Result<()> {
    if !stored.is_in(tx.filestores().home) {
        // The context has just moved to another file store: the content has to follow.
        return Err(zebu_store::Error::Stale.into());
    }
    if quota != Quota::Unlimited {
        quota.admit(usage::hold(tx).await?, stored.size)?;
    }
    if !stored::release(tx, &stored.taken.key()?.to_string()).await? {
        // A sweeper took this node for dead and the content may be gone: the client has to send it again.
        return Err(zebu_store::Error::Unavailable {
            database: "file store".to_owned(),
            reason: "the upload took too long and was swept".to_owned(),
        }
        .into());
    }
    Ok(usage::add(tx, folder, i64::try_from(stored.size).unwrap_or(i64::MAX)).await?)
}

/// Creates an item.
pub async fn create(app: &App, caller: &Caller, mut new: NewFile) -> Result<(FileId, Version)> {
    check_fields(&new.fields)?;
    if new.content.is_some() && new.fields.filename.is_none() {
        return Err(Refusal::FileNameInvalid { reason: "it is missing" }.into());
    }
    let id = FileId(app.store.next_id(&caller.place, Sequence::Files, app.now_ms()).await?);
    let stamp = until_settled!(tries => attempt(app, caller, &mut new, id, tries).await)?;
    if let Some(stored) = new.content {
        stored.taken.keep();
    }
    Ok((id, stamp))
}

async fn attempt(app: &App, caller: &Caller, new: &mut NewFile, id: FileId, tries: u32) -> Result<Version> {
    let tree = {
        let (mut tx, caller) = ground(app, caller).await?;
        may_create(&mut tx, &caller, new.folder).await?;
        tx.version(Scope::Tree).await?
    };
    let now = app.now_ms();
    let fields = &new.fields;
    let filename = fields.filename.clone().unwrap_or_default();
    let version = match &new.content {
        Some(stored) => Some(content(stored, fields, filename.clone(), 1, caller, now)?),
        None => None,
    };
    let file = File {
        id,
        folder: new.folder,
        created_by: caller.who.user,
        created: now,
        modified_by: caller.who.user,
        modified: Version::NONE,
        title: fields.title.clone().unwrap_or(filename),
        description: fields.description.clone().unwrap_or_default(),
        url: fields.url.clone().unwrap_or_default(),
        locked_until: 0,
        versions: u32::from(version.is_some()),
        content: version,
    };
    let quota = match &mut new.content {
        Some(stored) => settle(app, caller, stored).await?,
        None => Quota::Unlimited,
    };
    let (mut tx, held) = write_on(app, caller, &[new.folder], tree, tries).await?;
    if let Some(caller) = held {
        may_create(&mut tx, &caller, new.folder).await?;
    }
    files::insert(&mut tx, &file).await.map_err(|e| name_taken(e, file.name()))?;
    if let Some(stored) = &new.content {
        adopt(&mut tx, quota, new.folder, stored).await?;
    }
    let stamp = tx.stamp();
    tx.commit().await?;
    Ok(stamp)
}

async fn may_create(tx: &mut Tx, caller: &Caller, folder: FolderId) -> Result<()> {
    let granted = file_folder(tx, &caller.who, folder).await?;
    if granted.bits.creates_objects() { Ok(()) } else { Err(Refusal::FileCreateDenied {}.into()) }
}

/// Turns a taken file name into the refusal that says so.
pub(super) fn name_taken(error: zebu_store::Error, name: &str) -> crate::Error {
    if error.is_duplicate_in("files") {
        Refusal::FileNameTaken { name: name.to_owned() }.into()
    } else {
        error.into()
    }
}
