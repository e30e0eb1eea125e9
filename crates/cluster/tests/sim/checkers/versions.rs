//! A version is given to one write of a scope, and each later write gets a higher one.

use std::collections::BTreeMap;

use super::{Checker, Floor, Promise, at, raise};
use crate::history::{Event, OpId, Row, Scope};

pub(super) struct VersionsNeverGoBack {
    answered: Floor,
    begun: BTreeMap<OpId, Floor>,
    /// Who wrote a version, of those that were seen lately.
    written: Vec<BTreeMap<i64, OpId>>,
}

/// Versions of a scope that are remembered.
const WRITTEN_MAX: usize = 200;

impl VersionsNeverGoBack {
    pub(super) fn new(scopes: usize) -> VersionsNeverGoBack {
        let written = vec![BTreeMap::new(); scopes];
        VersionsNeverGoBack { answered: vec![0; scopes], begun: BTreeMap::new(), written }
    }

    fn is_of(&mut self, scope: Scope, row: &Row) -> Option<String> {
        let written = &mut self.written[at(scope)];
        let first = *written.entry(row.version).or_insert(row.write);
        if written.len() > WRITTEN_MAX {
            written.pop_first();
        }
        let words = || {
            format!("version {} of scope {scope} was written by {first} and by {}", row.version, row.write)
        };
        (first != row.write).then(words)
    }
}

impl Checker for VersionsNeverGoBack {
    fn promise(&self) -> Promise {
        Promise::VersionsNeverGoBack
    }

    fn saw(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::WriteBegins { op, .. } => drop(self.begun.insert(*op, self.answered.clone())),
            Event::WriteFailed { op } => drop(self.begun.remove(op)),
            Event::ReadAnswered { seen, .. } => {
                return seen.iter().find_map(|(scope, row)| self.is_of(*scope, row));
            }
            Event::WriteAnswered { op, rows } => {
                let before = self.begun.remove(op)?;
                for (scope, row) in rows {
                    raise(&mut self.answered, *scope, row.version);
                    if row.version <= before[at(*scope)] {
                        let (had, got) = (before[at(*scope)], row.version);
                        return Some(format!(
                            "write {op} gave scope {scope} version {got}, but it had {had} before"
                        ));
                    }
                    if let Some(words) = self.is_of(*scope, row) {
                        return Some(words);
                    }
                }
            }
            _ => {}
        }
        None
    }
}
