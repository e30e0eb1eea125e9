//! Listings of the folder tree: what a user sees below a folder, in the views, and what changed since.

use zebu_model::folder::{Module, fixed};
use zebu_model::rights::Membership;
use zebu_model::tree::Granted;
use zebu_model::{FolderId, Scope, UserId, Version};

use super::folders::{COLUMNS, granted, principals};
use super::tombstones::all_known;
use crate::error::Result;
use crate::statement::marks;
use crate::tx::Tx;
use crate::value::{Row, Value, args};

/// Folders looked up at once: far below the placeholders an engine takes.
const FOLDERS_A_STATEMENT: usize = 500;

/// A folder in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The folder with the caller's rights; always visible.
    pub granted: Granted,
    /// Whether the caller sees a folder below it.
    pub subfolders: bool,
}

/// `EXISTS (a folder below f that I see)`, with one list of principals.
fn subfolders(who: &Membership, mine: usize) -> String {
    format!(
        "EXISTS (SELECT 1 FROM folder_permissions c WHERE c.cid = f.cid AND c.parent = f.id AND c.sees = 1 \
         AND c.principal IN ({}){})",
        marks(mine),
        of_my_modules(who, "c")
    )
}

/// What keeps the folders of permissions `of` to the modules that I have: nothing for somebody who has all.
fn of_my_modules(who: &Membership, of: &str) -> String {
    let mine = my_modules(who);
    mine.map_or_else(String::new, |mine| {
        format!(
            " AND EXISTS (SELECT 1 FROM folders m WHERE m.cid = {of}.cid AND m.id = {of}.folder AND m.module IN ({mine}))"
        )
    })
}

/// The numbers of the modules that I have; `None` if I have all.
fn my_modules(who: &Membership) -> Option<String> {
    let mine = Module::ALL.into_iter().filter(|module| who.access.has_module(*module));
    let mine: Vec<String> = mine.map(|module| module.number().to_string()).collect();
    (mine.len() < Module::ALL.len()).then(|| mine.join(", "))
}

async fn listed(tx: &mut Tx, who: &Membership, rows: Vec<Row>) -> Result<Vec<Listed>> {
    let mut found = Vec::new();
    for (granted, rest) in granted(tx, who, rows).await? {
        for mut row in rest.into_iter().take(1) {
            let subfolders = row.flag()?;
            if granted.bits.sees() {
                found.push(Listed { granted: granted.clone(), subfolders });
            }
        }
    }
    Ok(found)
}

/// The folders below `parent` that the caller sees, by title.
pub async fn children(tx: &mut Tx, who: &Membership, parent: FolderId) -> Result<Vec<Listed>> {
    tx.need(&[Scope::Tree]).await?;
    let mine = principals(who);
    let sql = format!(
        "SELECT {COLUMNS}, p.bits, {} FROM folder_permissions p JOIN folders f ON f.cid = p.cid AND f.id = p.folder \
         WHERE p.cid = ? AND p.parent = ? AND p.principal IN ({}) ORDER BY f.title, f.id",
        subfolders(who, mine.len()),
        marks(mine.len())
    );
    let mut values = mine.clone();
    values.extend(args![tx.context, parent]);
    values.extend(mine);
    let rows = tx.query("folders", sql, values).await?;
    listed(tx, who, rows).await
}

/// These folders, if the caller sees them, in the order of their ids.
pub async fn some(tx: &mut Tx, who: &Membership, ids: &[FolderId]) -> Result<Vec<Listed>> {
    tx.need(&[Scope::Tree]).await?;
    let mine = principals(who);
    let sql = format!(
        "SELECT {COLUMNS}, p.bits, {} FROM folders f JOIN folder_permissions p ON p.cid = f.cid AND p.folder = f.id \
         AND p.principal IN ({}) WHERE f.cid = ? AND f.id IN ({}) ORDER BY f.id",
        subfolders(who, mine.len()),
        marks(mine.len()),
        marks(ids.len())
    );
    let mut values = mine.clone();
    values.extend(mine);
    values.push(tx.context.into());
    values.extend(ids.iter().map(|id| Value::from(*id)));
    let rows = tx.query("folders", sql, values).await?;
    listed(tx, who, rows).await
}

/// All folders of a module that the caller sees, by title.
pub async fn all_visible(tx: &mut Tx, who: &Membership, module: Module) -> Result<Vec<Listed>> {
    tx.need(&[Scope::Tree]).await?;
    let mine = principals(who);
    let sql = format!(
        "SELECT {COLUMNS}, p.bits, {} FROM folder_permissions p JOIN folders f ON f.cid = p.cid AND f.id = p.folder \
         WHERE p.cid = ? AND p.principal IN ({}) AND f.module = ? ORDER BY f.title, f.id",
        subfolders(who, mine.len()),
        marks(mine.len())
    );
    let mut values = mine.clone();
    values.push(tx.context.into());
    values.extend(mine);
    values.push(module.number().into());
    let rows = tx.query("folders", sql, values).await?;
    listed(tx, who, rows).await
}

/// Public folders of a module that the caller sees though not their parents, by title: one of the views "other …
/// folders".
pub async fn unreachable(tx: &mut Tx, who: &Membership, module: Module) -> Result<Vec<Listed>> {
    tx.need(&[Scope::Tree]).await?;
    let mine = principals(who);
    let sql = format!(
        "SELECT {COLUMNS}, p.bits, {} FROM folder_permissions p JOIN folders f ON f.cid = p.cid AND f.id = p.folder \
         WHERE p.cid = ? AND p.principal IN ({}) AND f.module = ? AND f.kind = 2 AND NOT EXISTS \
         (SELECT 1 FROM folder_permissions q WHERE q.cid = ? AND q.folder = f.parent AND q.sees = 1 \
         AND q.principal IN ({}){}) ORDER BY f.title, f.id",
        subfolders(who, mine.len()),
        marks(mine.len()),
        marks(mine.len()),
        of_my_modules(who, "q")
    );
    let mut values = mine.clone();
    values.push(tx.context.into());
    values.extend(mine.clone());
    // The context by value: a server that collects the inner rows first would collect those of all contexts.
    values.extend(args![module.number(), tx.context]);
    values.extend(mine);
    let rows = tx.query("folders", sql, values).await?;
    listed(tx, who, rows).await
}

/// Private folders of other people that the caller sees, by owner and title; only `owner`'s, if one is named.
pub async fn shared(tx: &mut Tx, who: &Membership, owner: Option<UserId>) -> Result<Vec<Listed>> {
    tx.need(&[Scope::Tree]).await?;
    let mine = principals(who);
    let sql = format!(
        "SELECT {COLUMNS}, p.bits, {} FROM folder_permissions p JOIN folders f ON f.cid = p.cid AND f.id = p.folder \
         WHERE p.cid = ? AND p.principal IN ({}) AND f.kind = 1 AND f.created_by <> ? {} \
         ORDER BY f.created_by, f.title, f.id",
        subfolders(who, mine.len()),
        marks(mine.len()),
        if owner.is_some() { "AND f.created_by = ?" } else { "" }
    );
    let mut values = mine.clone();
    values.push(tx.context.into());
    values.extend(mine);
    values.push(who.user.into());
    values.extend(owner.map(Value::from));
    let rows = tx.query("folders", sql, values).await?;
    listed(tx, who, rows).await
}

/// Folders that came to `parent`, left it or changed in it since a version, by id. What the caller does not see is
/// to be told as gone: rights may have been withdrawn since. [`Error::Forgotten`](crate::Error::Forgotten) if what left is not known any
/// more; the same of the next two.
pub async fn changed(tx: &mut Tx, parent: FolderId, since: Version) -> Result<Vec<FolderId>> {
    tx.need(&[Scope::Tree]).await?;
    let sql = "SELECT id FROM folders WHERE cid = ? AND parent = ? AND modified > ? \
               UNION SELECT id FROM folder_tombstones WHERE cid = ? AND parent = ? AND version > ? ORDER BY 1";
    let values = args![tx.context, parent, since, tx.context, parent, since];
    let rows = tx.query("folders", sql, values).await?;
    let found = rows.into_iter().map(|mut row| row.folder()).collect::<Result<_>>()?;
    all_known(found, |id| *id == fixed::ROOT, since)
}

/// A folder whose place in a view may be another than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The folder.
    pub folder: FolderId,
    /// Whose private folder it is or was; `None` for others.
    pub owner: Option<UserId>,
}

fn touched(mut row: Row) -> Result<Touched> {
    let folder = row.folder()?;
    let owner = row.user()?;
    Ok(Touched { folder, owner: (owner != UserId(0)).then_some(owner) })
}

/// Folders that changed or went away anywhere since a version, by id: for the views, which have no parent of their own.
pub async fn changed_anywhere(tx: &mut Tx, since: Version) -> Result<Vec<Touched>> {
    tx.need(&[Scope::Tree]).await?;
    let sql = "SELECT id, owner FROM folders WHERE cid = ? AND modified > ? \
               UNION SELECT id, owner FROM folder_tombstones WHERE cid = ? AND version > ? ORDER BY 1";
    let values = args![tx.context, since, tx.context, since];
    let rows = tx.query("folders", sql, values).await?;
    let found = rows.into_iter().map(touched).collect::<Result<_>>()?;
    all_known(found, |touched| touched.folder == fixed::ROOT, since)
}

/// Folders that permissions show to the caller below a folder that changed since a version. They may have come into a view or left
/// it without having changed themselves: a view has what its viewer finds nowhere else.
pub async fn below_changed(tx: &mut Tx, who: &Membership, since: Version) -> Result<Vec<Touched>> {
    tx.need(&[Scope::Tree]).await?;
    let mine = principals(who);
    let sql = format!(
        "SELECT f.id, f.owner FROM folders u JOIN folder_permissions p ON p.cid = u.cid AND p.parent = u.id \
         JOIN folders f ON f.cid = p.cid AND f.id = p.folder \
         WHERE u.cid = ? AND u.modified > ? AND p.principal IN ({}) AND p.sees = 1",
        marks(mine.len())
    );
    let mut values = args![tx.context, since];
    values.extend(mine);
    let rows = tx.query("folders", sql, values).await?;
    rows.into_iter().map(touched).collect()
}

/// Folders that a permission showed to the caller which has ended since a version, of the modules that the caller has, once for each
/// node they were found below. They may still be shown by another.
pub async fn ended(tx: &mut Tx, who: &Membership, since: Version) -> Result<Vec<Touched>> {
    tx.need(&[Scope::Tree]).await?;
    let mine = principals(who);
    let sql = format!(
        "SELECT folder, node FROM permission_tombstones WHERE cid = ? AND principal IN ({}) AND version > ?{}",
        marks(mine.len()),
        my_modules(who)
            .map_or_else(String::new, |modules| format!(" AND (module IN ({modules}) OR folder = 0)"))
    );
    let mut values = args![tx.context];
    values.extend(mine);
    values.push(since.into());
    let rows = tx.query("permission_tombstones", sql, values).await?;
    let found = rows.into_iter().map(touched).collect::<Result<_>>()?;
    all_known(found, |touched| touched.folder == fixed::ROOT, since)
}

/// Those of these folders that permissions show to the caller, of the modules that the caller has.
pub async fn shown(tx: &mut Tx, who: &Membership, ids: &[FolderId]) -> Result<Vec<FolderId>> {
    tx.need(&[Scope::Tree]).await?;
    let mine = principals(who);
    let mut found = Vec::new();
    for part in ids.chunks(FOLDERS_A_STATEMENT) {
        let sql = format!(
            "SELECT p.folder FROM folder_permissions p WHERE p.cid = ? AND p.folder IN ({}) AND p.principal IN ({}) \
             AND p.sees = 1{}",
            marks(part.len()),
            marks(mine.len()),
            of_my_modules(who, "p")
        );
        let mut values = args![tx.context];
        values.extend(part.iter().map(|id| Value::from(*id)));
        values.extend(mine.clone());
        for mut row in tx.query("folder_permissions", sql, values).await? {
            found.push(row.folder()?);
        }
    }
    Ok(found)
}

/// Folders that permissions show to the caller, whatever module access leaves of that; only those below `parent`, if one is
/// named.
pub async fn permitted(tx: &mut Tx, who: &Membership, parent: Option<FolderId>) -> Result<Vec<Touched>> {
    tx.need(&[Scope::Tree]).await?;
    let mine = principals(who);
    let sql = format!(
        "SELECT f.id, f.owner FROM folder_permissions p JOIN folders f ON f.cid = p.cid AND f.id = p.folder \
         WHERE p.cid = ? AND p.principal IN ({}) AND p.sees = 1{}",
        marks(mine.len()),
        if parent.is_some() { " AND p.parent = ?" } else { "" }
    );
    let mut values = args![tx.context];
    values.extend(mine);
    values.extend(parent.map(Value::from));
    let rows = tx.query("folders", sql, values).await?;
    rows.into_iter().map(touched).collect()
}
