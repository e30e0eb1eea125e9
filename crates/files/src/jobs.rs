//! Runs what may block on the disk off the async threads, with an upper bound.
//!
//! Called by everything in this crate that makes a system call. A file server that hangs may hold as many
//! threads as the store has places and no more, and who comes then is told so; nothing here must ever wait
//! without a limit.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use crate::error::{Error, Result};

/// The places of one store.
#[derive(Debug, Clone)]
pub(crate) struct Jobs {
    places: Arc<Semaphore>,
    wait_max: Duration,
}

impl Jobs {
    /// `jobs_max` places, for each of which an operation waits `wait_max` at most.
    pub(crate) fn new(jobs_max: usize, wait_max: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(jobs_max)), wait_max }
    }

    /// Runs `job` on a thread that may block. Its place stays taken until the job ends, even if the caller
    /// has left.
    ///
    /// # Errors
    /// The job's, and [`Error::Unavailable`] if no place became free in time.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.place().await?;
        let job = tokio::task::spawn_blocking(move || {
            let _place = place;
            job()
        });
        job.await.map_err(Error::of_job)?
    }

    /// Starts `task`, which brings its own blocking thread (as those of `object_store` do), and returns
    /// without waiting for its end; it runs to its end even if the handle is dropped.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if no place became free in time.
    pub(crate) async fn start<T: Send + 'static>(
        &self,
        task: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<JoinHandle<Result<T>>> {
        let place = self.place().await?;
        Ok(tokio::spawn(async move {
            let _place = place;
            task.await
        }))
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit> {
        let place = tokio::time::timeout(self.wait_max, Arc::clone(&self.places).acquire_owned()).await;
        match place {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(closed)) => Err(Error::Unavailable { source: Box::new(closed) }),
            Err(elapsed) => Err(Error::Unavailable { source: Box::new(elapsed) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_that_hangs_is_answered_as_unavailable_once_its_places_are_taken() {
        let jobs = Jobs::new(1, Duration::from_millis(1));
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (started, has_started) = tokio::sync::oneshot::channel();
        let hanging = tokio::spawn({
            let jobs = jobs.clone();
            async move {
                jobs.run(move || {
                    started.send(()).unwrap();
                    released.recv().unwrap();
                    Ok(())
                })
                .await
            }
        });
        has_started.await.unwrap();
        // The caller's leaving must not free the place: the thread is still held.
        hanging.abort();
        assert!(matches!(jobs.run(|| Ok(())).await, Err(Error::Unavailable { .. })));
        release.send(()).unwrap();
        let patient = Jobs { wait_max: Duration::from_secs(60), ..jobs };
        assert!(patient.run(|| Ok(())).await.is_ok());
    }
}
