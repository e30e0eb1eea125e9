//! Takes jobs up and works on them: in every node and every admin daemon, so that no single process is needed.
//!
//! While it works it says so every second. One that is not heard of for some seconds is taken for dead and its job taken
//! up by another: sooner than a request gives up that waits for a context in the middle of its switch.

use std::sync::Arc;
use std::time::Duration;

use zebu_store::configdb::jobs::{self, Job, State};

use super::hold::{Hold, SILENT_MS_MAX, Stop};
use super::{delete_context, delete_user, move_database, move_filestore};
use crate::app::App;
use crate::error::Result;
use crate::settle::until_settled;

/// How often a worker says that it is at a job, ms.
const RENEW_MS: u64 = 1_000;
/// How long a worker that found nothing to do rests, ms.
const REST_MS: u64 = 1_000;
/// After what did not work but may in a moment, ms.
const RETRY_MS: i64 = 2_000;

/// Starts the workers of this process. They end when they are aborted.
pub fn start(app: &Arc<App>) -> Vec<tokio::task::JoinHandle<()>> {
    (0..app.config.jobs.concurrent).map(|_| tokio::spawn(working(Arc::clone(app)))).collect()
}

async fn working(app: Arc<App>) {
    loop {
        let worked = work(&app).await;
        if let Err(error) = &worked {
            tracing::warn!("a job could not be taken up or laid down: {}", error.cause_chain());
        }
        if !worked.unwrap_or(false) {
            let rest = tokio::time::sleep(Duration::from_millis(REST_MS));
            tokio::select! {
                () = app.jobs.notified() => {}
                () = rest => {}
            }
        }
    }
}

/// Takes up one job, if there is one to take up, and works on it until it is over or has to wait. Returns whether there was.
pub async fn work(app: &App) -> Result<bool> {
    let Some((job, epoch)) = until_settled!(take_up(app).await)? else { return Ok(false) };
    let hold = Hold::new(app, &job, epoch);
    let stop = tokio::select! {
        done = run(&hold, &job) => done,
        lost = renewing(&hold) => Err(lost),
    };
    lay_down(&hold, &job, stop).await?;
    Ok(true)
}

async fn run(hold: &Hold<'_>, job: &Job) -> std::result::Result<String, Stop> {
    match job.kind.as_str() {
        move_database::KIND => move_database::run(hold, job).await,
        move_filestore::KIND => move_filestore::run(hold, job).await,
        delete_context::KIND => delete_context::run(hold, job).await,
        delete_user::KIND => delete_user::run(hold, job).await,
        other => Err(Stop::Refused(format!("this program knows no jobs of the kind {other}"))),
    }
}

/// Says again and again that this worker is at it. Ends only when it is not any more.
async fn renewing(hold: &Hold<'_>) -> Stop {
    loop {
        tokio::time::sleep(Duration::from_millis(RENEW_MS)).await;
        match hold.renew().await {
            Err(Stop::Lost) => return Stop::Lost,
            // Whatever it is, it concerns the next write of the job too, and that one is fenced.
            Err(stop) => tracing::warn!("job {} was not renewed: {stop:?}", hold.id),
            Ok(()) => {}
        }
    }
}

async fn lay_down(hold: &Hold<'_>, job: &Job, stop: std::result::Result<String, Stop>) -> Result<()> {
    let now = hold.app.now_ms();
    let (state, message, due) = match stop {
        Ok(message) => (State::Done, message, 0),
        Err(Stop::Lost) => {
            tracing::warn!("job {}: another worker has taken it up", hold.id);
            return Ok(());
        }
        Err(Stop::Cancelled) => (State::Cancelled, "called off".to_owned(), 0),
        Err(Stop::Until(due, message)) => (State::Waiting, message, due),
        Err(Stop::Refused(message)) => (State::Failed, message, 0),
        // The steps can be done again, so whatever failed is tried again: what is left half done here would be worse
        // than a job that says every few seconds what is wrong, and can be called off.
        Err(Stop::Failed(error)) => {
            (State::Waiting, format!("tried again: {}", error.cause_chain()), now.saturating_add(RETRY_MS))
        }
    };
    tracing::info!("job {} ({} of context {}): {state:?}: {message}", hold.id, job.kind, job.context);
    until_settled!(write_down(hold, state, &message, due).await)
}

async fn write_down(hold: &Hold<'_>, state: State, message: &str, due: i64) -> Result<()> {
    let mut tx = hold.app.store.config_write().await?;
    jobs::lay_down(&mut tx, hold.id, hold.epoch, state, message, due, hold.app.now_ms()).await?;
    Ok(tx.commit().await?)
}

/// The first job that nobody is at, if another may be worked on; one a context at a time, in the order they were asked for.
fn choose(open: &[Job], now_ms: i64, concurrent: usize) -> Option<&Job> {
    let is_worked_on =
        |job: &&Job| job.state == State::Running && now_ms.saturating_sub(job.seen) < SILENT_MS_MAX;
    if open.iter().filter(is_worked_on).count() >= concurrent {
        return None;
    }
    open.iter().enumerate().find_map(|(n, job)| {
        let is_first = open.iter().take(n).all(|before| before.context != job.context);
        let is_free = !is_worked_on(&job) && (job.state == State::Running || job.due <= now_ms);
        (is_first && is_free).then_some(job)
    })
}

async fn take_up(app: &App) -> Result<Option<(Job, i64)>> {
    let concurrent = app.config.jobs.concurrent;
    {
        // Looks before it writes: to find nothing costs no commit.
        let mut tx = app.store.config().await?;
        if choose(&jobs::open(&mut tx).await?, app.now_ms(), concurrent).is_none() {
            return Ok(None);
        }
    }
    let mut tx = app.store.config_write().await?;
    let epoch = jobs::next_epoch(&mut tx).await?;
    let open = jobs::open(&mut tx).await?;
    let now = app.now_ms();
    let Some(job) = choose(&open, now, concurrent).cloned() else { return Ok(None) };
    jobs::take_up(&mut tx, job.id, &app.node.incarnation, epoch, now).await?;
    tx.commit().await?;
    Ok(Some((job, epoch)))
}

#[cfg(test)]
mod tests {
    use zebu_model::ContextId;

    use super::*;

    fn job(id: i64, context: u32, state: State) -> Job {
        Job {
            id,
            kind: String::new(),
            context: ContextId(context),
            arguments: String::new(),
            state,
            step: String::new(),
            done: 0,
            all: 0,
            message: String::new(),
            cancel: false,
            owner: String::new(),
            seen: 10_000,
            epoch: 0,
            due: 0,
            created: 0,
            finished: 0,
        }
    }

    fn chosen(open: &[Job], now: i64) -> Option<i64> {
        choose(open, now, 2).map(|job| job.id)
    }

    #[test]
    fn jobs_of_one_context_wait_for_each_other() {
        let open = [job(1, 1, State::Running), job(2, 1, State::Waiting), job(3, 2, State::Waiting)];
        assert_eq!(chosen(&open, 10_500), Some(3));
        let open = [Job { due: 20_000, ..job(1, 1, State::Waiting) }, job(2, 1, State::Waiting)];
        assert_eq!(chosen(&open, 10_500), None);
        assert_eq!(chosen(&open, 20_000), Some(1));
    }

    #[test]
    fn a_job_whose_worker_is_silent_is_taken_up() {
        let open = [job(1, 1, State::Running)];
        assert_eq!(chosen(&open, 14_999), None);
        assert_eq!(chosen(&open, 15_000), Some(1));
    }

    #[test]
    fn no_more_than_the_setting_says_are_worked_on() {
        let open = [job(1, 1, State::Running), job(2, 2, State::Running), job(3, 3, State::Waiting)];
        assert_eq!(chosen(&open, 10_500), None);
        assert_eq!(choose(&open, 10_500, 3).map(|job| job.id), Some(3));
    }
}
