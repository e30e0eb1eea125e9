//! Items of the file module with their versions. Changes touch the scope of the folder they are in.

use zebu_model::file::{Content, File};
use zebu_model::{FileId, FolderId, Scope, UserId, Version};

use super::folders::contents;
use super::tombstones::all_known;
use crate::error::Result;
use crate::statement::marks;
use crate::tx::{Tx, WriteTx};
use crate::value::{Row, Value, args};

const VERSION_COLUMNS: &str =
    "v.version, v.name, v.mime, v.size, v.md5, v.blake3, v.store_key, v.comment, v.created_by, v.created";

/// An item with its current version and its lock. Joins `file_versions` as `v`.
fn select() -> String {
    format!(
        "SELECT f.id, f.folder, f.created_by, f.created, f.modified_by, f.modified, f.title, f.description, f.url, \
         COALESCE((SELECT MAX(l.expires) FROM dav_locks l WHERE l.cid = f.cid AND l.file = f.id), 0), f.versions, \
         f.version, {VERSION_COLUMNS} FROM files f \
         LEFT JOIN file_versions v ON v.cid = f.cid AND v.file = f.id AND v.version = f.version"
    )
}

fn file(mut row: Row) -> Result<File> {
    Ok(File {
        id: row.file()?,
        folder: row.folder()?,
        created_by: row.user()?,
        created: row.int()?,
        modified_by: row.user()?,
        modified: row.version()?,
        title: row.text()?,
        description: row.text()?,
        url: row.text()?,
        locked_until: row.int()?,
        versions: row.uint()?,
        content: if row.int()? == 0 { None } else { Some(content(&mut row)?) },
    })
}

fn content(row: &mut Row) -> Result<Content> {
    Ok(Content {
        version: row.uint()?,
        name: row.text()?,
        mime: row.text()?,
        size: row.uint()?,
        md5: row.text()?,
        blake3: row.text()?,
        key: row.text()?,
        comment: row.text()?,
        created_by: row.user()?,
        created: row.int()?,
    })
}

/// What is in a folder, in the order of ids; only what `creator` made, if one is named.
pub async fn in_folder(tx: &mut Tx, folder: FolderId, creator: Option<UserId>) -> Result<Vec<File>> {
    tx.need(&[Scope::Folder(folder)]).await?;
    let mut sql = format!("{} WHERE f.cid = ? AND f.folder = ?", select());
    let mut values = args![tx.context, folder];
    if let Some(user) = creator {
        sql.push_str(" AND f.created_by = ?");
        values.push(user.into());
    }
    sql.push_str(" ORDER BY f.id");
    tx.query("files", sql, values).await?.into_iter().map(file).collect()
}

/// Items by id; unknown ones are left out.
pub async fn by_id(tx: &mut Tx, ids: &[FileId]) -> Result<Vec<File>> {
    let found = found_by_id(tx, ids).await?;
    if !tx.is_on_replica() {
        return Ok(found);
    }
    // Which scopes these are of is known only now. One that is found in a folder whose content is true here is there. One that
    // is not found may be anywhere.
    let mut places: Vec<FolderId> = found.iter().map(|file| file.folder).collect();
    places.sort_unstable();
    places.dedup();
    tx.need(&contents(&places)).await?;
    if found.len() < ids.len() {
        tx.need_everything().await?;
    }
    if tx.is_on_replica() { Ok(found) } else { found_by_id(tx, ids).await }
}

async fn found_by_id(tx: &mut Tx, ids: &[FileId]) -> Result<Vec<File>> {
    let sql = format!("{} WHERE f.cid = ? AND f.id IN ({}) ORDER BY f.id", select(), marks(ids.len()));
    let mut values = args![tx.context];
    values.extend(ids.iter().map(|id| Value::from(*id)));
    tx.query_unguarded("files", sql, values).await?.into_iter().map(file).collect()
}

/// One item.
pub async fn get(tx: &mut Tx, id: FileId) -> Result<Option<File>> {
    Ok(by_id(tx, &[id]).await?.into_iter().next())
}

/// The item of a name in a folder.
pub async fn by_name(tx: &mut Tx, folder: FolderId, name: &str) -> Result<Option<File>> {
    tx.need(&[Scope::Folder(folder)]).await?;
    let sql = format!("{} WHERE f.cid = ? AND f.folder = ? AND f.name = ?", select());
    tx.query_one("files", sql, args![tx.context, folder, name]).await?.map(file).transpose()
}

/// What came to a folder or changed in it since a version.
pub async fn changed(tx: &mut Tx, folder: FolderId, since: Version) -> Result<Vec<File>> {
    tx.need(&[Scope::Folder(folder)]).await?;
    let sql = format!("{} WHERE f.cid = ? AND f.folder = ? AND f.modified > ? ORDER BY f.id", select());
    let rows = tx.query("files", sql, args![tx.context, folder, since]).await?;
    rows.into_iter().map(file).collect()
}

/// What left a folder since a version. [`Error::Forgotten`](crate::Error::Forgotten) if that is not known any more.
pub async fn gone(tx: &mut Tx, folder: FolderId, since: Version) -> Result<Vec<FileId>> {
    tx.need(&[Scope::Folder(folder)]).await?;
    let sql = "SELECT id FROM file_tombstones WHERE cid = ? AND folder = ? AND version > ? ORDER BY id";
    let rows = tx.query("file_tombstones", sql, args![tx.context, folder, since]).await?;
    let found = rows.into_iter().map(|mut row| row.file()).collect::<Result<_>>()?;
    all_known(found, |id| *id == FileId(0), since)
}

/// All versions of an item in `folder`, oldest first.
pub async fn versions(tx: &mut Tx, folder: FolderId, id: FileId) -> Result<Vec<Content>> {
    tx.need(&[Scope::Folder(folder)]).await?;
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM file_versions v WHERE v.cid = ? AND v.file = ? ORDER BY v.version"
    );
    let rows = tx.query("file_versions", sql, args![tx.context, id]).await?;
    rows.into_iter().map(|mut row| content(&mut row)).collect()
}

/// Keys and bytes of everything in these folders: what a deletion gives up.
pub async fn contents_of_folders(tx: &mut Tx, folders: &[FolderId]) -> Result<Vec<(FolderId, String, u64)>> {
    tx.need_everything().await?;
    let sql = format!(
        "SELECT f.folder, v.store_key, v.size FROM files f JOIN file_versions v ON v.cid = f.cid AND v.file = f.id \
         WHERE f.cid = ? AND f.folder IN ({})",
        marks(folders.len())
    );
    let mut values = args![tx.context];
    values.extend(folders.iter().map(|id| Value::from(*id)));
    let rows = tx.query("file_versions", sql, values).await?;
    rows.into_iter().map(|mut row| Ok((row.folder()?, row.text()?, row.uint()?))).collect()
}

/// Creates an item, with its first version if it has content. `modified` is ignored: it becomes the stamp.
pub async fn insert(tx: &mut WriteTx, f: &File) -> Result<()> {
    let stamp = tx.touch(Scope::Folder(f.folder))?;
    let name = f.content.as_ref().map(|c| c.name.as_str());
    let version = f.content.as_ref().map_or(0, |c| c.version);
    tx.execute(
        "files",
        "INSERT INTO files (cid, id, folder, name, title, description, url, version, versions, created_by, created, \
         modified_by, modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            tx.context,
            f.id,
            f.folder,
            name,
            &f.title,
            &f.description,
            &f.url,
            version,
            f.versions,
            f.created_by,
            f.created,
            f.modified_by,
            stamp,
        ],
    )
    .await?;
    match &f.content {
        Some(content) => insert_version(tx, f.id, content).await,
        None => Ok(()),
    }
}

async fn insert_version(tx: &mut WriteTx, file: FileId, c: &Content) -> Result<()> {
    tx.execute(
        "file_versions",
        "INSERT INTO file_versions (cid, file, version, name, mime, size, md5, blake3, store_key, comment, \
         created_by, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            tx.context,
            file,
            c.version,
            &c.name,
            &c.mime,
            c.size,
            &c.md5,
            &c.blake3,
            &c.key,
            &c.comment,
            c.created_by,
            c.created,
        ],
    )
    .await
    .map(drop)
}

/// Stores an item as it now is: its fields, and its current version where `new_content` says that this is new.
/// `was_in`: the folder it was in; if that differs, a tombstone stays there.
pub async fn update(tx: &mut WriteTx, f: &File, was_in: FolderId, new_content: bool) -> Result<()> {
    let stamp = tx.touch(Scope::Folder(f.folder))?;
    let name = f.content.as_ref().map(|c| c.name.as_str());
    let version = f.content.as_ref().map_or(0, |c| c.version);
    if was_in != f.folder {
        bury(tx, was_in, &[f.id]).await?;
        let sql = "DELETE FROM file_tombstones WHERE cid = ? AND folder = ? AND id = ?";
        tx.execute("file_tombstones", sql, args![tx.context, f.folder, f.id]).await?;
    }
    match &f.content {
        Some(content) if new_content => insert_version(tx, f.id, content).await?,
        Some(content) => {
            let sql = "UPDATE file_versions SET name = ?, mime = ?, comment = ? WHERE cid = ? AND file = ? AND version = ?";
            let values = args![&content.name, &content.mime, &content.comment, tx.context, f.id, version];
            tx.execute("file_versions", sql, values).await?;
        }
        None => {}
    }
    tx.execute(
        "files",
        "UPDATE files SET folder = ?, name = ?, title = ?, description = ?, url = ?, version = ?, versions = ?, \
         modified_by = ?, modified = ? WHERE cid = ? AND id = ?",
        args![
            f.folder,
            name,
            &f.title,
            &f.description,
            &f.url,
            version,
            f.versions,
            f.modified_by,
            stamp,
            tx.context,
            f.id,
        ],
    )
    .await
    .map(drop)
}

/// Leaves tombstones where items were. Each item has been where it is now: an older tombstone there was taken away when
/// it came.
async fn bury(tx: &mut WriteTx, folder: FolderId, ids: &[FileId]) -> Result<()> {
    let stamp = tx.touch(Scope::Folder(folder))?;
    for part in ids.chunks(200) {
        let sql = format!(
            "INSERT INTO file_tombstones (cid, folder, id, version) VALUES {}",
            vec!["(?, ?, ?, ?)"; part.len()].join(", ")
        );
        let mut values = Vec::with_capacity(part.len() * 4);
        for id in part {
            values.extend(args![tx.context, folder, *id, stamp]);
        }
        tx.execute("file_tombstones", sql, values).await?;
    }
    Ok(())
}

/// Deletes items of one folder with their versions. Their stored files are the caller's to doom.
pub async fn delete(tx: &mut WriteTx, folder: FolderId, ids: &[FileId]) -> Result<()> {
    bury(tx, folder, ids).await?;
    for part in ids.chunks(500) {
        for (table, column) in
            [("files", "id"), ("file_versions", "file"), ("dav_locks", "file"), ("dead_properties", "file")]
        {
            let sql = format!("DELETE FROM {table} WHERE cid = ? AND {column} IN ({})", marks(part.len()));
            let mut values = args![tx.context];
            values.extend(part.iter().map(|id| Value::from(*id)));
            tx.execute(table, sql, values).await?;
        }
    }
    Ok(())
}

/// Deletes everything in folders that are being deleted themselves. That is a change of the tree: whoever reads a
/// folder's content looks up the folder first. Nobody can ask for its tombstones or its version any more.
pub async fn delete_with_folders(tx: &mut WriteTx, folders: &[FolderId]) -> Result<()> {
    tx.touch(Scope::Tree)?;
    for part in folders.chunks(500) {
        let list = marks(part.len());
        let ids = || part.iter().map(|id| Value::from(*id));
        for table in ["file_versions", "dav_locks", "dead_properties"] {
            let sql = format!(
                "DELETE FROM {table} WHERE cid = ? AND file IN (SELECT id FROM files WHERE cid = ? AND folder IN ({list}))"
            );
            let mut values = args![tx.context, tx.context];
            values.extend(ids());
            tx.execute(table, sql, values).await?;
        }
        for table in ["files", "file_tombstones"] {
            let sql = format!("DELETE FROM {table} WHERE cid = ? AND folder IN ({list})");
            let mut values = args![tx.context];
            values.extend(ids());
            tx.execute(table, sql, values).await?;
        }
        let (kind, _) = Scope::Folder(FolderId(0)).key();
        let mut values = args![tx.context, kind];
        values.extend(ids());
        tx.execute(
            "scopes",
            format!("DELETE FROM scopes WHERE cid = ? AND kind = ? AND id IN ({list})"),
            values,
        )
        .await?;
    }
    Ok(())
}

/// Keys and bytes of all versions of these items: what a deletion gives up.
pub async fn contents_of_files(tx: &mut Tx, files: &[FileId]) -> Result<Vec<(String, u64)>> {
    tx.need_everything().await?;
    let mut found = Vec::new();
    for part in files.chunks(500) {
        let sql = format!(
            "SELECT store_key, size FROM file_versions WHERE cid = ? AND file IN ({})",
            marks(part.len())
        );
        let mut values = args![tx.context];
        values.extend(part.iter().map(|id| Value::from(*id)));
        for mut row in tx.query("file_versions", sql, values).await? {
            found.push((row.text()?, row.uint()?));
        }
    }
    Ok(found)
}
