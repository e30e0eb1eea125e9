//! A worker's hold on a job: every write of the job goes through it, and fails once another has taken the job up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use zebu_model::ContextId;
use zebu_store::configdb::jobs::{self, Job, Progress};
use zebu_store::home::{Home, HomeTx};
use zebu_store::{ConfigWriteTx, Place};

use crate::app::App;
use crate::error::Error;

/// Why a worker lets go of a job before it is done.
#[derive(Debug)]
pub(super) enum Stop {
    /// Another has taken it up: nothing more may be written.
    Lost,
    /// It is to be called off.
    Cancelled,
    /// It goes on at this time, ms since the epoch. The text says what it waits for.
    Until(i64, String),
    /// It cannot be done.
    Refused(String),
    /// Something failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

impl From<zebu_store::Error> for Stop {
    fn from(error: zebu_store::Error) -> Stop {
        Stop::Failed(error.into())
    }
}

impl From<zebu_files::Error> for Stop {
    fn from(error: zebu_files::Error) -> Stop {
        Stop::Failed(error.into())
    }
}

/// Result of a part of a job.
pub(super) type Outcome<T> = Result<T, Stop>;

/// A job that this process has taken up.
#[derive(Debug)]
pub(super) struct Hold<'a> {
    pub(super) app: &'a App,
    pub(super) id: i64,
    pub(super) context: ContextId,
    /// Of this time of taking it up.
    pub(super) epoch: i64,
    cancelled: AtomicBool,
    /// When it was last certain that this worker has the job.
    said: Mutex<Instant>,
}

/// How long a worker that says nothing still counts as alive, ms.
pub(super) const SILENT_MS_MAX: i64 = 5_000;
/// For how long it is as good as certain that nobody else has done anything with a job that was this worker's a moment ago: as
/// long as a worker may be silent.
const CERTAIN: Duration = Duration::from_millis(SILENT_MS_MAX.unsigned_abs());
/// How old that certainty may be where it matters.
const CERTAIN_SINCE_MAX: Duration = Duration::from_secs(1);

impl<'a> Hold<'a> {
    pub(super) fn new(app: &'a App, job: &Job, epoch: i64) -> Hold<'a> {
        let cancelled = AtomicBool::new(job.cancel);
        Hold { app, id: job.id, context: job.context, epoch, cancelled, said: Mutex::new(Instant::now()) }
    }

    /// Says that this worker is still at it, and hears whether the job is to be called off.
    pub(super) async fn renew(&self) -> Outcome<()> {
        let now = Instant::now();
        let mut tx = self.app.store.config_write().await?;
        let cancel = jobs::renew(&mut tx, self.id, self.epoch, self.app.now_ms()).await?;
        tx.commit().await?;
        self.cancelled.fetch_or(cancel.ok_or(Stop::Lost)?, Ordering::Relaxed);
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Ok(())
    }

    /// For what no database can fence, the contents in file stores: makes certain that the job is this worker's, and answers
    /// until when it may do what it is about to do.
    pub(super) async fn certain(&self) -> Outcome<Instant> {
        let said = || *self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said().elapsed() > CERTAIN_SINCE_MAX {
            self.renew().await?;
        }
        let since = said();
        Ok(since.checked_add(CERTAIN).unwrap_or(since))
    }

    /// For the places where a job can be called off.
    pub(super) fn check(&self) -> Outcome<()> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Stop::Cancelled) } else { Ok(()) }
    }

    /// Writes how far the job is.
    pub(super) async fn advance(&self, at: &Progress<'_>) -> Outcome<()> {
        let mut tx = self.app.store.config_write().await?;
        self.advance_in(&mut tx, at).await?;
        Ok(tx.commit().await?)
    }

    /// Writes how far the job is, together with what else the transaction writes. It must not be committed after an error.
    pub(super) async fn advance_in(&self, tx: &mut ConfigWriteTx, at: &Progress<'_>) -> Outcome<()> {
        let ours = jobs::advance(tx, self.id, self.epoch, at, self.app.now_ms()).await?;
        if ours { Ok(()) } else { Err(Stop::Lost) }
    }

    /// Makes a home in one schema this worker's own: from here on no earlier worker of any job can change it.
    pub(super) async fn stamp(&self, place: &Place) -> Outcome<Option<Home>> {
        let mut tx = self.app.store.hold_home(place).await?;
        let Some(home) = tx.home().copied() else { return Ok(None) };
        if home.epoch > self.epoch {
            return Err(Stop::Lost);
        }
        let home = Home { epoch: self.epoch, ..home };
        tx.set(home).await?;
        tx.commit().await?;
        Ok(Some(home))
    }

    /// Holds a home that this worker has stamped.
    pub(super) async fn home(&self, place: &Place) -> Outcome<(HomeTx, Home)> {
        let tx = self.app.store.hold_home(place).await?;
        match tx.home().copied() {
            Some(home) if home.epoch == self.epoch && home.born == place.born => Ok((tx, home)),
            _ => Err(Stop::Lost),
        }
    }
}
