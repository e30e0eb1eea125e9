//! Where something is to be stored: the collection, the name, and what has it already. For PUT, MKCOL, COPY, MOVE and LOCK.

use http::StatusCode;
use zebu_app::dav::{Located, Target};
use zebu_app::files::{self, Holding, Wanted};
use zebu_app::folders;
use zebu_formats::dav::Path;
use zebu_model::FolderId;
use zebu_model::file::File;

use super::failure::Failure;
use super::locks;
use super::visit::Visit;

/// A place for something.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder it goes to.
    pub(super) parent: FolderId,
    /// The name it gets.
    pub(super) name: String,
    /// Its path.
    pub(super) path: Path,
    /// What is there now.
    pub(super) there: There,
}

/// What a place holds.
#[derive(Debug)]
pub(super) enum There {
    /// Nothing.
    Nothing,
    /// A file.
    File(Box<File>),
    /// A folder.
    Folder(FolderId),
}

/// The place that `at` is; 409 if there is no folder that could hold it, 403 for the fixed tree's own.
pub(super) fn of(path: &Path, at: Located) -> Result<Place, Failure> {
    let name = path.segments().last().cloned().unwrap_or_default();
    let path = path.clone();
    match at {
        Located::Nowhere => Err(Failure::no_parent()),
        Located::OtherFolders => Err(Failure::forbidden()),
        Located::Free { parent, name } => {
            Ok(Place { parent: parent.folder.id, name, path, there: There::Nothing })
        }
        Located::File { file, folder } => {
            Ok(Place { parent: folder.folder.id, name, path, there: There::File(file) })
        }
        Located::Folder(granted) => {
            Ok(Place { parent: granted.folder.parent, name, path, there: There::Folder(granted.folder.id) })
        }
    }
}

impl Place {
    /// Whether nothing is there.
    pub(super) fn is_free(&self) -> bool {
        matches!(self.there, There::Nothing)
    }

    /// Refuses (412) to replace what is there unless the client said it may.
    pub(super) fn replaceable(&self, overwrites: bool) -> Result<(), Failure> {
        if overwrites || self.is_free() { Ok(()) } else { Err(Failure::precondition_failed()) }
    }

    /// Refuses (423) to add or take away something here while the collection is locked.
    pub(super) async fn open_parent(&self, visit: &Visit, tokens: &[String]) -> Result<(), Failure> {
        let (_, above) = self.path.segments().split_last().unwrap_or((&self.name, &[]));
        let path = Path::new(above.iter().cloned(), true);
        locks::open(visit, Target::Folder(self.parent), &path, tokens).await
    }

    /// Deletes what is there, with all below it, and leaves the place free.
    pub(super) async fn clear(&mut self, visit: &Visit, tokens: &[String]) -> Result<(), Failure> {
        self.open_parent(visit, tokens).await?;
        let (app, caller) = (visit.app(), &visit.caller);
        match &self.there {
            There::Nothing => {}
            There::File(file) => {
                let wanted = Wanted { file: file.id, folder: Some(self.parent) };
                let (kept, _) =
                    files::delete(app, caller, &[wanted], Some(file.modified), Holding::Tokens(tokens))
                        .await?;
                if !kept.is_empty() {
                    return Err(Failure::precondition_failed());
                }
            }
            There::Folder(folder) => {
                locks::open(visit, Target::Folder(*folder), &self.path, tokens).await?;
                locks::open_below(visit, *folder, &self.path, tokens).await?;
                folders::delete(app, caller, *folder, None).await?;
            }
        }
        self.there = There::Nothing;
        Ok(())
    }
}

/// Refuses what leads to itself: COPY and MOVE onto the source (403), into it, or onto something that holds it.
pub(super) fn apart(source: &Path, target: &Path) -> Result<(), Failure> {
    let (from, to) = (source.segments(), target.segments());
    if from.starts_with(to) || to.starts_with(from) {
        let sentence = "Source and destination are the same, or one is in the other.".to_owned();
        return Err(Failure::Status(StatusCode::FORBIDDEN, sentence));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_into_itself() {
        let check = |from: &str, to: &str, fine: bool| {
            let (source, target) = (Path::parse(from).unwrap(), Path::parse(to).unwrap());
            assert_eq!(apart(&source, &target).is_ok(), fine, "{from} {to}");
        };
        check("/infostore/a", "/infostore/b", true);
        check("/infostore/a/", "/infostore/a", false);
        check("/infostore/a", "/infostore/a/b", false);
        check("/infostore/a/b", "/infostore/a", false);
        check("/infostore/a", "/infostore/ab", true);
    }
}
