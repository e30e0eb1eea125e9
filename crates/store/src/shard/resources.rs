//! What can be booked: rooms, beamers, cars.

use zebu_model::Scope;

use crate::error::Result;
use crate::tx::{Tx, WriteTx};
use crate::value::{Row, args};

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Unique in the context.
    pub id: u32,
    /// Short name, unique in the context.
    pub name: String,
    /// The name people see.
    pub display_name: String,
    /// Its address, unique in the context.
    pub email: String,
    /// Free text.
    pub description: String,
    /// Whether it can be booked.
    pub available: bool,
}

const RESOURCE: &str = "SELECT id, name, display_name, email, description, available FROM resources";

fn resource(mut row: Row) -> Result<Resource> {
    Ok(Resource {
        id: row.uint()?,
        name: row.text()?,
        display_name: row.text()?,
        email: row.text()?,
        description: row.text()?,
        available: row.flag()?,
    })
}

/// All resources, by id.
pub async fn all(tx: &mut Tx) -> Result<Vec<Resource>> {
    tx.need(&[Scope::Principals]).await?;
    let rows =
        tx.query("resources", format!("{RESOURCE} WHERE cid = ? ORDER BY id"), args![tx.context]).await?;
    rows.into_iter().map(resource).collect()
}

/// One resource.
pub async fn by_id(tx: &mut Tx, id: u32) -> Result<Option<Resource>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = format!("{RESOURCE} WHERE cid = ? AND id = ?");
    tx.query_one("resources", sql, args![tx.context, id]).await?.map(resource).transpose()
}

/// One resource by its name.
pub async fn by_name(tx: &mut Tx, name: &str) -> Result<Option<Resource>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = format!("{RESOURCE} WHERE cid = ? AND name = ?");
    tx.query_one("resources", sql, args![tx.context, name]).await?.map(resource).transpose()
}

/// One resource by its address.
pub async fn by_email(tx: &mut Tx, email: &str) -> Result<Option<Resource>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = format!("{RESOURCE} WHERE cid = ? AND email = ?");
    tx.query_one("resources", sql, args![tx.context, email]).await?.map(resource).transpose()
}

/// Creates a resource.
pub async fn insert(tx: &mut WriteTx, r: &Resource) -> Result<()> {
    let stamp = tx.touch(Scope::Principals)?;
    tx.execute(
        "resources",
        "INSERT INTO resources (cid, id, name, display_name, email, description, available, modified) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        args![tx.context, r.id, &r.name, &r.display_name, &r.email, &r.description, r.available, stamp],
    )
    .await
    .map(drop)
}

/// Changes a resource.
pub async fn update(tx: &mut WriteTx, r: &Resource) -> Result<()> {
    let stamp = tx.touch(Scope::Principals)?;
    tx.execute(
        "resources",
        "UPDATE resources SET name = ?, display_name = ?, email = ?, description = ?, available = ?, modified = ? \
         WHERE cid = ? AND id = ?",
        args![&r.name, &r.display_name, &r.email, &r.description, r.available, stamp, tx.context, r.id],
    )
    .await
    .map(drop)
}

/// Deletes a resource.
pub async fn delete(tx: &mut WriteTx, id: u32) -> Result<()> {
    tx.touch(Scope::Principals)?;
    tx.execute("resources", "DELETE FROM resources WHERE cid = ? AND id = ?", args![tx.context, id])
        .await
        .map(drop)
}
