//! Where a context lives.

use std::time::{Duration, Instant};

use zebu_model::ContextId;
use zebu_model::quota::Quota;

use crate::known::Known;

/// Where a context lives, as configdb says. Every transaction of a context needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The context.
    pub context: ContextId,
    /// From the deployment's one sequence: tells the context from an earlier one of the same id.
    pub born: i64,
    /// Whether its users may sign in and work.
    pub enabled: bool,
    /// The cluster that serves it, by name.
    pub server: String,
    /// The master that takes its writes.
    pub database: i64,
    /// The schema there.
    pub schema: String,
    /// How often it has changed its database: of two places the one with more is the newer.
    pub moves: i64,
    /// Id of its file store.
    pub filestore_id: i64,
    /// URL of its file store.
    pub filestore: String,
    /// Id and URL of the file store where some of its contents may still lie, while they move.
    pub filestore_from: Option<(i64, String)>,
    /// How much it may store.
    pub quota: Quota,
    /// When configdb said so.
    pub resolved: Instant,
    /// What the request that this was found for knows of its scopes.
    pub known: Known,
}

/// The file stores of a context, by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filestores {
    /// The only one in which a content may get a name.
    pub home: i64,
    /// While the contents move: where those lie that have not come yet; else 0.
    pub from: i64,
}

/// How long a made up place is believed: longer than any test or benchmark takes.
const MADE_UP_FRESH: Duration = Duration::from_secs(86_400);

impl Place {
    /// A place that configdb does not know of, for tests and benchmarks of what lies below it: an enabled context without a quota,
    /// whose contents are nowhere.
    #[must_use]
    pub fn made_up(context: ContextId, database: i64, schema: impl Into<String>) -> Place {
        Place {
            context,
            born: 1,
            enabled: true,
            server: String::new(),
            database,
            schema: schema.into(),
            moves: 0,
            filestore_id: 1,
            filestore: String::new(),
            filestore_from: None,
            quota: Quota::Unlimited,
            resolved: Instant::now() + MADE_UP_FRESH,
            known: Known::default(),
        }
    }

    /// Where its contents are.
    #[must_use]
    pub fn filestores(&self) -> Filestores {
        Filestores { home: self.filestore_id, from: self.filestore_from.as_ref().map_or(0, |(id, _)| *id) }
    }

    /// Whether this place says more than `other`: the context has moved since, or another took its id.
    pub(crate) fn is_newer_than(&self, other: &Place) -> bool {
        (self.born, self.moves) > (other.born, other.moves)
    }

    /// The same context in another schema: where it is going to, or has come from.
    #[must_use]
    pub fn at(&self, database: i64, schema: &str) -> Place {
        Place { database, schema: schema.to_owned(), ..self.clone() }
    }
}
