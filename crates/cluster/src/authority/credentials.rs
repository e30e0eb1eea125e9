//! The node file as a running node uses it: read at the start, and again when it is replaced, so that a renewal or a rotation
//! needs no restart. Connections that stand are left alone; new ones use what is new.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::certificate::DAY_MS;
use super::identity::{Identity, Now, Pki};
use super::{Error, Result};

/// What tells one state of a file from another: inode, length, time of change in seconds and nanoseconds.
type Mark = (u64, u64, i64, i64);

/// A node's proof of itself, and its judgement of others, kept up to date.
pub struct Credentials {
    path: PathBuf,
    now: Now,
    state: Mutex<State>,
}

struct State {
    identity: Arc<Identity>,
    pki: Pki,
    mark: Mark,
    /// The day (since the epoch) whose warnings have been given.
    warned: Option<i64>,
    /// What was last said of a new file that cannot be used.
    complaint: String,
}

impl Credentials {
    /// Reads a node's file and warns of what runs out.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn open(path: &Path, now: Now) -> Result<Self> {
        let mark = mark(path)?;
        let identity = Arc::new(Identity::read(path)?);
        let pki = Pki::new(&identity, Arc::clone(&now))?;
        let state = State { identity, pki, mark, warned: None, complaint: String::new() };
        let opened = Self { path: path.to_owned(), now, state: Mutex::new(state) };
        opened.warn();
        Ok(opened)
    }

    /// Whose they are, and what is trusted.
    #[must_use]
    pub fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.lock().identity)
    }

    /// The TLS settings of now.
    #[must_use]
    pub fn pki(&self) -> Pki {
        self.lock().pki.clone()
    }

    /// Looks at the file, takes it up if it was replaced, and warns once a day of what runs out. One that cannot be used, or is
    /// another node's, is complained of once and left; what was there before goes on to hold. Reads a file: not for a thread that
    /// must not wait.
    pub fn refresh(&self) {
        if let Err(error) = self.take_up() {
            let complaint = error.to_string();
            let mut state = self.lock();
            if state.complaint != complaint {
                tracing::error!(
                    cause = complaint,
                    "the new node file cannot be used; the one before stays in force"
                );
                state.complaint = complaint;
            }
        }
        self.warn();
    }

    fn take_up(&self) -> Result<()> {
        let mark = mark(&self.path)?;
        if self.lock().mark == mark {
            return Ok(());
        }
        let identity = Arc::new(Identity::read(&self.path)?);
        let before = self.identity();
        if (identity.cluster(), identity.node()) != (before.cluster(), before.node()) {
            let reason = format!("it is of node {} of cluster {}", identity.node(), identity.cluster());
            return Err(Error::Content { path: self.path.clone(), reason });
        }
        let pki = Pki::new(&identity, Arc::clone(&self.now))?;
        tracing::info!(until = identity.certificate().last_day(), "a new node file is in force");
        let mut state = self.lock();
        (state.identity, state.pki, state.mark) = (identity, pki, mark);
        (state.warned, state.complaint) = (None, String::new());
        Ok(())
    }

    fn warn(&self) {
        let now_ms = (self.now)();
        let today = Some(now_ms.div_euclid(DAY_MS));
        let mut state = self.lock();
        if state.warned != today {
            state.warned = today;
            state.identity.warnings(now_ms).iter().for_each(|line| tracing::warn!("{line}"));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mark(path: &Path) -> Result<Mark> {
    let about = fs::metadata(path).map_err(|cause| Error::File { path: path.to_owned(), cause })?;
    Ok((about.ino(), about.len(), about.mtime(), about.mtime_nsec()))
}
