//! The registry: a row a member. Each call is one transaction.

use std::collections::BTreeMap;

use super::super::{Incarnation, Listed};

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Registry {
    pub(super) rows: BTreeMap<Incarnation, u64>,
}

/// A renewal on its way there and back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub(super) attempt: u64,
    pub(super) register: bool,
    pub(super) answer: Option<Answer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Members(Vec<Listed>),
    Gone,
}

impl Registry {
    pub(super) fn renew(&mut self, member: Incarnation, attempt: u64, register: bool) -> Answer {
        if !register && !self.rows.contains_key(&member) {
            return Answer::Gone;
        }
        self.rows.insert(member, attempt);
        let rows = self.rows.iter();
        Answer::Members(rows.map(|(member, attempt)| Listed { member: *member, attempt: *attempt }).collect())
    }

    pub(super) fn remove(&mut self, member: Incarnation, attempt: u64) {
        if self.rows.get(&member).is_some_and(|row| *row <= attempt) {
            self.rows.remove(&member);
        }
    }
}
