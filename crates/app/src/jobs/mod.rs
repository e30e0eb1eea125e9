//! Jobs: long work on a context, as rows in configdb that any process may take up, go on with and finish.
//!
//! [`worker`] takes jobs up; each kind is a file or folder here. A kind's work is cut into steps that can be done again from
//! their beginning: whoever takes a job up reads how far it is and goes on from there. Nothing here must ever rely on
//! what a process remembers of a job, nor write to a context's rows without holding its home under the job's epoch.

pub mod delete_context;
pub mod delete_user;
mod hold;
pub mod move_database;
pub mod move_filestore;
mod pass;
mod rows;
mod worker;

use serde::Deserialize;
use zebu_model::ContextId;
use zebu_store::configdb::jobs::{self, Job};

use crate::app::App;
use crate::error::{Error, Result};

pub use worker::{start, work};

/// `[jobs]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobConfig {
    /// Jobs that are worked on at one time in the whole deployment. Default 2.
    pub concurrent: usize,
    /// How long what a moved context left behind is kept, ms: longer than any request or pause of a node that may still
    /// read it. Default 10 minutes.
    pub keep_ms: i64,
}

impl Default for JobConfig {
    fn default() -> Self {
        JobConfig { concurrent: 2, keep_ms: 600_000 }
    }
}

/// All jobs, by id.
pub async fn list(app: &App) -> Result<Vec<Job>> {
    let mut tx = app.store.config().await?;
    Ok(jobs::all(&mut tx).await?)
}

/// One job.
pub async fn get(app: &App, id: i64) -> Result<Option<Job>> {
    let mut tx = app.store.config().await?;
    Ok(jobs::by_id(&mut tx, id).await?)
}

/// Asks that a job be called off; whoever works on it undoes what it did. Returns whether there is one that is not over. One
/// that has passed the point of no return is done all the same, and says so.
pub async fn cancel(app: &App, id: i64) -> Result<bool> {
    let mut tx = app.store.config_write().await?;
    let found = jobs::ask_to_cancel(&mut tx, id).await?;
    tx.commit().await?;
    app.jobs.notify_waiters();
    Ok(found)
}

/// Forgets a job that is over. Returns whether there was one.
pub async fn forget(app: &App, id: i64) -> Result<bool> {
    let mut tx = app.store.config_write().await?;
    let found = jobs::forget(&mut tx, id).await?;
    tx.commit().await?;
    Ok(found)
}

/// Forgets all jobs that are over. Returns how many.
pub async fn forget_all(app: &App) -> Result<u64> {
    let mut tx = app.store.config_write().await?;
    let count = jobs::forget_all(&mut tx).await?;
    tx.commit().await?;
    Ok(count)
}

/// Enters a job.
async fn enter(app: &App, kind: &str, context: ContextId, arguments: &impl serde::Serialize) -> Result<i64> {
    let text = to_json(arguments)?;
    let mut tx = app.store.config_write().await?;
    let id = jobs::insert(&mut tx, kind, context, &text, app.now_ms()).await?;
    tx.commit().await?;
    app.jobs.notify_waiters();
    Ok(id)
}

fn to_json(arguments: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(arguments).map_err(|e| Error::Internal(format!("arguments of a job: {e}")))
}

fn of_json<T: serde::de::DeserializeOwned>(job: &Job) -> Result<T> {
    serde_json::from_str(&job.arguments)
        .map_err(|e| Error::Internal(format!("arguments of job {}: {e}", job.id)))
}
