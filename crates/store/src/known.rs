//! What a request knows of the versions of scopes: how far a replica must be to answer it; and whether one has failed it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zebu_model::{Scope, Version};

/// The versions that scopes were seen to have on the master since a request began, or that the request itself wrote. A
/// request must see everything that was answered before it began, and its own writes: a replica that has reached these has
/// it. Lives no longer than the request; by default nothing is known, and then the master is asked each time.
#[derive(Clone, Debug, Default)]
pub struct Known(Option<Arc<Mutex<Facts>>>);

#[derive(Debug, Default)]
struct Facts {
    versions: HashMap<Scope, Version>,
    /// A replica has failed this request in the middle of a read.
    failed: bool,
}

/// What is known about a place does not make it another place.
impl PartialEq for Known {
    fn eq(&self, _: &Known) -> bool {
        true
    }
}
impl Eq for Known {}

impl Known {
    /// For a request that begins now.
    #[must_use]
    pub fn of_a_request() -> Known {
        Known(Some(Arc::default()))
    }

    fn facts(&self) -> Option<MutexGuard<'_, Facts>> {
        Some(self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn get(&self, scope: Scope) -> Option<Version> {
        self.facts()?.versions.get(&scope).copied()
    }

    /// The master has these by now.
    pub(crate) fn learn(&self, found: &[(Scope, Version)]) {
        let Some(mut facts) = self.facts() else { return };
        for (scope, version) in found {
            let known = facts.versions.entry(*scope).or_insert(*version);
            *known = (*known).max(*version);
        }
    }

    /// Nobody knows what these are now.
    pub(crate) fn forget(&self, scopes: &[Scope]) {
        let Some(mut facts) = self.facts() else { return };
        facts.versions.retain(|scope, _| !scopes.contains(scope));
    }

    /// A replica has failed the request: it asks none again.
    pub(crate) fn distrust_replicas(&self) {
        if let Some(mut facts) = self.facts() {
            facts.failed = true;
        }
    }

    /// Whether the request may ask replicas.
    pub(crate) fn trusts_replicas(&self) -> bool {
        self.facts().is_none_or(|facts| !facts.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_s_clones_share_what_it_knows_and_what_is_known_never_goes_back() {
        let known = Known::of_a_request();
        let same = known.clone();
        known.learn(&[(Scope::Tree, Version(5)), (Scope::Principals, Version(7))]);
        known.learn(&[(Scope::Tree, Version(3))]);
        assert_eq!(same.get(Scope::Tree), Some(Version(5)));
        assert!(known.trusts_replicas());
        same.distrust_replicas();
        assert!(!known.trusts_replicas());
        same.forget(&[Scope::Tree]);
        assert_eq!((known.get(Scope::Tree), known.get(Scope::Principals)), (None, Some(Version(7))));
    }

    #[test]
    fn outside_a_request_nothing_is_kept() {
        let known = Known::default();
        known.learn(&[(Scope::Tree, Version(5))]);
        known.distrust_replicas();
        assert_eq!(known.get(Scope::Tree), None);
        assert!(known.trusts_replicas());
    }
}
