//! COPY: a file, or a folder with or without what is below it.

use http::{Response, StatusCode};
use zebu_app::dav::{self, Located};
use zebu_formats::dav::{Depth, Multistatus, Path};
use zebu_model::FolderId;

use super::failure::Failure;
use super::place::{self, Place, There};
use super::visit::Visit;
use super::{conditions, mkcol, reply, transfer};
use crate::body::{self, Outgoing};

/// 201 or 204; 207 if parts of a folder could not be copied.
pub(super) async fn handle(visit: Visit) -> Result<Response<Outgoing>, Failure> {
    let (target, overwrites) = (visit.destination()?, visit.overwrites()?);
    let source = visit.locate().await?;
    if matches!(source, Located::Free { .. } | Located::Nowhere) {
        return Err(Failure::not_found());
    }
    place::apart(&visit.path, &target)?;
    let tokens = conditions::check(&visit, &source).await?;
    let place = place::of(&target, visit.locate_path(&target).await?)?;
    place.replaceable(overwrites)?;
    if let Located::File { file, .. } = source {
        return copy_file(&visit, &file, place, &tokens).await;
    }
    match visit.depth(Depth::Infinity)? {
        Depth::One => {
            Err(Failure::bad("A folder is copied alone or with all that is below it: not Depth 1."))
        }
        depth => copy_folder(&visit, source, place, &tokens, depth).await,
    }
}

async fn copy_file(
    visit: &Visit,
    source: &zebu_model::file::File,
    mut place: Place,
    tokens: &[String],
) -> Result<Response<Outgoing>, Failure> {
    let is_new = place.is_free();
    if let There::File(target) = &place.there {
        transfer::as_version(visit, source, target, tokens).await?;
    } else {
        place.clear(visit, tokens).await?;
        transfer::as_new(visit, source, place.parent, place.name).await?;
    }
    Ok(reply::stored(is_new))
}

/// A folder that is to be copied: what it is, where it goes, what it is called there.
struct Branch {
    source: Located,
    parent: FolderId,
    name: String,
    path: Path,
}

async fn copy_folder(
    visit: &Visit,
    source: Located,
    mut place: Place,
    tokens: &[String],
    depth: Depth,
) -> Result<Response<Outgoing>, Failure> {
    let is_new = place.is_free();
    place.clear(visit, tokens).await?;
    let mut failed: Vec<(Path, StatusCode)> = Vec::new();
    let top = mkcol::make(visit, place.parent, place.name).await?;
    if depth == Depth::Infinity {
        let mut branches = Vec::new();
        copy_content(visit, &source, top, &visit.path, &mut branches, &mut failed).await?;
        while let Some(branch) = branches.pop() {
            match mkcol::make(visit, branch.parent, branch.name).await {
                Ok(made) => {
                    copy_content(visit, &branch.source, made, &branch.path, &mut branches, &mut failed)
                        .await?;
                }
                Err(failure) => failed.push((branch.path, failure.status())),
            }
        }
    }
    if failed.is_empty() {
        return Ok(reply::stored(is_new));
    }
    let mut answer = Multistatus::new();
    for (path, status) in failed {
        answer.status(&path, status.as_u16(), None);
    }
    Ok(reply::xml(StatusCode::MULTI_STATUS, body::full(answer.finish())))
}

/// Copies the files of one folder and notes its subfolders for later. What fails is noted too; the rest goes on.
async fn copy_content(
    visit: &Visit,
    source: &Located,
    made: FolderId,
    path: &Path,
    branches: &mut Vec<Branch>,
    failed: &mut Vec<(Path, StatusCode)>,
) -> Result<(), Failure> {
    let children = dav::children(visit.app(), &visit.caller, source).await?;
    for file in children.files {
        let copied = transfer::as_new(visit, &file, made, file.name().to_owned()).await;
        failed.extend(copied.err().map(|failure| (path.child(file.name(), false), failure.status())));
    }
    for (name, granted) in children.folders {
        let source = granted.map_or(Located::OtherFolders, Located::Folder);
        let path = path.child(name.clone(), true);
        branches.push(Branch { source, parent: made, name, path });
    }
    Ok(())
}
