//! The scopes that a context has written to.

use zebu_model::{Scope, Version};

use crate::error::{Error, Result};
use crate::tx::Tx;
use crate::value::args;

/// All of them with their versions.
pub async fn all(tx: &mut Tx) -> Result<Vec<(Scope, Version)>> {
    tx.need_everything().await?;
    let sql = "SELECT kind, id, version FROM scopes WHERE cid = ?";
    let rows = tx.query("scopes", sql, args![tx.context]).await?;
    let read = |mut row: crate::value::Row| {
        let (kind, id) = (row.int()?, row.int()?);
        let unknown = || Error::Corrupt { table: "scopes", detail: format!("no scope is {kind}, {id}") };
        Ok((Scope::of_key(kind, id).ok_or_else(unknown)?, row.version()?))
    };
    rows.into_iter().map(read).collect()
}
