//! Homes: the file folders below "Userstore", one a user. What is in one is its owner's, however deep, and shared with
//! everybody else who sees it. `folders` and `listings` ask here before they hand folders out.

use std::collections::HashSet;

use zebu_model::access::Flag;
use zebu_model::folder::{Module, Type, fixed};
use zebu_model::rights::Membership;
use zebu_model::tree::{Granted, Withheld};
use zebu_model::{FolderId, Scope, UserId};

use crate::error::Result;
use crate::statement::marks;
use crate::tx::Tx;
use crate::value::{Value, args};

/// Folders that one statement names: far below the placeholders an engine takes.
const FOLDERS_A_STATEMENT: usize = 1_000;

/// Withholds what is in other people's homes from somebody who may not see what others share. For everybody else nothing
/// is asked.
pub(super) async fn withhold(tx: &mut Tx, who: &Membership, mut folders: Vec<&mut Granted>) -> Result<()> {
    if who.access.has(Flag::ReadCreateSharedFolders) {
        return Ok(());
    }
    folders.retain(|granted| {
        let folder = &granted.folder;
        granted.bits.sees() && folder.module == Module::Infostore && folder.kind == Type::Public
    });
    let ids: Vec<FolderId> = folders.iter().map(|granted| granted.folder.id).collect();
    let mut others = HashSet::new();
    for part in ids.chunks(FOLDERS_A_STATEMENT) {
        others.extend(in_homes_of_others(tx, who.user, part).await?);
    }
    for granted in folders.into_iter().filter(|granted| others.contains(&granted.folder.id)) {
        *granted = granted.clone().withhold(Withheld::Shared);
    }
    Ok(())
}

/// Which of these folders are other people's homes, or in one.
async fn in_homes_of_others(tx: &mut Tx, user: UserId, ids: &[FolderId]) -> Result<Vec<FolderId>> {
    tx.need(&[Scope::Tree]).await?;
    let sql = format!(
        "WITH RECURSIVE up (start, id, parent, depth) AS (SELECT id, id, parent, 0 FROM folders WHERE cid = ? \
         AND id IN ({}) UNION ALL SELECT up.start, f.id, f.parent, up.depth + 1 FROM up JOIN folders f \
         ON f.cid = ? AND f.id = up.parent WHERE up.depth < 200) \
         SELECT up.start FROM up JOIN folders f ON f.cid = ? AND f.id = up.id \
         WHERE up.parent = ? AND f.created_by <> ?",
        marks(ids.len())
    );
    let mut values = args![tx.context];
    values.extend(ids.iter().map(|id| Value::from(*id)));
    values.extend(args![tx.context, tx.context, fixed::USERSTORE, user]);
    let rows = tx.query("folders", sql, values).await?;
    rows.into_iter().map(|mut row| row.folder()).collect()
}
