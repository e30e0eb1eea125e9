//! The attributes that an operator gives a context as a whole.

use std::collections::BTreeMap;

use zebu_model::Scope;

use crate::error::Result;
use crate::tx::{Tx, WriteTx};
use crate::value::args;

/// The attributes of the context.
pub async fn attributes(tx: &mut Tx) -> Result<BTreeMap<String, String>> {
    tx.need_everything().await?;
    let sql = "SELECT name, value FROM context_attributes WHERE cid = ?";
    let rows = tx.query("context_attributes", sql, args![tx.context]).await?;
    rows.into_iter().map(|mut row| Ok((row.text()?, row.text()?))).collect()
}

/// Sets an attribute of the context.
pub async fn set_attribute(tx: &mut WriteTx, name: &str, value: &str) -> Result<()> {
    tx.touch(Scope::Principals)?;
    let sql = "UPDATE context_attributes SET value = ? WHERE cid = ? AND name = ?";
    if tx.execute("context_attributes", sql, args![value, tx.context, name]).await? > 0 {
        return Ok(());
    }
    let sql = "INSERT INTO context_attributes (cid, name, value) VALUES (?, ?, ?)";
    tx.execute("context_attributes", sql, args![tx.context, name, value]).await.map(drop)
}

/// Takes an attribute of the context away.
pub async fn delete_attribute(tx: &mut WriteTx, name: &str) -> Result<()> {
    tx.touch(Scope::Principals)?;
    let sql = "DELETE FROM context_attributes WHERE cid = ? AND name = ?";
    tx.execute("context_attributes", sql, args![tx.context, name]).await.map(drop)
}
