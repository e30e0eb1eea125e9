//! The holds that other members' writes put on this node.

use std::collections::btree_map::Entry;

use super::event::{Action, Hold, Message};
use super::names::{Incarnation, Version, WriteId};
use super::{Core, Rule, Turn};
use crate::ScopeKey;

impl Core {
    pub(super) fn hold(&mut self, member: Incarnation, hold: Hold, turn: &mut Turn<'_>) {
        let write = hold.write;
        self.put_hold(member, hold, turn);
        self.send(member, Message::Ack { write }, turn);
    }

    pub(super) fn put_hold(&mut self, member: Incarnation, hold: Hold, turn: &mut Turn<'_>) {
        let Some(peer) = self.peers.get_mut(&member) else { return };
        let Hold { write, scopes } = hold;
        if let Entry::Vacant(free) = peer.holds.entry(write) {
            turn.out.push(Action::Hold { scopes: scopes.clone() });
            free.insert(scopes);
        }
    }

    pub(super) fn released(
        &mut self,
        member: Incarnation,
        write: WriteId,
        version: Option<Version>,
        turn: &mut Turn<'_>,
    ) {
        let Some(peer) = self.peers.get_mut(&member) else { return };
        let Some(scopes) = peer.holds.remove(&write) else { return };
        if !self.rules.has(Rule::ReleaseById) {
            self.free_all_that_touch(&scopes, version, turn);
        }
        turn.frees.push(Action::Free { scopes, version });
    }

    /// What a release does that only knows scopes.
    fn free_all_that_touch(&mut self, released: &[ScopeKey], version: Option<Version>, turn: &mut Turn<'_>) {
        for peer in self.peers.values_mut() {
            peer.holds.retain(|_, scopes| {
                let touches = scopes.iter().any(|scope| released.contains(scope));
                if touches {
                    turn.frees.push(Action::Free { scopes: scopes.clone(), version });
                }
                !touches
            });
        }
    }

    /// Forgets the holds of a peer whose releases cannot come any more.
    pub(super) fn drop_holds(&mut self, member: Incarnation, turn: &mut Turn<'_>) {
        let Some(peer) = self.peers.get_mut(&member) else { return };
        for scopes in std::mem::take(&mut peer.holds).into_values() {
            turn.frees.push(Action::Free { scopes, version: None });
        }
    }
}
