//! A write that was answered is there for good: each has its own place in the count of its row's writes, and the count at the
//! end has room for all.

use std::collections::BTreeMap;

use super::{Checker, Promise, at};
use crate::history::{Event, OpId, Row, Scope};

pub(super) struct NoWriteLost {
    /// Of each scope, the writes that were answered or seen, by the count that they gave it.
    writes: Vec<BTreeMap<u64, OpId>>,
}

impl NoWriteLost {
    pub(super) fn new(scopes: usize) -> NoWriteLost {
        NoWriteLost { writes: vec![BTreeMap::new(); scopes] }
    }

    fn place(&mut self, scope: Scope, row: &Row) -> Option<String> {
        if row.count == 0 {
            return None;
        }
        let there = *self.writes[at(scope)].entry(row.count).or_insert(row.write);
        let words =
            || format!("write {there} is gone: number {} of scope {scope} is {}", row.count, row.write);
        (there != row.write).then(words)
    }
}

impl Checker for NoWriteLost {
    fn promise(&self) -> Promise {
        Promise::NoWriteLost
    }

    fn saw(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::WriteAnswered { rows, .. } | Event::ReadAnswered { seen: rows, .. } => {
                rows.iter().find_map(|(scope, row)| self.place(*scope, row))
            }
            Event::Final { rows } => rows.iter().zip(0..).find_map(|(row, scope)| {
                let last = self.writes[at(scope)].last_key_value().map_or(0, |(count, _)| *count);
                let short = || {
                    format!("scope {scope} ends with {} writes, but {last} were answered or seen", row.count)
                };
                (row.count < last).then(short).or_else(|| self.place(scope, row))
            }),
            _ => None,
        }
    }
}
