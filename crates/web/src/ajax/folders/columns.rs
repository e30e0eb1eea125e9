//! The columns of folders: numbers, names, values.

use serde_json::{Value, json};
use zebu_app::folders::FolderView;
use zebu_model::folder::standard_type;
use zebu_model::{Permission, UserId};

use crate::ajax::columns::{Column, column};

/// All permissions; costs a statement.
pub(crate) const PERMISSIONS: u32 = 306;
/// How many objects are in it; costs a statement.
pub(crate) const TOTAL: u32 = 309;
/// The display name of whoever made it; costs a statement.
pub(crate) const OWNER_NAME: u32 = 3030;

/// A folder with what only some columns need.
#[derive(Debug)]
pub(crate) struct FolderRow {
    pub(crate) view: FolderView,
    pub(crate) viewer: UserId,
    pub(crate) owner_name: Option<String>,
}

/// Ids of folders are text, those of people numbers, stamps milliseconds since the epoch.
pub(crate) const COLUMNS: &[Column<FolderRow>] = &[
    column(1, "id", |row| json!(row.view.id.to_string())),
    column(2, "created_by", |row| json!(row.view.granted.folder.created_by)),
    column(3, "modified_by", |row| json!(row.view.granted.folder.modified_by)),
    column(4, "creation_date", |row| json!(row.view.granted.folder.created)),
    column(5, "last_modified", |row| json!(row.view.granted.folder.modified)),
    column(6, "last_modified_utc", |row| json!(row.view.granted.folder.modified)),
    column(20, "folder_id", |row| json!(row.view.parent.to_string())),
    column(300, "title", |row| json!(row.view.granted.folder.title)),
    column(301, "module", |row| json!(row.view.granted.folder.module.name())),
    column(302, "type", |row| {
        let folder = &row.view.granted.folder;
        json!(folder.kind.seen_by(folder.created_by, row.viewer))
    }),
    column(304, "subfolders", |row| json!(row.view.subfolders)),
    column(305, "own_rights", |row| json!(row.view.granted.bits.encode())),
    column(PERMISSIONS, "permissions", |row| row.view.permissions.iter().map(permission).collect()),
    // What the original shows of mail folders in brackets; there is nothing to say of others.
    column(307, "summary", |_| Value::Null),
    column(308, "standard_folder", |row| json!(row.view.granted.folder.standard)),
    column(TOTAL, "total", |row| json!(row.view.total)),
    column(316, "standard_folder_type", |row| {
        let folder = &row.view.granted.folder;
        json!(standard_type(folder.module, folder.standard))
    }),
    column(OWNER_NAME, "displayName", |row| json!(row.owner_name)),
];

fn permission(permission: &Permission) -> Value {
    json!({
        "entity": permission.entity.id(),
        "group": permission.entity.is_group(),
        "bits": permission.bits.encode(),
    })
}
