//! How the tiny cluster answers reads, and which of its answers are lies.

use super::cluster::{Bug, Cluster, Event, Load, is_let_in};
use crate::checks::record::{Fact, Operation, Outcome, Register, Sight, Test};

impl Cluster {
    fn is_held(&self, node: usize, scope: usize) -> bool {
        self.nodes[node].held.iter().any(|write| self.writes[*write].scope == scope)
    }

    fn remembered_of(&self, node: usize, scope: usize) -> Option<u32> {
        let usable = self.nodes[node].caches && !self.is_held(node, scope);
        self.nodes[node].remembered.get(&scope).copied().filter(|_| usable)
    }

    pub(super) fn begin_read(&mut self, node: usize, scopes: Vec<usize>) {
        let operation = self.record.operations.len();
        self.record.operations.push(Operation {
            kind: "read",
            who: format!("read of {scopes:?} through {node}"),
            begun: self.moment(),
            ended: self.moment(),
            outcome: Outcome::Failed,
            said: String::new(),
            changes: Vec::new(),
            sights: Vec::new(),
        });
        let all: Option<Vec<u32>> = scopes.iter().map(|scope| self.remembered_of(node, *scope)).collect();
        let epoch = self.nodes[node].epoch;
        match (all, scopes.as_slice()) {
            (Some(seen), _) => self.answered(operation, &scopes, &seen),
            (None, [first, second]) if self.bug == Bug::PieceByPiece => {
                let (first, second) = (*first, *second);
                let seen = self.remembered_of(node, first).unwrap_or(self.values[first]);
                self.loads.push(Load {
                    node,
                    epoch,
                    scopes: vec![second],
                    seen: vec![seen],
                    void: true,
                    operation,
                });
                let lasts = 5 + self.lot(100);
                self.later(lasts, Event::Loaded(self.loads.len() - 1));
            }
            _ => {
                let void = scopes.iter().any(|scope| self.is_held(node, *scope)) || !self.nodes[node].caches;
                self.loads.push(Load { node, epoch, scopes, seen: Vec::new(), void, operation });
                self.soon(Event::Read(self.loads.len() - 1));
            }
        }
    }

    pub(super) fn loaded(&mut self, load: usize) {
        let Load { node, epoch, ref scopes, ref seen, void, operation } = self.loads[load];
        let (mut scopes, mut seen) = (scopes.clone(), seen.clone());
        if self.bug == Bug::PieceByPiece
            && scopes.len() == 1
            && void
            && self.record.operations[operation].who.contains(',')
        {
            // The first piece was looked at when it began; the second is looked at now.
            seen.push(self.values[scopes[0]]);
            scopes.insert(0, 0);
        } else {
            let stands = !void && epoch == self.nodes[node].epoch && self.nodes[node].caches;
            for (scope, value) in scopes.iter().zip(&seen) {
                let free = !self.is_held(node, *scope);
                if free && (stands || self.bug == Bug::StaleFill) {
                    self.nodes[node].remembered.insert(*scope, *value);
                }
            }
        }
        self.answered(operation, &scopes, &seen);
    }

    fn answered(&mut self, operation: usize, scopes: &[usize], seen: &[u32]) {
        let ended = self.moment();
        let begun = self.record.operations[operation].begun;
        let refused = scopes.len() == 2 && !is_let_in(seen[0]);
        let mut sights = Vec::new();
        for (scope, value) in scopes.iter().zip(seen) {
            let register = Register(*scope as u32);
            let test = match (scopes.len(), *scope) {
                (2, 0) => Test::Has(1, u64::from(!refused)),
                (2, _) if refused => continue,
                _ => Test::Is(*value),
            };
            sights.push(Sight::One(Fact { register, test }));
        }
        let span = (begun.as_millis() as u64, self.now);
        if !self.was_so(&sights, span) {
            self.lies += 1;
        }
        let operation = &mut self.record.operations[operation];
        operation.ended = ended;
        operation.outcome = if refused { Outcome::Refused } else { Outcome::Done };
        operation.sights = sights;
    }

    /// Whether at some moment of a span all of this was true.
    fn was_so(&self, sights: &[Sight], (from, to): (u64, u64)) -> bool {
        (from..=to).any(|at| {
            sights.iter().all(|sight| {
                sight.register().is_some_and(|register| {
                    let came = &self.truth[register.0 as usize];
                    // In one and the same millisecond both the old and the new may be seen.
                    let now = came.iter().rev().find(|(since, _)| *since <= at).map(|(_, value)| *value);
                    let before = came.iter().rev().find(|(since, _)| *since < at).map(|(_, value)| *value);
                    [now, before]
                        .into_iter()
                        .flatten()
                        .any(|value| sight.fits(value, u64::from(is_let_in(value))))
                })
            })
        })
    }
}
