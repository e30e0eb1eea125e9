//! `jobcontrol`, `deletecontext`, `movecontextdatabase`, `movecontextfilestore`: jobs as the operator asks for them and sees them. The work itself is
//! `crate::jobs`'.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use zebu_model::ContextId;
use zebu_store::configdb::jobs::{Job, State};

use super::databases;
use super::error::{Denied, Result};
use super::{Named, contexts};
use crate::app::App;
use crate::jobs::{self, delete_context, move_database, move_filestore};

/// Between two looks at a job that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A job in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its id.
    pub id: i64,
    /// What is to be done: the command that asked for it.
    pub kind: String,
    /// With which context.
    pub context: ContextId,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    pub state: &'static str,
    /// How far it is, in the kind's own words.
    pub step: String,
    /// Units of the step that are done.
    pub done: u64,
    /// Units of the step; 0 if nobody knows.
    pub all: u64,
    /// What there is to say of it.
    pub message: String,
    /// When it was asked for, ms since the epoch.
    pub created: i64,
    /// When it was over, ms since the epoch; 0 before.
    pub finished: i64,
}

fn row(job: Job) -> JobRow {
    JobRow {
        id: job.id,
        kind: job.kind,
        context: job.context,
        state: match job.state {
            State::Waiting => "waiting",
            State::Running => "running",
            State::Done => "done",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
        },
        step: job.step,
        done: job.done,
        all: job.all,
        message: job.message,
        created: job.created,
        finished: job.finished,
    }
}

/// All jobs, by id.
pub async fn list(app: &App) -> Result<Vec<JobRow>> {
    Ok(jobs::list(app).await?.into_iter().map(row).collect())
}

/// One job.
pub async fn get(app: &App, id: i64) -> Result<JobRow> {
    Ok(jobs::get(app, id).await?.map(row).ok_or(Denied::JobUnknown { id })?)
}

/// Asks that a job be called off.
pub async fn cancel(app: &App, id: i64) -> Result<()> {
    if jobs::cancel(app, id).await? { Ok(()) } else { Err(Denied::JobOver { id }.into()) }
}

/// Forgets a job that is over.
pub async fn forget(app: &App, id: i64) -> Result<()> {
    if jobs::forget(app, id).await? { Ok(()) } else { Err(Denied::JobNotOver { id }.into()) }
}

/// Forgets all jobs that are over. Returns how many.
pub async fn forget_all(app: &App) -> Result<u64> {
    Ok(jobs::forget_all(app).await?)
}

/// Waits for the end of a job, but no longer than `patience`.
pub async fn wait(app: &App, id: i64, patience: Duration) -> Result<JobRow> {
    let begun = Instant::now();
    loop {
        let job = get(app, id).await?;
        if !matches!(job.state, "waiting" | "running") || begun.elapsed() >= patience {
            return Ok(job);
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Asks that a context be deleted with everything in it. Nobody can use it from then on. Returns its id and the job's.
pub async fn delete_context(app: &App, which: &Named<ContextId>) -> Result<(ContextId, i64)> {
    let id = contexts::id_of(app, which).await?;
    Ok((id, delete_context::order(app, id).await?))
}

/// Asks that a context be moved to another master, while its users go on working. Returns the context's id, the master's and the
/// job's.
pub async fn move_database(
    app: &App,
    which: &Named<ContextId>,
    to: &Named<i64>,
) -> Result<(ContextId, i64, i64)> {
    let id = contexts::id_of(app, which).await?;
    let database = databases::id_of(app, to).await?;
    Ok((id, database, move_database::order(app, id, database).await?))
}

/// Asks that a context's contents be moved to another file store, while its users go on working. Asked again, the answer is the
/// same. Returns the context's id and the job's.
pub async fn move_filestore(app: &App, which: &Named<ContextId>, to: i64) -> Result<(ContextId, i64)> {
    let id = contexts::id_of(app, which).await?;
    Ok((id, move_filestore::order(app, id, to).await?))
}
