//! `infostore?action=delete`: files with all their versions.

use zebu_app::Result;
use zebu_app::files::{self, Holding, Wanted};
use zebu_model::Version;

use crate::ajax::ids::{FileInFolder, bounded};
use crate::reply::Reply;
use crate::request::Call;

/// Parameter: `timestamp` (newer files are not deleted; without it any is). Body: `[{id, folder}, …]`. Answers those that
/// were not deleted, in the same form.
pub(crate) async fn handle(mut call: Call) -> Result<Reply> {
    let seen = call.params().parsed("timestamp")?.map(Version);
    let named: Vec<FileInFolder> = bounded(call.request.json().await?)?;
    let wanted: Vec<Wanted> = named
        .iter()
        .map(|file| {
            let (file, folder) = file.pair();
            Wanted { file, folder }
        })
        .collect();
    let (left, version) = files::delete(call.app(), &call.caller, &wanted, seen, Holding::User).await?;
    let left: Vec<_> =
        named.into_iter().filter(|file| left.contains(&file.id.0)).map(FileInFolder::to_json).collect();
    Ok(Reply::versioned(left, version.max(seen.unwrap_or_default())))
}
