//! `createreason`, `listreason`, `deletereason`: why contexts are disabled.

use serde::{Deserialize, Serialize};
use zebu_model::account;
use zebu_store::configdb::reasons;

use super::error::{Denied, Result, field};
use super::{fits, servers};
use crate::app::App;
use crate::settle::until_settled;

/// A reason in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Its id.
    pub id: i64,
    /// The operator's words.
    pub text: String,
}

/// Keeps a reason; returns its id.
pub async fn create(app: &App, text: &str) -> Result<i64> {
    field("reason", account::registered(text))?;
    until_settled!(attempt(app, text).await)
}

async fn attempt(app: &App, text: &str) -> Result<i64> {
    let mut tx = app.store.config_write().await?;
    let id = reasons::insert(&mut tx, text).await?;
    tx.commit().await?;
    Ok(id)
}

/// The reasons whose text or id a pattern fits, by id.
pub async fn list(app: &App, pattern: &str) -> Result<Vec<Reason>> {
    let mut tx = app.store.config().await?;
    let all = reasons::all(&mut tx).await?;
    let fitting = all.into_iter().filter(|r| fits(pattern, &[&r.text, &r.id.to_string()]));
    Ok(fitting.map(|r| Reason { id: r.id, text: r.text }).collect())
}

/// Forgets a reason that no context is disabled for.
pub async fn delete(app: &App, id: i64) -> Result<()> {
    until_settled!(forget(app, id).await)
}

async fn forget(app: &App, id: i64) -> Result<()> {
    let mut tx = servers::hold(app).await?;
    let contexts = reasons::contexts(&mut tx, id).await?;
    if contexts > 0 {
        return Err(Denied::ReasonInUse { id, contexts }.into());
    }
    if !reasons::delete(&mut tx, id).await? {
        return Err(Denied::ReasonUnknown { id }.into());
    }
    Ok(tx.commit().await?)
}
