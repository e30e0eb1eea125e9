//! What one transaction shows was true at one moment: whoever sees a write sees all of it, and all that had been answered
//! before that write began.

use std::collections::BTreeMap;

use super::{Checker, Floor, Promise, at, raise};
use crate::history::{Event, OpId, Scope};

struct Write {
    scopes: Vec<Scope>,
    /// What had been answered when it began.
    before: Floor,
}

pub(super) struct OneSnapshot {
    answered: Floor,
    writes: BTreeMap<OpId, Write>,
}

impl OneSnapshot {
    pub(super) fn new(scopes: usize) -> OneSnapshot {
        OneSnapshot { answered: vec![0; scopes], writes: BTreeMap::new() }
    }
}

impl Checker for OneSnapshot {
    fn promise(&self) -> Promise {
        Promise::OneSnapshot
    }

    fn saw(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::WriteBegins { op, scopes } => {
                let write = Write { scopes: scopes.clone(), before: self.answered.clone() };
                self.writes.insert(*op, write);
            }
            Event::WriteFailed { op } => drop(self.writes.remove(op)),
            Event::WriteAnswered { rows, .. } => {
                rows.iter().for_each(|(scope, row)| raise(&mut self.answered, *scope, row.version));
            }
            Event::ReadAnswered { op, seen } => {
                for (_, row) in seen {
                    let Some(write) = self.writes.get(&row.write) else { continue };
                    for (other, found) in seen {
                        let with = if write.scopes.contains(other) { row.version } else { 0 };
                        let must = with.max(write.before[at(*other)]);
                        if found.version < must {
                            return Some(format!(
                                "read {op} saw write {}, but scope {other} at {} instead of {must}",
                                row.write, found.version
                            ));
                        }
                    }
                }
            }
            _ => {}
        }
        None
    }
}
