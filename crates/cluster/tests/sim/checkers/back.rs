//! What one reader was shown is not gone for another who asks later.

use std::collections::BTreeMap;

use super::{Checker, Floor, Promise, at, raise};
use crate::history::{Event, OpId};

pub(super) struct ReadsNeverGoBack {
    shown: Floor,
    begun: BTreeMap<OpId, Floor>,
}

impl ReadsNeverGoBack {
    pub(super) fn new(scopes: usize) -> ReadsNeverGoBack {
        ReadsNeverGoBack { shown: vec![0; scopes], begun: BTreeMap::new() }
    }
}

impl Checker for ReadsNeverGoBack {
    fn promise(&self) -> Promise {
        Promise::ReadsNeverGoBack
    }

    fn saw(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::ReadBegins { op, .. } => drop(self.begun.insert(*op, self.shown.clone())),
            Event::ReadFailed { op } => drop(self.begun.remove(op)),
            Event::ReadAnswered { op, seen } => {
                seen.iter().for_each(|(scope, row)| raise(&mut self.shown, *scope, row.version));
                let must = self.begun.remove(op)?;
                let (scope, row) = seen.iter().find(|(scope, row)| row.version < must[at(*scope)])?;
                let must = must[at(*scope)];
                return Some(format!(
                    "read {op} saw scope {scope} at {}, but {must} had been shown before it began",
                    row.version
                ));
            }
            _ => {}
        }
        None
    }
}
