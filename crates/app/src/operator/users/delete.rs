//! `deleteuser`. When this returns nobody can sign in or go on as the user, on any node; the rest is done by a job. The work
//! itself is `crate::jobs::delete_user`'s.

use zebu_model::estate::Wish;
use zebu_model::{ContextId, UserId};

use super::super::error::{Denied, Error, Result};
use super::super::{Named, place};
use super::find;
use crate::app::App;
use crate::jobs::delete_user::{self, Asked};

/// What becomes of what a user leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estate {
    /// What others may have a use for is handed over to this user, or to the context's administrator; the rest goes.
    HandedOver(Option<UserId>),
    /// What is the user's goes.
    Deleted,
}

/// Asks that a user be deleted. Returns the id and the job's. `None`: there is no such user, and `if_exists` says that this is
/// no error.
pub async fn delete(
    app: &App,
    context: ContextId,
    which: &Named<UserId>,
    estate: Estate,
    if_exists: bool,
) -> Result<Option<(UserId, i64)>> {
    let place = place(app, context).await?;
    let asked = {
        let mut tx = app.read(&place).await?;
        let account = match find(&mut tx, which).await {
            Err(Error::Denied(Denied::UserUnknown { .. })) if if_exists => return Ok(None),
            found => found?,
        };
        let user = account.id;
        if user == UserId::ADMIN {
            return Err(Denied::AdminStays { what: "deleted" }.into());
        }
        let (heir, wish) = match estate {
            Estate::HandedOver(heir) => (heir.unwrap_or(UserId::ADMIN), Wish::HandOver),
            Estate::Deleted => (UserId::ADMIN, Wish::Delete),
        };
        if heir == user {
            return Err(Denied::HeirInvalid { user: user.to_string() }.into());
        }
        find(&mut tx, &Named::Id(heir)).await?;
        Asked { user, heir, wish, was_enabled: account.enabled }
    };
    let job = delete_user::order(app, &place, asked).await?;
    Ok(Some((asked.user, job)))
}
