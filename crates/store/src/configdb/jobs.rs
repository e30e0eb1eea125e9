//! Long work on contexts: what is to be done, who is at it, how far it is.
//!
//! Whoever takes a job up gets an epoch. Everything a worker writes of a job names it: a worker that slept while another
//! took its job up matches nothing any more.

use zebu_model::ContextId;

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::configdb::sequence::next_id;
use crate::error::Result;
use crate::value::{Row, args};

/// Whether a job is over, and how. A number is what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody is at it: it is new, or waits for its time.
    Waiting = 0,
    /// Somebody is at it.
    Running = 1,
    /// All of it is done.
    Done = 2,
    /// It cannot be done; the message says why. Everything is as before, or as the message says.
    Failed = 3,
    /// Somebody called it off, and everything is as before.
    Cancelled = 4,
}

impl State {
    const ALL: [State; 5] = [State::Waiting, State::Running, State::Done, State::Failed, State::Cancelled];

    /// Whether nobody will be at it any more.
    #[must_use]
    pub fn is_over(self) -> bool {
        !matches!(self, State::Waiting | State::Running)
    }
}

/// A job as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: i64,
    /// What is to be done.
    pub kind: String,
    /// With which context.
    pub context: ContextId,
    /// JSON, the kind's own.
    pub arguments: String,
    /// Whether it is over.
    pub state: State,
    /// How far it is, in the kind's own words; empty before the first step.
    pub step: String,
    /// How many of `all` units of the step are done.
    pub done: u64,
    /// Units of the step; 0 if nobody knows.
    pub all: u64,
    /// What there is to say of it: why it failed, what it waits for.
    pub message: String,
    /// Whether it is to be called off.
    pub cancel: bool,
    /// The incarnation that is at it.
    pub owner: String,
    /// When that said so last, ms since the epoch.
    pub seen: i64,
    /// Of who is at it.
    pub epoch: i64,
    /// It waits until then, ms since the epoch.
    pub due: i64,
    /// When it was asked for, ms since the epoch.
    pub created: i64,
    /// When it was over, ms since the epoch; 0 before.
    pub finished: i64,
}

const JOB: &str = "SELECT id, kind, cid, arguments, state, step, done_units, all_units, message, cancel, owner, seen, epoch, \
     due, created, finished FROM jobs";

fn job(mut row: Row) -> Result<Job> {
    let (id, kind, context, arguments) = (row.int()?, row.text()?, row.context()?, row.text()?);
    let number = row.int()?;
    let state = row.known("state of a job", State::ALL.into_iter().find(|s| *s as i64 == number))?;
    Ok(Job {
        id,
        kind,
        context,
        arguments,
        state,
        step: row.text()?,
        done: row.uint()?,
        all: row.uint()?,
        message: row.text()?,
        cancel: row.flag()?,
        owner: row.text()?,
        seen: row.int()?,
        epoch: row.int()?,
        due: row.int()?,
        created: row.int()?,
        finished: row.int()?,
    })
}

/// All jobs, by id.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<Job>> {
    tx.query("jobs", format!("{JOB} ORDER BY id"), args![]).await?.into_iter().map(job).collect()
}

/// One job.
pub async fn by_id(tx: &mut ConfigTx, id: i64) -> Result<Option<Job>> {
    let rows = tx.query("jobs", format!("{JOB} WHERE id = ?"), args![id]).await?;
    rows.into_iter().next().map(job).transpose()
}

/// The jobs that are not over, by id.
pub async fn open(tx: &mut ConfigTx) -> Result<Vec<Job>> {
    let rows = tx.query("jobs", format!("{JOB} WHERE state IN (0, 1) ORDER BY id"), args![]).await?;
    rows.into_iter().map(job).collect()
}

/// Enters a job.
pub async fn insert(
    tx: &mut ConfigWriteTx,
    kind: &str,
    context: ContextId,
    arguments: &str,
    now_ms: i64,
) -> Result<i64> {
    let id = next_id(tx).await?;
    tx.execute(
        "jobs",
        "INSERT INTO jobs (id, kind, cid, arguments, state, step, done_units, all_units, message, cancel, owner, seen, \
         epoch, due, created, finished) VALUES (?, ?, ?, ?, 0, '', 0, 0, '', 0, '', 0, 0, 0, ?, 0)",
        args![id, kind, context, arguments, now_ms],
    )
    .await?;
    Ok(id)
}

/// A new epoch. One transaction at a time gets one, and no other decides meanwhile who takes up what.
pub async fn next_epoch(tx: &mut ConfigWriteTx) -> Result<i64> {
    next_id(tx).await
}

/// Takes a job up.
pub async fn take_up(tx: &mut ConfigWriteTx, id: i64, owner: &str, epoch: i64, now_ms: i64) -> Result<()> {
    let sql = "UPDATE jobs SET state = 1, owner = ?, epoch = ?, seen = ? WHERE id = ? AND state IN (0, 1)";
    tx.execute("jobs", sql, args![owner, epoch, now_ms, id]).await.map(drop)
}

/// Says that the worker of `epoch` is still at it. `None` if it is not its any more; else whether it is to be called off.
pub async fn renew(tx: &mut ConfigWriteTx, id: i64, epoch: i64, now_ms: i64) -> Result<Option<bool>> {
    let sql = "UPDATE jobs SET seen = ? WHERE id = ? AND epoch = ? AND state = 1";
    if tx.execute("jobs", sql, args![now_ms, id, epoch]).await? == 0 {
        return Ok(None);
    }
    Ok(by_id(tx, id).await?.map(|job| job.cancel))
}

/// What a worker writes of its job.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// The step it is at.
    pub step: &'a str,
    /// Units done.
    pub done: u64,
    /// Units there are.
    pub all: u64,
    /// JSON, the kind's own.
    pub arguments: &'a str,
    /// What there is to say.
    pub message: &'a str,
}

/// Writes how far a job is. Returns whether it is still the worker's; if not, its transaction must not be committed.
pub async fn advance(
    tx: &mut ConfigWriteTx,
    id: i64,
    epoch: i64,
    at: &Progress<'_>,
    now_ms: i64,
) -> Result<bool> {
    let sql = "UPDATE jobs SET step = ?, done_units = ?, all_units = ?, arguments = ?, message = ?, seen = ? \
               WHERE id = ? AND epoch = ? AND state = 1";
    let values = args![at.step, at.done, at.all, at.arguments, at.message, now_ms, id, epoch];
    Ok(tx.execute("jobs", sql, values).await? > 0)
}

/// Lays a job down until `due`, or for good. Returns whether it was the worker's.
pub async fn lay_down(
    tx: &mut ConfigWriteTx,
    id: i64,
    epoch: i64,
    state: State,
    message: &str,
    due: i64,
    now_ms: i64,
) -> Result<bool> {
    let sql = "UPDATE jobs SET state = ?, message = ?, due = ?, owner = '', finished = ? \
               WHERE id = ? AND epoch = ? AND state = 1";
    let finished = if state.is_over() { now_ms } else { 0 };
    Ok(tx.execute("jobs", sql, args![state as i64, message, due, finished, id, epoch]).await? > 0)
}

/// Asks that a job be called off. Returns whether there is one that is not over.
pub async fn ask_to_cancel(tx: &mut ConfigWriteTx, id: i64) -> Result<bool> {
    let sql = "UPDATE jobs SET cancel = 1, due = 0 WHERE id = ? AND state IN (0, 1)";
    Ok(tx.execute("jobs", sql, args![id]).await? > 0)
}

/// Forgets a job that is over. Returns whether there was one.
pub async fn forget(tx: &mut ConfigWriteTx, id: i64) -> Result<bool> {
    let sql = "DELETE FROM jobs WHERE id = ? AND state IN (2, 3, 4)";
    Ok(tx.execute("jobs", sql, args![id]).await? > 0)
}

/// Forgets all jobs that are over. Returns how many.
pub async fn forget_all(tx: &mut ConfigWriteTx) -> Result<u64> {
    tx.execute("jobs", "DELETE FROM jobs WHERE state IN (2, 3, 4)", args![]).await
}
