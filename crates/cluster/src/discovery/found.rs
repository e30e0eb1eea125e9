//! What all ways of looking have found, together.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use super::Addresses;

/// Addresses that are to be dialled. Each way of looking replaces what it found before.
#[derive(Debug)]
pub struct Found {
    by: Mutex<BTreeMap<&'static str, Addresses>>,
    all: watch::Sender<Addresses>,
}

impl Found {
    /// Nothing yet; and where all of it will be seen.
    #[must_use]
    pub fn new() -> (Self, watch::Receiver<Addresses>) {
        let (all, seen) = watch::channel(Addresses::new());
        (Self { by: Mutex::default(), all }, seen)
    }

    /// Takes what one way of looking knows now.
    pub(super) fn set(&self, way: &'static str, addresses: Addresses) {
        let mut by = self.by.lock().unwrap_or_else(PoisonError::into_inner);
        by.insert(way, addresses);
        let all: Addresses = by.values().flatten().copied().collect();
        self.all.send_if_modified(|before| {
            let changed = *before != all;
            *before = all;
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_twice_stays_until_nobody_finds_it_and_nothing_new_wakes_nobody() {
        let (found, mut seen) = Found::new();
        let addresses =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Addresses>();
        found.set("beacons", addresses(&["10.0.0.1:1", "10.0.0.2:1"]));
        found.set("registry", addresses(&["10.0.0.1:1"]));
        assert_eq!(*seen.borrow_and_update(), addresses(&["10.0.0.1:1", "10.0.0.2:1"]));
        found.set("beacons", addresses(&["10.0.0.2:1"]));
        assert!(!seen.has_changed().unwrap());
        found.set("registry", addresses(&[]));
        assert_eq!(*seen.borrow_and_update(), addresses(&["10.0.0.2:1"]));
    }
}
