//! The folder tree (`/ajax/folders`).

pub(crate) mod all_visible;
mod body;
mod columns;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod path;
pub(crate) mod root;
pub(crate) mod update;
pub(crate) mod updates;

use columns::{FolderRow, PERMISSIONS, TOTAL};
use serde_json::Value;
use zebu_app::folders::{Details, FolderView};
use zebu_app::{App, Caller, Result, directory};
use zebu_model::UserId;

use crate::ajax::columns::Selection;

/// The costly details that the wanted columns need.
fn details(columns: &Selection<FolderRow>) -> Details {
    Details { permissions: columns.has(PERMISSIONS), totals: columns.has(TOTAL) }
}

/// Folders as rows. The owners' names are looked up, all at once, only if their column is wanted.
async fn rows(
    app: &App,
    caller: &Caller,
    columns: &Selection<FolderRow>,
    folders: Vec<FolderView>,
) -> Result<Vec<Value>> {
    let mut owners = Vec::new();
    if columns.has(columns::OWNER_NAME) {
        let mut ids: Vec<UserId> = folders.iter().map(|view| view.granted.folder.created_by).collect();
        ids.sort_unstable();
        ids.dedup();
        owners = directory::users_by_id(app, caller, &ids).await?.0;
    }
    let named = |view: FolderView| {
        let owner = owners.iter().find(|user| user.id == view.granted.folder.created_by);
        FolderRow { owner_name: owner.map(|user| user.display_name.clone()), viewer: caller.user(), view }
    };
    Ok(folders.into_iter().map(|view| columns.row(&named(view))).collect())
}
