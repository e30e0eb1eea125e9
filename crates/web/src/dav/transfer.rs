//! Moving a file's bytes and properties to another one: what COPY does, and MOVE onto something that is there.

use futures_util::StreamExt;
use zebu_app::dav::{self, Target};
use zebu_app::files::{self, Fields, FileChange, Holding, NewFile, Stored};
use zebu_model::file::File;
use zebu_model::{FileId, FolderId};

use super::failure::Failure;
use super::visit::Visit;
use crate::content::mime;

/// A new file with the content of another.
pub(super) async fn as_new(
    visit: &Visit,
    source: &File,
    folder: FolderId,
    name: String,
) -> Result<FileId, Failure> {
    let content = content(visit, source, folder).await?;
    let fields = Fields { mime: mime_for(source, &name), filename: Some(name), ..described(source) };
    let new = NewFile { folder, fields, content: Some(content) };
    let (id, _) = files::create(visit.app(), &visit.caller, new).await?;
    properties(visit, source.id, id).await?;
    Ok(id)
}

/// A new version of a file, with the content of another. Office programs save by moving a new file onto the old one: this
/// way the old one keeps its versions.
pub(super) async fn as_version(
    visit: &Visit,
    source: &File,
    target: &File,
    tokens: &[String],
) -> Result<(), Failure> {
    let content = content(visit, source, target.folder).await?;
    let change = FileChange {
        folder: None,
        fields: Fields { mime: mime_for(source, target.name()), ..Fields::default() },
        content: Some(content),
        seen: Some(target.modified),
        holding: Holding::Tokens(tokens),
    };
    files::update(visit.app(), &visit.caller, target.id, change).await?;
    properties(visit, source.id, target.id).await
}

/// The type under a new name: a temporary file gets a real one only with its last name.
pub(super) fn mime_for(source: &File, name: &str) -> Option<String> {
    let stored = source.content.as_ref().map(|content| content.mime.as_str());
    Some(mime::choose(stored, name))
}

fn described(source: &File) -> Fields {
    let titled = source.title != source.name();
    Fields {
        title: titled.then(|| source.title.clone()),
        description: Some(source.description.clone()),
        url: Some(source.url.clone()),
        ..Fields::default()
    }
}

async fn content(visit: &Visit, source: &File, folder: FolderId) -> Result<Stored, Failure> {
    let (app, caller) = (visit.app(), &visit.caller);
    let opened = files::open(app, caller, source.id, None).await?;
    let mut upload = files::upload(app, caller, Some(folder), Some(opened.content.size)).await?;
    let mut pieces = opened.read(app, None).await?;
    while let Some(piece) = pieces.next().await {
        upload.write(piece.map_err(zebu_app::Error::from)?).await?;
    }
    Ok(upload.finish().await?)
}

async fn properties(visit: &Visit, source: FileId, target: FileId) -> Result<(), Failure> {
    let (app, caller) = (visit.app(), &visit.caller);
    let kept = dav::properties(app, caller, Target::File(source)).await?;
    if kept.is_empty() {
        return Ok(());
    }
    let kept: Vec<_> = kept.into_iter().map(|(name, value)| (name, Some(value))).collect();
    Ok(dav::set_properties(app, caller, Target::File(target), &kept).await?)
}
