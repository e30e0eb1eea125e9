//! The end of a deletion: the account goes if nothing names it any more.

use zebu_model::{Scope, UserId};
use zebu_store::Plan;
use zebu_store::shard::{accounts, estate};

use super::Run;
use crate::error::Result;
use crate::settle::until_settled;

/// Whether there is such a user.
pub(super) async fn is_there(run: &Run<'_>, user: UserId) -> Result<bool> {
    let mut tx = run.app().read(&run.place).await?;
    Ok(accounts::by_id(&mut tx, user).await?.is_some())
}

/// Forgets the user. Returns whether it is gone; if not, something names it again.
pub(super) async fn last(run: &Run<'_>) -> Result<bool> {
    until_settled!(attempt(run).await)
}

async fn attempt(run: &Run<'_>) -> Result<bool> {
    let user = run.user();
    // Looked at without holding anybody up. Only the user itself could leave more of these, and only if it was enabled since:
    // then the principals have changed, and this starts over.
    let principals = {
        let mut tx = run.app().read(&run.place).await?;
        let Some(account) = accounts::by_id(&mut tx, user).await? else { return Ok(true) };
        if account.enabled || estate::is_left(&mut tx, user).await? {
            return Ok(false);
        }
        tx.version(Scope::Principals).await?
    };
    let plan = Plan::changing([Scope::Principals, Scope::Tree, Scope::Sessions(user)]);
    let mut tx = run.app().write(&run.place, plan.relying(Scope::Principals, principals)).await?;
    // Others may have given it a permission: that changes the tree, which stands still now.
    if !estate::permitted(&mut tx, user, 1).await?.is_empty() {
        return Ok(false);
    }
    estate::forget(&mut tx, user).await?;
    tx.commit().await?;
    Ok(true)
}
