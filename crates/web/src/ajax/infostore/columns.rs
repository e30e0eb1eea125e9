//! The columns of files: numbers, names, values.

use serde_json::{Value, json};
use zebu_model::file::{Content, File};

use crate::ajax::columns::{Column, column};

/// A file in one of its versions: `file.content` is that version.
#[derive(Debug)]
pub(crate) struct FileRow {
    file: File,
    is_current: bool,
}

impl FileRow {
    /// A file as it is now.
    pub(crate) fn current(file: File) -> FileRow {
        FileRow { file, is_current: true }
    }

    /// A file in one of its versions: made when, and by whom, the version was.
    pub(crate) fn version(file: &File, content: Content) -> FileRow {
        let is_current = file.content.as_ref().is_some_and(|current| current.version == content.version);
        let mut file = file.clone();
        if !is_current {
            file.modified_by = content.created_by;
            file.modified = zebu_model::Version(content.created);
        }
        file.created_by = content.created_by;
        file.created = content.created;
        file.content = Some(content);
        FileRow { file, is_current }
    }
}

/// Ids of files and folders are text, those of people numbers, times milliseconds since the epoch. A note or bookmark
/// has no file, and nothing where a file's name, type and digest would be.
pub(crate) const COLUMNS: &[Column<FileRow>] = &[
    column(1, "id", |row| json!(row.file.id.to_string())),
    column(2, "created_by", |row| json!(row.file.created_by)),
    column(3, "modified_by", |row| json!(row.file.modified_by)),
    column(4, "creation_date", |row| json!(row.file.created)),
    column(5, "last_modified", |row| json!(row.file.modified)),
    column(6, "last_modified_utc", |row| json!(row.file.modified)),
    column(20, "folder_id", |row| json!(row.file.folder.to_string())),
    column(700, "title", |row| json!(row.file.title)),
    column(701, "url", |row| json!(row.file.url)),
    column(702, "filename", |row| content(row, |content| json!(content.name))),
    column(703, "file_mimetype", |row| content(row, |content| json!(content.mime))),
    column(704, "file_size", |row| json!(row.file.content.as_ref().map_or(0, |content| content.size))),
    column(705, "version", |row| json!(row.file.content.as_ref().map_or(0, |content| content.version))),
    column(706, "description", |row| json!(row.file.description)),
    column(707, "locked_until", |row| json!(row.file.locked_until)),
    column(708, "file_md5sum", |row| content(row, |content| json!(content.md5))),
    column(709, "version_comment", |row| content(row, |content| json!(content.comment))),
    column(710, "current_version", |row| json!(row.is_current)),
    column(711, "number_of_versions", |row| json!(row.file.versions)),
];

fn content(row: &FileRow, value: fn(&Content) -> Value) -> Value {
    row.file.content.as_ref().map_or(Value::Null, value)
}

#[cfg(test)]
mod tests {
    use zebu_model::{FileId, FolderId, UserId, Version};

    use super::*;
    use crate::ajax::columns::object;

    #[test]
    fn an_old_version_is_shown_with_its_own_author_and_time() {
        let content = |version, user| Content {
            version,
            name: format!("v{version}.txt"),
            mime: "text/plain".to_owned(),
            size: 1,
            md5: String::new(),
            blake3: String::new(),
            key: String::new(),
            comment: String::new(),
            created_by: UserId(user),
            created: i64::from(version) * 100,
        };
        let file = File {
            id: FileId(7),
            folder: FolderId(12),
            created_by: UserId(3),
            created: 100,
            modified_by: UserId(4),
            modified: Version(250),
            title: "t".to_owned(),
            description: String::new(),
            url: String::new(),
            locked_until: 0,
            versions: 2,
            content: Some(content(2, 4)),
        };
        let old = object(COLUMNS, &FileRow::version(&file, content(1, 3)));
        assert_eq!((&old["current_version"], &old["modified_by"]), (&json!(false), &json!(3)));
        assert_eq!((&old["last_modified"], &old["filename"]), (&json!(100), &json!("v1.txt")));
        let now = object(COLUMNS, &FileRow::version(&file, content(2, 4)));
        assert_eq!((&now["current_version"], &now["last_modified"]), (&json!(true), &json!(250)));
        assert_eq!((&now["id"], &now["created_by"]), (&json!("7"), &json!(4)));
    }
}
