//! The connection of two nodes: what is sent arrives in order or, once it is broken, the rest of it never. Each end hears
//! of the break for itself.

use std::collections::VecDeque;

use super::super::Message;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Link {
    pub(super) id: u64,
    /// Nothing that is sent from now on arrives.
    pub(super) broken: bool,
    /// Which ends believe that it stands.
    pub(super) open: [bool; 2],
    /// What is on its way to each end.
    pub(super) queues: [VecDeque<Message>; 2],
    /// What of an earlier connection may still come out of a node's own buffers, with that connection's number.
    pub(super) late: [Option<(u64, Message)>; 2],
}

impl Link {
    pub(super) fn connect(&mut self) {
        let late = std::mem::take(&mut self.late);
        *self = Link { id: self.id + 1, broken: false, open: [true; 2], late, ..Link::default() };
    }

    pub(super) fn send(&mut self, to: usize, message: Message) {
        if !self.broken && self.open[to] {
            self.queues[to].push_back(message);
        }
    }

    /// One end learns of the break, or makes it.
    pub(super) fn close(&mut self, end: usize, keep_late: bool) {
        self.broken = true;
        self.open[end] = false;
        let rest = std::mem::take(&mut self.queues[end]);
        if keep_late {
            self.late[end] = rest.into_iter().next().map(|message| (self.id, message));
        }
        if self.open == [false; 2] {
            self.broken = false;
        }
    }
}
