//! MOVE: another name or another place, for a file or a folder with all that is below it.

use http::Response;
use zebu_app::dav::{self, Located, Target};
use zebu_app::files::{self, Fields, FileChange, Holding, Wanted};
use zebu_app::folders::{self, FolderChange};
use zebu_formats::dav::Depth;
use zebu_model::Refusal;
use zebu_model::file::File;
use zebu_model::tree::Granted;

use super::failure::Failure;
use super::place::{self, Place, There};
use super::visit::Visit;
use super::{conditions, locks, reply, transfer};
use crate::body::Outgoing;

/// 201 or 204.
pub(super) async fn handle(visit: Visit) -> Result<Response<Outgoing>, Failure> {
    let (target, overwrites) = (visit.destination()?, visit.overwrites()?);
    let source = visit.locate().await?;
    place::apart(&visit.path, &target)?;
    let tokens = conditions::check(&visit, &source).await?;
    match source {
        Located::Free { .. } | Located::Nowhere => Err(Failure::not_found()),
        Located::OtherFolders => Err(Failure::forbidden()),
        Located::File { file, folder } => {
            let place = place::of(&target, visit.locate_path(&target).await?)?;
            place.replaceable(overwrites)?;
            let leaving = Located::File { file: file.clone(), folder: folder.clone() };
            place::of(&visit.path, leaving)?.open_parent(&visit, &tokens).await?;
            move_file(&visit, &file, &folder, place, &tokens).await
        }
        Located::Folder(folder) => {
            if visit.depth(Depth::Infinity)? != Depth::Infinity {
                return Err(Failure::bad(
                    "A folder is moved with all that is in it: Depth must be infinity.",
                ));
            }
            let place = place::of(&target, visit.locate_path(&target).await?)?;
            place.replaceable(overwrites)?;
            place::of(&visit.path, Located::Folder(folder.clone()))?.open_parent(&visit, &tokens).await?;
            move_folder(&visit, &folder, place, &tokens).await
        }
    }
}

async fn move_file(
    visit: &Visit,
    file: &File,
    folder: &Granted,
    mut place: Place,
    tokens: &[String],
) -> Result<Response<Outgoing>, Failure> {
    let (app, caller) = (visit.app(), &visit.caller);
    let holding = Holding::Tokens(tokens);
    if let There::File(target) = &place.there {
        // The two steps are two writes. What would stop the second is asked before the first; that it stands is decided
        // by the second all the same.
        if !folder.bits.delete.covers(file.created_by, caller.user()) {
            return Err(zebu_app::Error::from(Refusal::FileMoveDenied {}).into());
        }
        transfer::as_version(visit, file, target, tokens).await?;
        let source = Wanted { file: file.id, folder: Some(file.folder) };
        files::delete(app, caller, &[source], None, holding).await?;
        return Ok(reply::stored(false));
    }
    let is_new = place.is_free();
    place.clear(visit, tokens).await?;
    // A mere move needs no right to change the file.
    let renamed = place.name != file.name();
    let fields = Fields {
        mime: if renamed { transfer::mime_for(file, &place.name) } else { None },
        filename: renamed.then_some(place.name),
        ..Fields::default()
    };
    let change = FileChange { folder: Some(place.parent), fields, content: None, seen: None, holding };
    files::update(app, caller, file.id, change).await?;
    unlock(visit, Target::File(file.id), tokens).await?;
    Ok(reply::stored(is_new))
}

async fn move_folder(
    visit: &Visit,
    folder: &Granted,
    mut place: Place,
    tokens: &[String],
) -> Result<Response<Outgoing>, Failure> {
    let id = folder.folder.id;
    locks::open(visit, Target::Folder(id), &visit.path, tokens).await?;
    locks::open_below(visit, id, &visit.path, tokens).await?;
    let is_new = place.is_free();
    place.clear(visit, tokens).await?;
    let change =
        FolderChange { title: Some(place.name), parent: Some(place.parent), ..FolderChange::default() };
    folders::update(visit.app(), &visit.caller, id, change).await?;
    unlock(visit, Target::Folder(id), tokens).await?;
    Ok(reply::stored(is_new))
}

/// Locks belong to places and do not travel (RFC 4918 §7.6).
async fn unlock(visit: &Visit, target: Target, tokens: &[String]) -> Result<(), Failure> {
    if tokens.is_empty() {
        return Ok(());
    }
    for lock in dav::locks_at(visit.app(), &visit.caller, target).await? {
        if lock.target == target && tokens.contains(&lock.token) {
            dav::unlock(visit.app(), &visit.caller, target, &lock.token).await?;
        }
    }
    Ok(())
}
