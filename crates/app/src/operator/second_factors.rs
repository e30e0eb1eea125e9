//! `resetsecondfactor`: for users who lost what they prove themselves with.

use zebu_model::{ContextId, UserId};

use super::error::Result;
use super::users::find;
use super::{Named, place};
use crate::app::App;
use crate::sessions::second_factor;
use crate::settle::until_settled;

/// Takes a user's second factor away, with the recovery codes; holds on every node when it returns. Whether there was one is
/// returned with the user's id.
pub async fn reset(app: &App, context: ContextId, which: &Named<UserId>) -> Result<(UserId, bool)> {
    let place = place(app, context).await?;
    let id = {
        let mut tx = app.read(&place).await?;
        find(&mut tx, which).await?.id
    };
    let was_there = until_settled!(second_factor::delete(app, &place, id).await)?;
    tracing::info!("Second factor taken away by an operator. Context: {context}, User: {id}");
    Ok((id, was_there))
}
