//! An operator's own work on a user's behalf: sample data, a test's people.

use zebu_model::ContextId;
use zebu_store::configdb::contexts as registry;
use zebu_store::shard::principals;

use super::super::error::{Denied, Result};
use crate::app::App;
use crate::caller::Caller;

/// A user as a caller. No session is made.
pub async fn act_as(app: &App, context: ContextId, login: &str) -> Result<Caller> {
    let place = {
        let mut tx = app.store.config().await?;
        registry::ready(&mut tx, context).await?
    };
    let place = place.ok_or_else(|| Denied::ContextUnknown { context: context.to_string() })?;
    let mut tx = app.read(&place).await?;
    let found = principals::credential(&mut tx, login).await?;
    let found = found.ok_or_else(|| Denied::UserUnknown { user: login.to_owned() })?;
    drop(tx);
    Ok(Caller {
        place,
        who: found.who,
        login: login.to_owned(),
        locale: found.locale,
        session: None,
        needs: &[],
    })
}
