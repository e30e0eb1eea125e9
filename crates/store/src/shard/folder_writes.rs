//! Changes to the folder tree. All touch the scope of the tree.

use zebu_model::folder::Folder;
use zebu_model::rights::Permission;
use zebu_model::{FolderId, Scope, UserId};

use super::folders::{owner_key, principal};
use crate::error::Result;
use crate::statement::marks;
use crate::tx::WriteTx;
use crate::value::{Value, args};

/// Creates a folder with its permissions. `folder.modified` is ignored: it becomes the transaction's stamp.
pub async fn insert(tx: &mut WriteTx, f: &Folder, permissions: &[Permission]) -> Result<()> {
    let stamp = tx.touch(Scope::Tree)?;
    tx.execute(
        "folders",
        "INSERT INTO folders (cid, id, parent, title, module, kind, standard, owner, created_by, created, \
         modified_by, modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            tx.context,
            f.id,
            f.parent,
            &f.title,
            f.module.number(),
            f.kind.number(),
            f.standard,
            owner_key(f),
            f.created_by,
            f.created,
            f.modified_by,
            stamp,
        ],
    )
    .await?;
    insert_permissions(tx, f.id, f.parent, permissions).await
}

async fn insert_permissions(
    tx: &mut WriteTx,
    folder: FolderId,
    parent: FolderId,
    permissions: &[Permission],
) -> Result<()> {
    // Rows a statement: bounded by what an engine takes as placeholders.
    for part in permissions.chunks(100) {
        let sql = format!(
            "INSERT INTO folder_permissions (cid, folder, principal, bits, sees, parent) VALUES {}",
            vec!["(?, ?, ?, ?, ?, ?)"; part.len()].join(", ")
        );
        let mut values = Vec::with_capacity(part.len() * 6);
        for p in part {
            values.extend(args![
                tx.context,
                folder,
                principal(p.entity),
                p.bits.encode(),
                p.bits.sees(),
                parent
            ]);
        }
        tx.execute("folder_permissions", sql, values).await?;
    }
    Ok(())
}

/// Replaces a folder's permissions.
pub async fn set_permissions(
    tx: &mut WriteTx,
    folder: FolderId,
    parent: FolderId,
    permissions: &[Permission],
    by: UserId,
) -> Result<()> {
    let staying: Vec<Value> =
        permissions.iter().filter(|p| p.bits.sees()).map(|p| principal(p.entity).into()).collect();
    let but = if staying.is_empty() {
        String::new()
    } else {
        format!(" AND p.principal NOT IN ({})", marks(staying.len()))
    };
    let values = args![folder].into_iter().chain(staying).collect();
    bury_permissions(tx, &format!("p.folder = ?{but}"), values).await?;
    let sql = "DELETE FROM folder_permissions WHERE cid = ? AND folder = ?";
    tx.execute("folder_permissions", sql, args![tx.context, folder]).await?;
    insert_permissions(tx, folder, parent, permissions).await?;
    mark_changed(tx, folder, by).await
}

/// Gives a folder another title.
pub async fn set_title(tx: &mut WriteTx, folder: FolderId, title: &str, by: UserId) -> Result<()> {
    let sql = "UPDATE folders SET title = ? WHERE cid = ? AND id = ?";
    tx.execute("folders", sql, args![title, tx.context, folder]).await?;
    mark_changed(tx, folder, by).await
}

/// Puts a folder below another parent, under a title that may be new.
pub async fn set_place(
    tx: &mut WriteTx,
    folder: &Folder,
    parent: FolderId,
    title: &str,
    by: UserId,
) -> Result<()> {
    let sql = "UPDATE folders SET parent = ?, title = ? WHERE cid = ? AND id = ?";
    let values = args![parent, title, tx.context, folder.id];
    tx.execute("folders", sql, values).await?;
    resettle(tx, folder, parent, by).await
}

/// What goes with a folder that has come below another parent: `folder` is as it was before.
pub(super) async fn resettle(tx: &mut WriteTx, folder: &Folder, parent: FolderId, by: UserId) -> Result<()> {
    let sql = "UPDATE folder_permissions SET parent = ? WHERE cid = ? AND folder = ?";
    tx.execute("folder_permissions", sql, args![parent, tx.context, folder.id]).await?;
    bury(tx, std::slice::from_ref(folder)).await?;
    let sql = "DELETE FROM folder_tombstones WHERE cid = ? AND parent = ? AND id = ?";
    tx.execute("folder_tombstones", sql, args![tx.context, parent, folder.id]).await?;
    mark_changed(tx, folder.id, by).await
}

/// Says that somebody changed a folder.
pub(super) async fn mark_changed(tx: &mut WriteTx, folder: FolderId, by: UserId) -> Result<()> {
    let stamp = tx.touch(Scope::Tree)?;
    let sql = "UPDATE folders SET modified = ?, modified_by = ? WHERE cid = ? AND id = ?";
    tx.execute("folders", sql, args![stamp, by, tx.context, folder]).await.map(drop)
}

/// Leaves tombstones where folders were. An older one there was taken away when the folder came.
async fn bury(tx: &mut WriteTx, folders: &[Folder]) -> Result<()> {
    let stamp = tx.touch(Scope::Tree)?;
    for part in folders.chunks(200) {
        let sql = format!(
            "INSERT INTO folder_tombstones (cid, parent, id, version, owner) VALUES {}",
            vec!["(?, ?, ?, ?, ?)"; part.len()].join(", ")
        );
        let mut values = Vec::with_capacity(part.len() * 5);
        for folder in part {
            values.extend(args![tx.context, folder.parent, folder.id, stamp, owner_key(folder)]);
        }
        tx.execute("folder_tombstones", sql, values).await?;
    }
    Ok(())
}

/// Leaves tombstones of permissions that show folders, before they go or their folders do or become somebody else's. `which` of
/// the permissions `p` these are, with its values.
pub(super) async fn bury_permissions(tx: &mut WriteTx, which: &str, values: Vec<Value>) -> Result<()> {
    let stamp = tx.touch(Scope::Tree)?;
    // One may have gone before, and have come back.
    let sql = format!(
        "REPLACE INTO permission_tombstones (cid, folder, principal, node, module, version) \
         SELECT p.cid, p.folder, p.principal, f.owner, f.module, ? FROM folder_permissions p \
         JOIN folders f ON f.cid = p.cid AND f.id = p.folder WHERE p.cid = ? AND p.sees = 1 AND {which}"
    );
    let values = args![stamp, tx.context].into_iter().chain(values).collect();
    tx.execute("permission_tombstones", sql, values).await.map(drop)
}

/// Deletes a subtree's folders, whose files must be gone already. Each leaves a tombstone: the views list folders whose
/// parents their viewer does not see.
pub async fn delete(tx: &mut WriteTx, folders: &[Folder]) -> Result<()> {
    bury(tx, folders).await?;
    for part in folders.chunks(500) {
        let ids = || part.iter().map(|f| Value::from(f.id));
        bury_permissions(tx, &format!("p.folder IN ({})", marks(part.len())), ids().collect()).await?;
        for (table, column) in [
            ("folders", "id"),
            ("folder_permissions", "folder"),
            ("dav_locks", "folder"),
            ("dead_properties", "folder"),
        ] {
            let sql = format!("DELETE FROM {table} WHERE cid = ? AND {column} IN ({})", marks(part.len()));
            let mut values = args![tx.context];
            values.extend(ids());
            tx.execute(table, sql, values).await?;
        }
    }
    Ok(())
}
