//! Once a write has been answered, nobody who asks later is answered from before it.

use std::collections::BTreeMap;

use super::{Checker, Floor, Promise, at, raise};
use crate::history::{Event, OpId};

pub(super) struct NoStaleRead {
    answered: Floor,
    begun: BTreeMap<OpId, Floor>,
}

impl NoStaleRead {
    pub(super) fn new(scopes: usize) -> NoStaleRead {
        NoStaleRead { answered: vec![0; scopes], begun: BTreeMap::new() }
    }
}

impl Checker for NoStaleRead {
    fn promise(&self) -> Promise {
        Promise::NoStaleRead
    }

    fn saw(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::WriteAnswered { rows, .. } => {
                rows.iter().for_each(|(scope, row)| raise(&mut self.answered, *scope, row.version));
            }
            Event::ReadBegins { op, .. } => drop(self.begun.insert(*op, self.answered.clone())),
            Event::ReadFailed { op } => drop(self.begun.remove(op)),
            Event::ReadAnswered { op, seen } => {
                let must = self.begun.remove(op)?;
                let (scope, row) = seen.iter().find(|(scope, row)| row.version < must[at(*scope)])?;
                let must = must[at(*scope)];
                return Some(format!(
                    "read {op} saw scope {scope} at {}, but {must} had been answered before it began",
                    row.version
                ));
            }
            _ => {}
        }
        None
    }
}
