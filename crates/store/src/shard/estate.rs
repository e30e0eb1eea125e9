//! A user's estate: all rows that refer to somebody who is being deleted. The job that deletes users finds them here, a few at
//! a time, hands them over or removes them, and asks here at the end whether anything is left.

use zebu_model::folder::{Folder, Type, fixed};
use zebu_model::lock::Lock;
use zebu_model::rights::Entity;
use zebu_model::{FileId, FolderId, Scope, UserId};

use super::folders::{COLUMNS, folder, owner_key, principal};
use super::{dav, folder_writes, principals};
use crate::error::Result;
use crate::statement::marks;
use crate::tx::{Tx, WriteTx};
use crate::value::{Value, args};

/// Levels of folders that are looked through; there are fewer.
const DEPTH_MAX: i64 = 200;

/// A file that the user has left a trace in: made it, changed it, or made one of its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The file.
    pub file: FileId,
    /// The folder it is in.
    pub folder: FolderId,
    /// Whether the user made it.
    pub is_theirs: bool,
}

/// Files with traces of the user, behind `after`, by id, `limit` at most.
pub async fn files(tx: &mut Tx, user: UserId, after: FileId, limit: u32) -> Result<Vec<Trace>> {
    tx.need_everything().await?;
    let sql = "SELECT f.id, f.folder, CASE WHEN f.created_by = ? THEN 1 ELSE 0 END FROM files f \
               WHERE f.cid = ? AND f.id > ? AND (f.created_by = ? OR f.modified_by = ? OR EXISTS \
               (SELECT 1 FROM file_versions v WHERE v.cid = f.cid AND v.file = f.id AND v.created_by = ?)) \
               ORDER BY f.id LIMIT ?";
    let values = args![user, tx.context, after, user, user, user, limit];
    let rows = tx.query("files", sql, values).await?;
    rows.into_iter()
        .map(|mut row| Ok(Trace { file: row.file()?, folder: row.folder()?, is_theirs: row.flag()? }))
        .collect()
}

/// Some files of a folder, whoever made them.
pub async fn some_in(tx: &mut Tx, folder: FolderId, limit: u32) -> Result<Vec<FileId>> {
    tx.need(&[Scope::Folder(folder)]).await?;
    let sql = "SELECT id FROM files WHERE cid = ? AND folder = ? LIMIT ?";
    let rows = tx.query("files", sql, args![tx.context, folder, limit]).await?;
    rows.into_iter().map(|mut row| row.file()).collect()
}

/// Puts the heir in the user's place wherever these files of one folder, and their versions, name the user.
pub async fn hand_over_files(
    tx: &mut WriteTx,
    folder: FolderId,
    ids: &[FileId],
    user: UserId,
    heir: UserId,
) -> Result<()> {
    let stamp = tx.touch(Scope::Folder(folder))?;
    let list = marks(ids.len());
    let those = || ids.iter().map(|id| Value::from(*id));
    let sql = format!(
        "UPDATE file_versions SET created_by = ? WHERE cid = ? AND created_by = ? AND file IN \
         (SELECT id FROM files WHERE cid = ? AND folder = ? AND id IN ({list}))"
    );
    let mut values = args![heir, tx.context, user, tx.context, folder];
    values.extend(those());
    tx.execute("file_versions", sql, values).await?;
    let sql = format!(
        "UPDATE files SET created_by = CASE WHEN created_by = ? THEN ? ELSE created_by END, \
         modified_by = CASE WHEN modified_by = ? THEN ? ELSE modified_by END, modified = ? \
         WHERE cid = ? AND folder = ? AND id IN ({list})"
    );
    let mut values = args![user, heir, user, heir, stamp, tx.context, folder];
    values.extend(those());
    tx.execute("files", sql, values).await.map(drop)
}

/// The folders that are the user's, and how deep each lies; those on top first.
pub async fn folders(tx: &mut Tx, user: UserId) -> Result<Vec<(FolderId, i64)>> {
    tx.need(&[Scope::Tree]).await?;
    let sql = "SELECT id FROM folders WHERE cid = ? AND created_by = ? AND kind <> ?";
    let rows = tx.query("folders", sql, args![tx.context, user, Type::System.number()]).await?;
    let ids: Vec<FolderId> = rows.into_iter().map(|mut row| row.folder()).collect::<Result<_>>()?;
    let mut found = Vec::with_capacity(ids.len());
    for part in ids.chunks(500) {
        let sql = format!(
            "WITH RECURSIVE up (start, id, parent, depth) AS (SELECT id, id, parent, 0 FROM folders WHERE cid = ? \
             AND id IN ({}) UNION ALL SELECT up.start, f.id, f.parent, up.depth + 1 FROM up JOIN folders f \
             ON f.cid = ? AND f.id = up.parent WHERE up.depth < ?) \
             SELECT start, MAX(depth) FROM up GROUP BY start",
            marks(part.len())
        );
        let mut values = args![tx.context];
        values.extend(part.iter().map(|id| Value::from(*id)));
        values.extend(args![tx.context, DEPTH_MAX]);
        for mut row in tx.query("folders", sql, values).await? {
            found.push((row.folder()?, row.int()?));
        }
    }
    found.sort_by_key(|(id, depth)| (*depth, *id));
    Ok(found)
}

/// The user's homes with all that is below them, whoever made that, and how deep each lies below its home; those on top first.
pub async fn homes(tx: &mut Tx, user: UserId) -> Result<Vec<(FolderId, i64)>> {
    tx.need(&[Scope::Tree]).await?;
    let sql = "WITH RECURSIVE down (id, depth) AS (SELECT id, 0 FROM folders WHERE cid = ? AND parent = ? \
               AND created_by = ? UNION ALL SELECT f.id, down.depth + 1 FROM down JOIN folders f \
               ON f.cid = ? AND f.parent = down.id WHERE down.depth < ?) SELECT id, depth FROM down ORDER BY depth, id";
    let values = args![tx.context, fixed::USERSTORE, user, tx.context, DEPTH_MAX];
    let rows = tx.query("folders", sql, values).await?;
    rows.into_iter().map(|mut row| Ok((row.folder()?, row.int()?))).collect()
}

/// These folders, and whether files are in each and folders below it; those that are gone are left out.
pub async fn held(tx: &mut Tx, ids: &[FolderId]) -> Result<Vec<(Folder, bool, bool)>> {
    tx.need_everything().await?;
    let sql = format!(
        "SELECT {COLUMNS}, EXISTS (SELECT 1 FROM files o WHERE o.cid = f.cid AND o.folder = f.id), \
         EXISTS (SELECT 1 FROM folders c WHERE c.cid = f.cid AND c.parent = f.id) \
         FROM folders f WHERE f.cid = ? AND f.id IN ({})",
        marks(ids.len())
    );
    let mut values = args![tx.context];
    values.extend(ids.iter().map(|id| Value::from(*id)));
    let rows = tx.query("folders", sql, values).await?;
    rows.into_iter().map(|mut row| Ok((folder(&mut row)?, row.flag()?, row.flag()?))).collect()
}

/// Makes a folder the heir's: an ordinary one from then on, at the place and under the title that `becomes` says. Its
/// permissions are the caller's to set. [`crate::Error::Duplicate`] if the title is taken there.
pub async fn hand_over_folder(tx: &mut WriteTx, was: &Folder, becomes: &Folder, by: UserId) -> Result<()> {
    tx.touch(Scope::Tree)?;
    // Whoever sees a private folder finds it below somebody else's node from now on.
    folder_writes::bury_permissions(tx, "p.folder = ?", args![was.id]).await?;
    // In one statement: with only one of the two changed, the folder might meet another of its title.
    let sql = "UPDATE folders SET standard = 0, owner = ?, created_by = ?, parent = ?, title = ? WHERE cid = ? AND id = ?";
    let owner = owner_key(becomes);
    let values = args![owner, becomes.created_by, becomes.parent, &becomes.title, tx.context, was.id];
    tx.execute("folders", sql, values).await?;
    if was.parent == becomes.parent {
        return folder_writes::mark_changed(tx, was.id, by).await;
    }
    folder_writes::resettle(tx, was, becomes.parent, by).await
}

/// Some folders in which the user has a permission, and their parents.
pub async fn permitted(tx: &mut Tx, user: UserId, limit: u32) -> Result<Vec<(FolderId, FolderId)>> {
    tx.need(&[Scope::Tree]).await?;
    let sql = "SELECT folder, parent FROM folder_permissions WHERE cid = ? AND principal = ? LIMIT ?";
    let values = args![tx.context, principal(Entity::User(user)), limit];
    let rows = tx.query("folder_permissions", sql, values).await?;
    rows.into_iter().map(|mut row| Ok((row.folder()?, row.folder()?))).collect()
}

/// Says of some folders that the heir changed them last, where it was the user. Returns how many.
pub async fn hand_over_changes(tx: &mut WriteTx, user: UserId, heir: UserId, limit: u32) -> Result<usize> {
    let stamp = tx.touch(Scope::Tree)?;
    let sql = "SELECT id FROM folders WHERE cid = ? AND modified_by = ? LIMIT ?";
    let values = args![tx.context, user, limit];
    let rows = tx.query("folders", sql, values).await?;
    let ids: Vec<FolderId> = rows.into_iter().map(|mut row| row.folder()).collect::<Result<_>>()?;
    let sql = format!(
        "UPDATE folders SET modified_by = ?, modified = ? WHERE cid = ? AND id IN ({})",
        marks(ids.len())
    );
    let mut values = args![heir, stamp, tx.context];
    values.extend(ids.iter().map(|id| Value::from(*id)));
    tx.execute("folders", sql, values).await?;
    Ok(ids.len())
}

/// Some locks that the user holds, and the folder that each is in.
pub async fn locks(tx: &mut Tx, user: UserId, limit: u32) -> Result<Vec<(Lock, FolderId)>> {
    tx.need_everything().await?;
    let sql = "SELECT COALESCE(f.folder, l.folder), l.token, l.folder, l.file, l.uid, l.shared, l.deep, l.owner, l.expires \
               FROM dav_locks l LEFT JOIN files f ON f.cid = l.cid AND f.id = l.file WHERE l.cid = ? AND l.uid = ? \
               ORDER BY l.token LIMIT ?";
    let rows = tx.query("dav_locks", sql, args![tx.context, user, limit]).await?;
    rows.into_iter()
        .map(|mut row| {
            let place = row.folder()?;
            Ok((dav::lock(row)?, place))
        })
        .collect()
}

/// Whether a file, a folder or a lock still names the user.
pub async fn is_left(tx: &mut Tx, user: UserId) -> Result<bool> {
    tx.need_everything().await?;
    for (table, column) in [
        ("folders", "created_by"),
        ("folders", "modified_by"),
        ("folders", "owner"),
        ("files", "created_by"),
        ("files", "modified_by"),
        ("file_versions", "created_by"),
        ("dav_locks", "uid"),
    ] {
        let sql = format!("SELECT 1 FROM {table} WHERE cid = ? AND {column} = ? LIMIT 1");
        if tx.query_one(table, sql, args![tx.context, user]).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Forgets the user: the account, and all that is known of it alone. The id is nobody's for good.
pub async fn forget(tx: &mut WriteTx, user: UserId) -> Result<()> {
    tx.touch(Scope::Principals)?;
    tx.touch(Scope::Tree)?;
    let sql = "UPDATE folder_tombstones SET owner = 0 WHERE cid = ? AND owner = ?";
    tx.execute("folder_tombstones", sql, args![tx.context, user]).await?;
    let sql = "DELETE FROM permission_tombstones WHERE cid = ? AND principal = ?";
    tx.execute("permission_tombstones", sql, args![tx.context, principal(Entity::User(user))]).await?;
    tx.touch(Scope::Sessions(user))?;
    for group in principals::groups_of(tx, user).await? {
        principals::delete_member(tx, group, user).await?;
    }
    for (table, column) in [
        ("member_tombstones", "uid"),
        ("user_attributes", "uid"),
        ("unhashed", "uid"),
        ("sessions", "uid"),
        ("known_origins", "uid"),
        ("second_factors", "uid"),
        ("recovery_codes", "uid"),
        ("app_passwords", "uid"),
        ("users", "id"),
    ] {
        let sql = format!("DELETE FROM {table} WHERE cid = ? AND {column} = ?");
        tx.execute(table, sql, args![tx.context, user]).await?;
    }
    let (kind, id) = Scope::Sessions(user).key();
    let sql = "DELETE FROM scopes WHERE cid = ? AND kind = ? AND id = ?";
    tx.execute("scopes", sql, args![tx.context, kind, id]).await.map(drop)
}
