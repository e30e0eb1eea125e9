//! The ledger of the two-step write: which stored files are not, or no longer, named by a file version.
//!
//! A key is reserved before its content is written and released in the transaction that names it; it is doomed in
//! the transaction that gives it up, and forgotten once its content is gone. So every stored file is named by a
//! version or by a row here, whatever crashed when.

use std::collections::HashSet;

use zebu_model::ContextId;

use crate::error::Result;
use crate::statement::marks;
use crate::tx::{Tx, WriteTx};
use crate::value::{Row, Value, args};

const RESERVED: i64 = 0;
const DOOMED: i64 = 1;

/// Rows in one INSERT: far below the placeholders an engine takes.
const ROWS_A_STATEMENT: usize = 200;

/// A key without a name, and where its content is being written, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The key.
    pub key: String,
    /// The file store it was reserved in; 0 for one that had a name, which lies in the context's file stores.
    pub filestore: i64,
}

/// A key that a file version names, and what its content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedContent {
    /// The key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// BLAKE3, lower-case hex.
    pub blake3: String,
}

const NAMED: &str = "SELECT store_key, size, blake3 FROM file_versions WHERE cid = ?";

fn named_content(mut row: Row) -> Result<NamedContent> {
    Ok(NamedContent { key: row.text()?, size: row.uint()?, blake3: row.text()? })
}

async fn insert(
    tx: &mut WriteTx,
    rows: &[(&String, i64)],
    state: i64,
    writer: &str,
    now_ms: i64,
) -> Result<()> {
    for part in rows.chunks(ROWS_A_STATEMENT) {
        let sql = format!(
            "INSERT INTO stored_files (cid, store_key, state, writer, since, filestore) VALUES {}",
            vec!["(?, ?, ?, ?, ?, ?)"; part.len()].join(", ")
        );
        let mut values = Vec::with_capacity(part.len() * 6);
        for (key, filestore) in part {
            values.extend(args![tx.context, *key, state, writer, now_ms, *filestore]);
        }
        tx.execute("stored_files", sql, values).await?;
    }
    Ok(())
}

/// Reserves keys for content that `writer` (a node's incarnation) is going to write, in the file store that is returned: the
/// only one where a content may get a name now.
pub async fn reserve(tx: &mut WriteTx, keys: &[String], writer: &str, now_ms: i64) -> Result<i64> {
    let filestore = tx.filestores().home;
    let rows: Vec<_> = keys.iter().map(|key| (key, filestore)).collect();
    insert(tx, &rows, RESERVED, writer, now_ms).await?;
    Ok(filestore)
}

/// How many reservations are for content in this file store: uploads that may still write there.
pub async fn reserved_in(tx: &mut Tx, filestore: i64) -> Result<u64> {
    tx.need_everything().await?;
    let sql = "SELECT COUNT(*) FROM stored_files WHERE cid = ? AND state = ? AND filestore = ?";
    let values = args![tx.context, RESERVED, filestore];
    tx.query_one("stored_files", sql, values).await?.map_or(Ok(0), |mut row| row.uint())
}

/// A key under which a node may be writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The key.
    pub key: String,
    /// The file store it is for.
    pub filestore: i64,
    /// The incarnation of the node.
    pub writer: String,
}

/// All reservations.
pub async fn reservations(tx: &mut Tx) -> Result<Vec<Reservation>> {
    tx.need_everything().await?;
    let sql = "SELECT store_key, filestore, writer FROM stored_files WHERE cid = ? AND state = ?";
    let rows = tx.query("stored_files", sql, args![tx.context, RESERVED]).await?;
    let reservation =
        |mut row: Row| Ok(Reservation { key: row.text()?, filestore: row.int()?, writer: row.text()? });
    rows.into_iter().map(reservation).collect()
}

/// Gives a reservation up because its content now has a name. `false`: a sweeper has doomed it meanwhile, so
/// the content may be gone and must not get a name.
pub async fn release(tx: &mut WriteTx, key: &str) -> Result<bool> {
    let sql = "DELETE FROM stored_files WHERE cid = ? AND store_key = ? AND state = ?";
    Ok(tx.execute("stored_files", sql, args![tx.context, key, RESERVED]).await? > 0)
}

/// Says that content without a name is to be removed.
pub async fn doom(tx: &mut WriteTx, keys: &[String], now_ms: i64) -> Result<()> {
    let rows: Vec<_> = keys.iter().map(|key| (key, 0)).collect();
    insert(tx, &rows, DOOMED, "", now_ms).await
}

/// Dooms the reservations of dead writers: those not in `alive`, and older than `before`.
pub async fn doom_abandoned(tx: &mut WriteTx, alive: &[String], before: i64) -> Result<u64> {
    let sql = format!(
        "UPDATE stored_files SET state = ?, writer = '' WHERE cid = ? AND state = ? AND since < ? \
         AND writer NOT IN ({})",
        if alive.is_empty() { "''".to_owned() } else { marks(alive.len()) }
    );
    let mut values = args![DOOMED, tx.context, RESERVED, before];
    values.extend(alive.iter().map(Value::from));
    tx.execute("stored_files", sql, values).await
}

/// How many reservations [`doom_abandoned`] would doom.
pub async fn abandoned_count(tx: &mut Tx, alive: &[String], before: i64) -> Result<u64> {
    tx.need_everything().await?;
    let sql = format!(
        "SELECT COUNT(*) FROM stored_files WHERE cid = ? AND state = ? AND since < ? AND writer NOT IN ({})",
        if alive.is_empty() { "''".to_owned() } else { marks(alive.len()) }
    );
    let mut values = args![tx.context, RESERVED, before];
    values.extend(alive.iter().map(Value::from));
    tx.query_one("stored_files", sql, values).await?.map_or(Ok(0), |mut row| row.uint())
}

/// The contexts at home in the whole schema that have keys to sweep: doomed ones, or reservations that [`doom_abandoned`] would doom.
/// However many contexts there are, this is one statement over a table of what has no name at the moment.
pub async fn to_sweep_in_schema(tx: &mut Tx, alive: &[String], before: i64) -> Result<Vec<ContextId>> {
    tx.need_everything().await?;
    let sql = format!(
        "SELECT DISTINCT f.cid FROM stored_files f JOIN homes h ON h.cid = f.cid AND h.state = 0 \
         WHERE f.state = ? OR (f.state = ? AND f.since < ? AND f.writer NOT IN ({}))",
        if alive.is_empty() { "''".to_owned() } else { marks(alive.len()) }
    );
    let mut values = args![DOOMED, RESERVED, before];
    values.extend(alive.iter().map(Value::from));
    let rows = tx.query("stored_files", sql, values).await?;
    rows.into_iter().map(|mut row| row.context()).collect()
}

/// Dooms keys of this node whose uploads came to nothing. One that has got its name after all (the answer to the commit
/// was lost) stays. One that is not in the ledger any more, because a sweeper took this node for dead and forgot the key
/// before its content was written, comes back as doomed.
pub async fn doom_unnamed(tx: &mut WriteTx, files: &[StoredFile], now_ms: i64) -> Result<()> {
    for part in files.chunks(ROWS_A_STATEMENT) {
        // Also waits for a commit that is still under way: it has the row.
        let sql = format!(
            "UPDATE stored_files SET state = ?, writer = '' WHERE cid = ? AND state = ? AND store_key IN ({})",
            marks(part.len())
        );
        let mut values = args![DOOMED, tx.context, RESERVED];
        values.extend(part.iter().map(|file| Value::from(&file.key)));
        tx.execute("stored_files", sql, values).await?;
        let keys: Vec<String> = part.iter().map(|file| file.key.clone()).collect();
        let known = known(tx, &keys).await?;
        let lost = part.iter().filter(|file| !known.contains(&file.key));
        let lost: Vec<_> = lost.map(|file| (&file.key, file.filestore)).collect();
        insert(tx, &lost, DOOMED, "", now_ms).await?;
    }
    Ok(())
}

/// Which of these keys a row knows: one of the ledger or a file version.
pub async fn known(tx: &mut Tx, keys: &[String]) -> Result<HashSet<String>> {
    tx.need_everything().await?;
    let mut found = HashSet::new();
    for part in keys.chunks(ROWS_A_STATEMENT) {
        let list = marks(part.len());
        let sql = format!(
            "SELECT store_key FROM stored_files WHERE cid = ? AND store_key IN ({list}) \
             UNION ALL SELECT store_key FROM file_versions WHERE cid = ? AND store_key IN ({list})"
        );
        let mut values = args![tx.context];
        values.extend(part.iter().map(Value::from));
        values.push(tx.context.into());
        values.extend(part.iter().map(Value::from));
        for mut row in tx.query("stored_files", sql, values).await? {
            found.insert(row.text()?);
        }
    }
    Ok(found)
}

/// Up to `limit` keys whose content is to be removed.
pub async fn doomed(tx: &mut Tx, limit: u32) -> Result<Vec<StoredFile>> {
    tx.need_everything().await?;
    let sql = "SELECT store_key, filestore FROM stored_files WHERE cid = ? AND state = ? LIMIT ?";
    let rows = tx.query("stored_files", sql, args![tx.context, DOOMED, limit]).await?;
    rows.into_iter().map(|mut row| Ok(StoredFile { key: row.text()?, filestore: row.int()? })).collect()
}

/// Forgets doomed keys whose content is gone.
pub async fn forget(tx: &mut WriteTx, keys: &[String]) -> Result<()> {
    let sql = format!(
        "DELETE FROM stored_files WHERE cid = ? AND state = ? AND store_key IN ({})",
        marks(keys.len())
    );
    let mut values = args![tx.context, DOOMED];
    values.extend(keys.iter().map(Value::from));
    tx.execute("stored_files", sql, values).await.map(drop)
}

/// Every key of the ledger, for the consistency check.
pub async fn all(tx: &mut Tx) -> Result<Vec<String>> {
    tx.need_everything().await?;
    let sql = "SELECT store_key FROM stored_files WHERE cid = ?";
    let rows = tx.query("stored_files", sql, args![tx.context]).await?;
    rows.into_iter().map(|mut row| row.text()).collect()
}

/// Those of these keys that a file version names.
pub async fn still_named(tx: &mut Tx, keys: &[String]) -> Result<Vec<NamedContent>> {
    tx.need_everything().await?;
    let mut found = Vec::new();
    for part in keys.chunks(ROWS_A_STATEMENT) {
        let sql = format!("{NAMED} AND store_key IN ({})", marks(part.len()));
        let mut values = args![tx.context];
        values.extend(part.iter().map(Value::from));
        for row in tx.query("file_versions", sql, values).await? {
            found.push(named_content(row)?);
        }
    }
    Ok(found)
}

/// Up to `limit` keys that file versions name, in their order, from the one behind `after`; an empty text is before all.
pub async fn named_behind(tx: &mut Tx, after: &str, limit: u32) -> Result<Vec<NamedContent>> {
    tx.need_everything().await?;
    let sql = format!("{NAMED} AND store_key > ? ORDER BY store_key LIMIT ?");
    let rows = tx.query("file_versions", sql, args![tx.context, after, limit]).await?;
    rows.into_iter().map(named_content).collect()
}

/// Every key that a file version names, with the bytes it should have, for the consistency check.
pub async fn named(tx: &mut Tx) -> Result<Vec<(String, u64)>> {
    tx.need_everything().await?;
    let sql = "SELECT store_key, size FROM file_versions WHERE cid = ?";
    let rows = tx.query("file_versions", sql, args![tx.context]).await?;
    rows.into_iter().map(|mut row| Ok((row.text()?, row.uint()?))).collect()
}
