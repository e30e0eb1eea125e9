//! Tombstones that are forgotten. They are kept for clients that synchronise, and one that was away for so long that it cannot be
//! told any more what went has to load everything again.
//!
//! Of all that were within one (a folder, a parent, a principal's permissions, a user's memberships) and are forgotten one row stays,
//! of the id 0, which nothing else has, with the newest of their versions. So the very statement that asks what went since a version
//! finds it where something is missing, and nobody has to ask for it. Who has heard of everything is never older than it, however
//! long nothing happened there.

use std::collections::BTreeSet;

use zebu_model::{ContextId, Version};

use crate::error::{Error, Result};
use crate::tx::{Tx, WriteTx};
use crate::value::args;

/// A table of tombstones.
struct Kind {
    table: &'static str,
    /// The column of what things were within.
    within: &'static str,
    /// What was there: 0 for what was forgotten.
    id: &'static str,
    /// Columns of the row that stays behind `cid`, `within`, the id and the version; all 0.
    rest: &'static [&'static str],
}

const KINDS: [Kind; 4] = [
    Kind { table: "file_tombstones", within: "folder", id: "id", rest: &[] },
    Kind { table: "folder_tombstones", within: "parent", id: "id", rest: &["owner"] },
    Kind { table: "permission_tombstones", within: "principal", id: "folder", rest: &["node", "module"] },
    Kind { table: "member_tombstones", within: "uid", id: "gid", rest: &[] },
];

/// Of each table [`forget_some`] looks at what was within so many.
const WITHIN_AT_ONCE: u32 = 100;

/// What went since a version, by the ids that were found. [`Error::Forgotten`] if there was more; who knows nothing yet misses nothing.
pub(crate) fn all_known<T>(
    found: Vec<T>,
    is_forgotten: impl Fn(&T) -> bool,
    since: Version,
) -> Result<Vec<T>> {
    let all = found.len();
    let known: Vec<T> = found.into_iter().filter(|id| !is_forgotten(id)).collect();
    if known.len() < all && since != Version::NONE { Err(Error::Forgotten) } else { Ok(known) }
}

/// The contexts at home in the whole schema that have tombstones up to a version. Reads the tables of tombstones from end to end.
pub async fn old_in_schema(tx: &mut Tx, until: Version) -> Result<Vec<ContextId>> {
    tx.need_everything().await?;
    let mut found = BTreeSet::new();
    for Kind { table, id, .. } in KINDS {
        let sql = format!(
            "SELECT DISTINCT t.cid FROM {table} t JOIN homes h ON h.cid = t.cid AND h.state = 0 \
             WHERE t.version <= ? AND t.{id} <> 0"
        );
        for mut row in tx.query(table, sql, args![until]).await? {
            found.insert(row.context()?);
        }
    }
    Ok(found.into_iter().collect())
}

/// Forgets some of the tombstones of a context up to a version. Returns how many; 0 once there are none.
pub async fn forget_some(tx: &mut WriteTx, until: Version) -> Result<u64> {
    let mut forgotten = 0u64;
    for kind in KINDS {
        let Kind { table, within, id, .. } = kind;
        let sql = format!(
            "SELECT {within}, MAX(version) FROM {table} WHERE cid = ? AND version <= ? AND {id} <> 0 \
             GROUP BY {within} ORDER BY {within} LIMIT ?"
        );
        let values = args![tx.context, until, WITHIN_AT_ONCE];
        let found = tx.query(table, sql, values).await?;
        for mut row in found {
            let (of, newest) = (row.int()?, row.version()?);
            leave_one(tx, &kind, of, newest).await?;
            let sql =
                format!("DELETE FROM {table} WHERE cid = ? AND {within} = ? AND version <= ? AND {id} <> 0");
            let gone = tx.execute(table, sql, args![tx.context, of, newest]).await?;
            forgotten = forgotten.saturating_add(gone);
        }
    }
    Ok(forgotten)
}

/// The row that says that something up to `newest` was forgotten there; one that says more stays.
async fn leave_one(tx: &mut WriteTx, kind: &Kind, of: i64, newest: Version) -> Result<()> {
    let Kind { table, within, id, rest } = *kind;
    let sql =
        format!("UPDATE {table} SET version = ? WHERE cid = ? AND {within} = ? AND {id} = 0 AND version < ?");
    if tx.execute(table, sql, args![newest, tx.context, of, newest]).await? > 0 {
        return Ok(());
    }
    let sql = format!("SELECT 1 FROM {table} WHERE cid = ? AND {within} = ? AND {id} = 0");
    let values = args![tx.context, of];
    if tx.query_one(table, sql, values).await?.is_some() {
        return Ok(());
    }
    let columns: String = rest.iter().map(|column| format!(", {column}")).collect();
    let sql = format!(
        "INSERT INTO {table} (cid, {within}, {id}, version{columns}) VALUES (?, ?, 0, ?{})",
        ", 0".repeat(rest.len())
    );
    // Another node forgets the same at the same time.
    let values = args![tx.context, of, newest];
    tx.execute(table, sql, values).await.map_err(Error::of_first_comer).map(drop)
}
