//! The file stores that contexts are put on.

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::configdb::sequence::next_id;
use crate::error::Result;
use crate::value::{Row, args};

/// A file store as registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filestore {
    /// Its id.
    pub id: i64,
    /// Its URL, unique in the deployment.
    pub url: String,
    /// What all contexts in it may use together, bytes.
    pub size: i64,
    /// How many contexts it takes.
    pub contexts_max: i64,
    /// How many it has.
    pub contexts: i64,
}

const FILESTORE: &str = "SELECT id, url, size, contexts_max, contexts FROM filestores";

fn filestore(mut row: Row) -> Result<Filestore> {
    Ok(Filestore {
        id: row.int()?,
        url: row.text()?,
        size: row.int()?,
        contexts_max: row.int()?,
        contexts: row.int()?,
    })
}

/// All file stores, by id.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<Filestore>> {
    let rows = tx.query("filestores", format!("{FILESTORE} ORDER BY id"), args![]).await?;
    rows.into_iter().map(filestore).collect()
}

/// One file store.
pub async fn by_id(tx: &mut ConfigTx, id: i64) -> Result<Option<Filestore>> {
    let rows = tx.query("filestores", format!("{FILESTORE} WHERE id = ?"), args![id]).await?;
    rows.into_iter().next().map(filestore).transpose()
}

/// One file store by its URL.
pub async fn by_url(tx: &mut ConfigTx, url: &str) -> Result<Option<Filestore>> {
    let rows = tx.query("filestores", format!("{FILESTORE} WHERE url = ?"), args![url]).await?;
    rows.into_iter().next().map(filestore).transpose()
}

/// Registers a file store without contexts; its `id` is ignored, the new one is returned. [`crate::Error::Duplicate`] if the
/// URL is taken.
pub async fn insert(tx: &mut ConfigWriteTx, new: &Filestore) -> Result<i64> {
    let id = next_id(tx).await?;
    let sql = "INSERT INTO filestores (id, url, size, contexts_max, contexts) VALUES (?, ?, ?, ?, 0)";
    tx.execute("filestores", sql, args![id, &new.url, new.size, new.contexts_max]).await?;
    Ok(id)
}

/// Changes what a file store is; how many contexts it has stays.
pub async fn update(tx: &mut ConfigWriteTx, store: &Filestore) -> Result<()> {
    let sql = "UPDATE filestores SET url = ?, size = ?, contexts_max = ? WHERE id = ?";
    let values = args![&store.url, store.size, store.contexts_max, store.id];
    tx.execute("filestores", sql, values).await.map(drop)
}

/// Forgets a file store if no context is in it. Returns whether it did.
pub async fn delete_empty(tx: &mut ConfigWriteTx, id: i64) -> Result<bool> {
    let sql = "DELETE FROM filestores WHERE id = ? AND contexts = 0";
    Ok(tx.execute("filestores", sql, args![id]).await? > 0)
}

/// Counts contexts that came to a file store, or left it if negative.
pub async fn count_contexts(tx: &mut ConfigWriteTx, id: i64, more: i64) -> Result<()> {
    let sql = "UPDATE filestores SET contexts = contexts + ? WHERE id = ?";
    tx.execute_unheard("filestores", sql, args![more, id]).await.map(drop)
}
