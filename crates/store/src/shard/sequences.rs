//! Ids of folders and files, taken in blocks: a counter row that every insert raised would be the context's one
//! hot row.

use crate::error::{Error, Result};
use crate::tx::WriteTx;
use crate::value::args;

/// What the ids are for. The number is the row's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sequence {
    /// Folders people make; begins above the fixed tree.
    Folders = 1,
    /// Items of the file module.
    Files = 2,
    /// Users, groups and resources; begins behind the standard group, 1, and the administrator, 2.
    Principals = 3,
}

impl Sequence {
    fn first(self) -> i64 {
        match self {
            Sequence::Folders => zebu_model::folder::fixed::FIRST_FREE.into(),
            Sequence::Files => 1,
            Sequence::Principals => i64::from(zebu_model::UserId::ADMIN) + 1,
        }
    }
}

/// Takes `count` ids; returns the first of them. Ids of a block that is never used up are lost: they need not be
/// dense, only unique.
pub async fn take(tx: &mut WriteTx, sequence: Sequence, count: u32) -> Result<u32> {
    let kind = sequence as i64;
    let sql = "UPDATE sequences SET next = next + ? WHERE cid = ? AND kind = ?";
    if tx.execute("sequences", sql, args![count, tx.context, kind]).await? == 0 {
        let sql = "INSERT INTO sequences (cid, kind, next) VALUES (?, ?, ?)";
        let next = sequence.first().saturating_add(count.into());
        let done = tx.execute("sequences", sql, args![tx.context, kind, next]).await;
        done.map_err(Error::of_first_comer)?;
    }
    let sql = "SELECT next - ? FROM sequences WHERE cid = ? AND kind = ?";
    let values = args![count, tx.context, kind];
    let row = tx.query_one("sequences", sql, values).await?;
    row.map_or(Ok(0), |mut row| row.uint())
}
