//! Single folders, with the caller's rights, their permissions, the way to the root, what lies below.

use zebu_model::access::reach;
use zebu_model::folder::{Folder, Module, Type};
use zebu_model::rights::{Bits, Entity, Membership, Permission};
use zebu_model::tree::{Doomed, Granted};
use zebu_model::{FolderId, GroupId, Scope, UserId};

use super::homes;
use crate::error::{Error, Result};
use crate::statement::marks;
use crate::tx::Tx;
use crate::value::{Row, Value, args};

/// The columns of a folder, with `f` for its table.
pub(super) const COLUMNS: &str = "f.id, f.parent, f.title, f.module, f.kind, f.standard, f.created_by, f.created, \
     f.modified_by, f.modified";

/// Reads [`COLUMNS`].
pub(super) fn folder(row: &mut Row) -> Result<Folder> {
    let (id, parent, title) = (row.folder()?, row.folder()?, row.text()?);
    let (module, kind) = (row.int()?, row.int()?);
    Ok(Folder {
        id,
        parent,
        title,
        module: row.known("module", Module::from_number(module))?,
        kind: row.known("folder type", Type::from_number(kind))?,
        standard: row.flag()?,
        created_by: row.user()?,
        created: row.int()?,
        modified_by: row.user()?,
        modified: row.version()?,
    })
}

/// What a folder's title is unique among, beside its parent.
pub(super) fn owner_key(f: &Folder) -> UserId {
    if f.kind == Type::Private { f.created_by } else { UserId(0) }
}

/// An entity as the one number permissions are keyed by.
pub(super) fn principal(entity: Entity) -> i64 {
    i64::from(entity.id()) * 2 + i64::from(entity.is_group())
}

fn entity(principal: i64) -> Option<Entity> {
    u32::try_from(principal / 2).ok().map(|id| Entity::new(id, principal % 2 == 1))
}

/// Everybody whose permissions count for this user: the list for `principal IN (…)`.
pub(super) fn principals(who: &Membership) -> Vec<Value> {
    let mut list = vec![Entity::User(who.user), Entity::Group(GroupId::EVERYBODY)];
    list.extend(
        who.groups.iter().map(|g| Entity::Group(*g)).filter(|e| *e != Entity::Group(GroupId::EVERYBODY)),
    );
    list.into_iter().map(|e| Value::from(principal(e))).collect()
}

fn bits(raw: i64) -> Result<Bits> {
    Bits::decode(raw).map_err(|e| Error::Corrupt { table: "folder_permissions", detail: e.to_string() })
}

/// Folds rows of one folder each (`folder columns, bits or NULL`) into folders with effective rights, capped by module
/// access. Rows of one folder must follow each other.
pub(super) async fn granted(
    tx: &mut Tx,
    who: &Membership,
    rows: Vec<Row>,
) -> Result<Vec<(Granted, Vec<Row>)>> {
    let mut folders: Vec<(Granted, Vec<Row>)> = Vec::new();
    for mut row in rows {
        let folder = folder(&mut row)?;
        let own = row.opt_int()?.map_or(Ok(Bits::NONE), bits)?;
        match folders.last_mut().filter(|(last, _)| last.folder.id == folder.id) {
            Some((last, _)) => last.bits = last.bits.join(own),
            None => folders.push((Granted::new(folder, own), vec![row])),
        }
    }
    let mut folders: Vec<_> =
        folders.into_iter().map(|(granted, rest)| (reach(who, granted), rest)).collect();
    homes::withhold(tx, who, folders.iter_mut().map(|(granted, _)| granted).collect()).await?;
    Ok(folders)
}

/// Folders by id with the caller's rights, visible or not; unknown ids are left out.
pub async fn by_id(tx: &mut Tx, who: &Membership, ids: &[FolderId]) -> Result<Vec<Granted>> {
    tx.need(&[Scope::Tree]).await?;
    let mine = principals(who);
    let sql = format!(
        "SELECT {COLUMNS}, p.bits FROM folders f LEFT JOIN folder_permissions p ON p.cid = f.cid \
         AND p.folder = f.id AND p.principal IN ({}) WHERE f.cid = ? AND f.id IN ({}) ORDER BY f.id",
        marks(mine.len()),
        marks(ids.len())
    );
    let mut values = mine;
    values.push(tx.context.into());
    values.extend(ids.iter().map(|id| Value::from(*id)));
    let rows = tx.query("folders", sql, values).await?;
    Ok(granted(tx, who, rows).await?.into_iter().map(|(g, _)| g).collect())
}

/// One folder with the caller's rights, visible or not.
pub async fn get(tx: &mut Tx, who: &Membership, id: FolderId) -> Result<Option<Granted>> {
    Ok(by_id(tx, who, &[id]).await?.into_iter().next())
}

/// The way from a folder up to the root, the folder first, with the caller's rights in each.
pub async fn path(tx: &mut Tx, who: &Membership, id: FolderId) -> Result<Vec<Granted>> {
    tx.need(&[Scope::Tree]).await?;
    let mine = principals(who);
    let sql = format!(
        "WITH RECURSIVE up (id, parent, depth) AS (SELECT id, parent, 0 FROM folders WHERE cid = ? AND id = ? \
         UNION ALL SELECT f.id, f.parent, up.depth + 1 FROM up JOIN folders f ON f.cid = ? AND f.id = up.parent \
         WHERE up.depth < 200) \
         SELECT {COLUMNS}, p.bits FROM up JOIN folders f ON f.cid = ? AND f.id = up.id \
         LEFT JOIN folder_permissions p ON p.cid = f.cid AND p.folder = f.id AND p.principal IN ({}) \
         ORDER BY up.depth, f.id",
        marks(mine.len())
    );
    let mut values = args![tx.context, id, tx.context, tx.context];
    values.extend(mine);
    let rows = tx.query("folders", sql, values).await?;
    Ok(granted(tx, who, rows).await?.into_iter().map(|(g, _)| g).collect())
}

/// A folder with all below it, parents first, with the caller's rights and what each holds. The number beside is
/// the level below the first.
pub async fn subtree(tx: &mut Tx, who: &Membership, id: FolderId) -> Result<Vec<(Doomed, usize)>> {
    tx.need_everything().await?;
    let mine = principals(who);
    let sql = format!(
        "WITH RECURSIVE down (id, depth) AS (SELECT id, 0 FROM folders WHERE cid = ? AND id = ? \
         UNION ALL SELECT f.id, down.depth + 1 FROM down JOIN folders f ON f.cid = ? AND f.parent = down.id \
         WHERE down.depth < 200) \
         SELECT {COLUMNS}, p.bits, down.depth, \
         (SELECT COUNT(*) FROM files o WHERE o.cid = f.cid AND o.folder = f.id), \
         (SELECT COUNT(*) FROM files o WHERE o.cid = f.cid AND o.folder = f.id AND o.created_by <> ?) \
         FROM down JOIN folders f ON f.cid = ? AND f.id = down.id \
         LEFT JOIN folder_permissions p ON p.cid = f.cid AND p.folder = f.id AND p.principal IN ({}) \
         ORDER BY down.depth, f.id",
        marks(mine.len())
    );
    let mut values = args![tx.context, id, tx.context, who.user, tx.context];
    values.extend(mine);
    let rows = tx.query("folders", sql, values).await?;
    let mut found = Vec::new();
    for (granted, rest) in granted(tx, who, rows).await? {
        for mut row in rest.into_iter().take(1) {
            let depth = row.uint()?;
            let (objects, foreign_objects) = (row.uint()?, row.uint()?);
            found.push((Doomed { granted: granted.clone(), objects, foreign_objects }, depth));
        }
    }
    Ok(found)
}

/// All permissions of these folders, the folder beside each, in the order of folder and entity.
pub async fn permissions(tx: &mut Tx, ids: &[FolderId]) -> Result<Vec<(FolderId, Permission)>> {
    tx.need(&[Scope::Tree]).await?;
    let sql = format!(
        "SELECT folder, principal, bits FROM folder_permissions WHERE cid = ? AND folder IN ({}) \
         ORDER BY folder, principal",
        marks(ids.len())
    );
    let mut values = args![tx.context];
    values.extend(ids.iter().map(|id| Value::from(*id)));
    let rows = tx.query("folder_permissions", sql, values).await?;
    rows.into_iter()
        .map(|mut row| {
            let (folder, principal) = (row.folder()?, row.int()?);
            let entity = row.known("principal", entity(principal))?;
            Ok((folder, Permission { entity, bits: bits(row.int()?)? }))
        })
        .collect()
}

/// The scopes of what is in these folders.
pub(super) fn contents(folders: &[FolderId]) -> Vec<Scope> {
    folders.iter().map(|id| Scope::Folder(*id)).collect()
}

/// How many objects each of these folders holds; those that hold none are left out.
pub async fn totals(tx: &mut Tx, ids: &[FolderId]) -> Result<Vec<(FolderId, u64)>> {
    tx.need(&contents(ids)).await?;
    let sql = format!(
        "SELECT folder, COUNT(*) FROM files WHERE cid = ? AND folder IN ({}) GROUP BY folder",
        marks(ids.len())
    );
    let mut values = args![tx.context];
    values.extend(ids.iter().map(|id| Value::from(*id)));
    let rows = tx.query("files", sql, values).await?;
    rows.into_iter().map(|mut row| Ok((row.folder()?, row.uint()?))).collect()
}

/// Folders joined in one statement; SQLite takes at most 64 tables.
const SEGMENTS_A_STATEMENT: usize = 32;

/// Follows titles of public folders down from a folder, as far as they lead. Says nothing about rights.
pub async fn walk(tx: &mut Tx, from: FolderId, titles: &[String]) -> Result<Vec<FolderId>> {
    tx.need(&[Scope::Tree]).await?;
    let mut found = Vec::with_capacity(titles.len());
    let mut start = from;
    for part in titles.chunks(SEGMENTS_A_STATEMENT) {
        let columns: Vec<String> = (0..part.len()).map(|n| format!("f{n}.id")).collect();
        let mut sql = format!("SELECT {} FROM folders f0", columns.join(", "));
        let mut values = Vec::with_capacity(part.len() * 2 + 3);
        for (n, title) in part.iter().enumerate().skip(1) {
            let above = n - 1;
            sql.push_str(&format!(
                " LEFT JOIN folders f{n} ON f{n}.cid = f0.cid AND f{n}.parent = f{above}.id AND f{n}.title = ? \
                 AND f{n}.owner = 0"
            ));
            values.push(Value::from(title));
        }
        sql.push_str(" WHERE f0.cid = ? AND f0.parent = ? AND f0.title = ? AND f0.owner = 0");
        values.extend(args![tx.context, start]);
        values.extend(part.first().map(Value::from));
        let Some(mut row) = tx.query_one("folders", sql, values).await? else { return Ok(found) };
        for _ in part {
            let Some(id) = row.opt_int()? else { return Ok(found) };
            start = FolderId(u32::try_from(id).map_err(|_| Error::Corrupt {
                table: "folders",
                detail: format!("id {id} is out of range"),
            })?);
            found.push(start);
        }
    }
    Ok(found)
}

/// Whether a folder like this one could not be in `parent` under this title.
pub async fn title_taken(tx: &mut Tx, like: &Folder, parent: FolderId, title: &str) -> Result<bool> {
    tx.need(&[Scope::Tree]).await?;
    let sql = "SELECT 1 FROM folders WHERE cid = ? AND parent = ? AND title = ? AND owner = ?";
    let values = args![tx.context, parent, title, owner_key(like)];
    Ok(tx.query_one("folders", sql, values).await?.is_some())
}

/// A user's default folder of a module.
pub async fn standard(tx: &mut Tx, user: UserId, module: Module) -> Result<Option<FolderId>> {
    tx.need(&[Scope::Tree]).await?;
    let sql = "SELECT f.id FROM folder_permissions p JOIN folders f ON f.cid = p.cid AND f.id = p.folder \
               WHERE p.cid = ? AND p.principal = ? AND f.created_by = ? AND f.standard = 1 AND f.module = ?";
    let values = args![tx.context, principal(Entity::User(user)), user, module.number()];
    tx.query_one("folders", sql, values).await?.map(|mut row| row.folder()).transpose()
}
