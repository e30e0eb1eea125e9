//! WebDAV's own data: locks, and properties that are kept but not understood. A target is a folder or a file.

use zebu_model::lock::{Lock, Target};
use zebu_model::{FileId, FolderId, Scope};

use super::folders::contents;
use crate::error::Result;
use crate::statement::marks;
use crate::tx::{Tx, WriteTx};
use crate::value::{Row, Value, args};

/// The pair a target is stored as; one of the two is 0.
fn key(target: Target) -> (i64, i64) {
    match target {
        Target::Folder(id) => (id.into(), 0),
        Target::File(id) => (0, id.into()),
    }
}

/// Reads `token, folder, file, uid, shared, deep, owner, expires`.
pub(super) fn lock(mut row: Row) -> Result<Lock> {
    let token = row.text()?;
    let (folder, file) = (row.folder()?, row.file()?);
    Ok(Lock {
        token,
        target: if file == FileId(0) { Target::Folder(folder) } else { Target::File(file) },
        user: row.user()?,
        shared: row.flag()?,
        deep: row.flag()?,
        owner: row.text()?,
        expires: row.int()?,
    })
}

/// The locks that bear on a target in `place` (its folder, or itself if it is one) and have not ended at `now_ms`: those on
/// it, and deep ones on folders above it.
pub async fn bearing(tx: &mut Tx, target: Target, place: FolderId, now_ms: i64) -> Result<Vec<Lock>> {
    tx.need_everything().await?;
    let (folder, file) = key(target);
    let sql = "WITH RECURSIVE up (id, parent, depth) AS (SELECT id, parent, 0 FROM folders WHERE cid = ? AND id = ? \
               UNION ALL SELECT f.id, f.parent, up.depth + 1 FROM up JOIN folders f ON f.cid = ? AND f.id = up.parent \
               WHERE up.depth < 200) \
               SELECT token, folder, file, uid, shared, deep, owner, expires FROM dav_locks WHERE cid = ? AND expires > ? \
               AND folder = ? AND file = ? \
               UNION SELECT l.token, l.folder, l.file, l.uid, l.shared, l.deep, l.owner, l.expires FROM up \
               JOIN dav_locks l ON l.cid = ? AND l.folder = up.id WHERE l.deep = 1 AND l.expires > ? ORDER BY 1";
    let context = tx.context;
    let values = args![context, place, context, context, now_ms, folder, file, context, now_ms];
    tx.query("dav_locks", sql, values).await?.into_iter().map(lock).collect()
}

/// The locks on these folders that have not ended at `now_ms`.
pub async fn locks_on_folders(tx: &mut Tx, folders: &[FolderId], now_ms: i64) -> Result<Vec<Lock>> {
    tx.need(&[Scope::Tree]).await?;
    let sql = format!(
        "SELECT token, folder, file, uid, shared, deep, owner, expires FROM dav_locks WHERE cid = ? \
         AND folder IN ({}) ORDER BY token",
        marks(folders.len())
    );
    let mut values = args![tx.context];
    values.extend(folders.iter().map(|id| Value::from(*id)));
    lasting(tx.query("dav_locks", sql, values).await?, now_ms)
}

/// Those that have not ended. Not left to the statement: one that names the time is never the same again, and so never
/// answered from memory.
fn lasting(rows: Vec<Row>, now_ms: i64) -> Result<Vec<Lock>> {
    let locks: Result<Vec<Lock>> = rows.into_iter().map(lock).collect();
    Ok(locks?.into_iter().filter(|lock| lock.expires > now_ms).collect())
}

/// The locks on files in these folders that have not ended at `now_ms`.
pub async fn locks_in_folders(tx: &mut Tx, folders: &[FolderId], now_ms: i64) -> Result<Vec<Lock>> {
    tx.need(&contents(folders)).await?;
    let sql = format!(
        "SELECT l.token, l.folder, l.file, l.uid, l.shared, l.deep, l.owner, l.expires FROM files f \
         JOIN dav_locks l ON l.cid = f.cid AND l.file = f.id WHERE f.cid = ? AND f.folder IN ({})",
        marks(folders.len())
    );
    let mut values = args![tx.context];
    values.extend(folders.iter().map(|id| Value::from(*id)));
    lasting(tx.query("dav_locks", sql, values).await?, now_ms)
}

/// The scope of the locks on a target in `place` (its folder, or itself if it is one).
#[must_use]
pub fn scope_of_locks(target: Target, place: FolderId) -> Scope {
    match target {
        Target::Folder(_) => Scope::Tree,
        Target::File(_) => Scope::Folder(place),
    }
}

/// Stores a lock on a target in `place`, and clears away those on the same target that have ended.
pub async fn insert_lock(tx: &mut WriteTx, l: &Lock, place: FolderId, now_ms: i64) -> Result<()> {
    tx.touch(scope_of_locks(l.target, place))?;
    let (folder, file) = key(l.target);
    let sql = "DELETE FROM dav_locks WHERE cid = ? AND folder = ? AND file = ? AND expires <= ?";
    tx.execute("dav_locks", sql, args![tx.context, folder, file, now_ms]).await?;
    tx.execute(
        "dav_locks",
        "INSERT INTO dav_locks (cid, token, folder, file, uid, shared, deep, owner, expires) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![tx.context, &l.token, folder, file, l.user, l.shared, l.deep, &l.owner, l.expires],
    )
    .await
    .map(drop)
}

/// Prolongs a lock on a target in `place`. `false`: there is none such.
pub async fn set_expires(tx: &mut WriteTx, lock: &Lock, place: FolderId) -> Result<bool> {
    tx.touch(scope_of_locks(lock.target, place))?;
    let (token, expires) = (&lock.token, lock.expires);
    let sql = "UPDATE dav_locks SET expires = ? WHERE cid = ? AND token = ?";
    Ok(tx.execute("dav_locks", sql, args![expires, tx.context, token]).await? > 0)
}

/// Ends a lock on a target in `place`. `false`: there is none such.
pub async fn delete_lock(tx: &mut WriteTx, lock: &Lock, place: FolderId) -> Result<bool> {
    tx.touch(scope_of_locks(lock.target, place))?;
    let token = &lock.token;
    let sql = "DELETE FROM dav_locks WHERE cid = ? AND token = ?";
    Ok(tx.execute("dav_locks", sql, args![tx.context, token]).await? > 0)
}

/// Dead properties of one target: name (`{namespace}local`) and value (an XML fragment).
pub async fn properties(tx: &mut Tx, target: Target) -> Result<Vec<(String, String)>> {
    tx.need(&[Scope::Tree]).await?;
    let (folder, file) = key(target);
    let sql =
        "SELECT name, value FROM dead_properties WHERE cid = ? AND folder = ? AND file = ? ORDER BY name";
    let rows = tx.query("dead_properties", sql, args![tx.context, folder, file]).await?;
    rows.into_iter().map(|mut row| Ok((row.text()?, row.text()?))).collect()
}

/// Dead properties of all files in a folder.
pub async fn properties_in_folder(tx: &mut Tx, folder: FolderId) -> Result<Vec<(FileId, String, String)>> {
    tx.need(&[Scope::Tree, Scope::Folder(folder)]).await?;
    let sql = "SELECT d.file, d.name, d.value FROM files f JOIN dead_properties d ON d.cid = f.cid AND d.folder = 0 \
               AND d.file = f.id WHERE f.cid = ? AND f.folder = ? ORDER BY d.file, d.name";
    let rows = tx.query("dead_properties", sql, args![tx.context, folder]).await?;
    rows.into_iter().map(|mut row| Ok((row.file()?, row.text()?, row.text()?))).collect()
}

/// Dead properties of these folders, not of what is in them.
pub async fn properties_of_folders(tx: &mut Tx, ids: &[FolderId]) -> Result<Vec<(FolderId, String, String)>> {
    tx.need(&[Scope::Tree]).await?;
    let sql = format!(
        "SELECT folder, name, value FROM dead_properties WHERE cid = ? AND file = 0 AND folder IN ({}) \
         ORDER BY folder, name",
        marks(ids.len())
    );
    let mut values = args![tx.context];
    values.extend(ids.iter().map(|id| Value::from(*id)));
    let rows = tx.query("dead_properties", sql, values).await?;
    rows.into_iter().map(|mut row| Ok((row.folder()?, row.text()?, row.text()?))).collect()
}

/// Sets a dead property, or removes it (`None`).
pub async fn set_property(tx: &mut WriteTx, target: Target, name: &str, value: Option<&str>) -> Result<()> {
    tx.touch(Scope::Tree)?;
    let (folder, file) = key(target);
    let sql = "DELETE FROM dead_properties WHERE cid = ? AND folder = ? AND file = ? AND name = ?";
    tx.execute("dead_properties", sql, args![tx.context, folder, file, name]).await?;
    if let Some(value) = value {
        let sql = "INSERT INTO dead_properties (cid, folder, file, name, value) VALUES (?, ?, ?, ?, ?)";
        tx.execute("dead_properties", sql, args![tx.context, folder, file, name, value]).await?;
    }
    Ok(())
}
