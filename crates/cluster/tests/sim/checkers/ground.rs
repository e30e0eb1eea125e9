//! A write is carried out only if what it relied on still stands at that moment.

use super::{Checker, Floor, Promise, at};
use crate::history::Event;

pub(super) struct NoWriteOnWithdrawnGround {
    is: Floor,
}

impl NoWriteOnWithdrawnGround {
    pub(super) fn new(scopes: usize) -> NoWriteOnWithdrawnGround {
        NoWriteOnWithdrawnGround { is: vec![0; scopes] }
    }
}

impl Checker for NoWriteOnWithdrawnGround {
    fn promise(&self) -> Promise {
        Promise::NoWriteOnWithdrawnGround
    }

    fn saw(&mut self, event: &Event) -> Option<String> {
        let Event::Committed { op, rows, relied } = event else { return None };
        let moved = relied.iter().find(|(scope, version)| self.is[at(*scope)] != *version).copied();
        for (scope, row) in rows {
            self.is[at(*scope)] = row.version;
        }
        let (scope, version) = moved?;
        let is = self.is[at(scope)];
        Some(format!(
            "write {op} relied on scope {scope} at {version}, which was at {is} when it was carried out"
        ))
    }
}
