//! What others are told of a write: that it is under way, and how it ended, whatever becomes of who wanted it.

use crate::announce::{Announced, Announcer, Fenced, Outcome};
use crate::validity::ScopeKey;

/// A write that others may have been told of. Dropped, it says how far it came.
#[derive(Debug, Default)]
pub struct Told {
    write: Option<Box<dyn Announced>>,
    committing: bool,
}

impl Told {
    /// Says that these scopes, whose rows are locked, are about to change.
    #[must_use]
    pub fn of(announcer: &dyn Announcer, scopes: &[ScopeKey]) -> Told {
        let write = (!scopes.is_empty()).then(|| announcer.announce(scopes));
        Told { write, committing: false }
    }

    /// Waits until everybody has heard of it. After this the commit is on its way.
    ///
    /// # Errors
    /// It must not be committed.
    pub async fn committing(&mut self) -> Result<(), Fenced> {
        if let Some(write) = &mut self.write {
            write.may_commit().await?;
        }
        self.committing = true;
        Ok(())
    }

    /// The commit was answered, or not.
    pub fn ended(mut self, outcome: Outcome) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(write) = self.write.take() {
            write.ended(outcome);
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // Whoever waited for the answer of the commit has gone away: nobody will know it.
        self.end(if self.committing { Outcome::InDoubt } else { Outcome::Aborted });
    }
}
