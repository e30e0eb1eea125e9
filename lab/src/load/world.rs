//! What all writers and readers of a load share, and how a request of theirs becomes part of the history.

use super::figures::{Figures, How};
use super::ground::{Ground, file_of};
use super::lots::Lots;
use super::person::{Answer, Node, Person};
use crate::checks::history::{History, Listing, Moment, Read, Register, Seen, Write};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a person is told about a folder that is not, or no longer, his to see: that he may not, or that there is nothing.
const NOT_LET_IN: [&str; 4] = ["FLD-0003", "IFO-0300", "IFO-0400", "IFO-0402"];

/// The common part of a load.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) label: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) people: Vec<Person>,
    pub(crate) grounds: Vec<Ground>,
    pub(crate) history: Mutex<History>,
    pub(crate) figures: Mutex<Figures>,
    pub(crate) stop: AtomicBool,
    /// Writes that each node has answered.
    pub(crate) pulse: Arc<Vec<AtomicU64>>,
    /// The same in every run.
    pub(crate) lots: Lots,
}

/// How a write ended for its writer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Written {
    /// Answered, with what.
    Done(Value),
    /// To be tried again. Nothing is known but that his next answered write comes after it.
    Again,
    /// No answer at all: it may still be under way, so this register gets no other write.
    Unknown,
}

impl World {
    /// A number below `below`.
    pub(crate) fn lot(&self, below: usize) -> usize {
        self.lots.below(below)
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> Moment {
        self.history().now()
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Any node, and its index.
    pub(crate) fn any_node(&self) -> (usize, &Node) {
        let index = self.lot(self.nodes.len());
        (index, self.node(index))
    }

    /// A node by its index; the first for those who come after the last.
    pub(crate) fn node(&self, index: usize) -> &Node {
        #[allow(clippy::indexing_slicing, reason = "a load has nodes, or it is not started")]
        self.nodes.get(index).unwrap_or_else(|| &self.nodes[0])
    }

    /// A person by its index, likewise.
    pub(crate) fn person(&self, index: usize) -> &Person {
        #[allow(clippy::indexing_slicing, reason = "a load has people, or it is not started")]
        self.people.get(index).unwrap_or_else(|| &self.people[0])
    }

    /// Enters a write and what was answered to it; `through` is the node's index.
    pub(crate) fn written(
        &self,
        register: Register,
        number: u32,
        through: usize,
        begun: Moment,
        answer: Answer,
    ) -> Written {
        let ended = self.now();
        let took = ended.saturating_sub(begun);
        let (written, how, said) = match answer {
            Answer::Data(data) => (Written::Done(data), How::Answered, String::new()),
            Answer::TryAgain(said) => (Written::Again, How::TryAgain, said),
            Answer::NotSent(said) | Answer::None(said) | Answer::Hung(said) => {
                (Written::Unknown, How::Unanswered, said)
            }
            Answer::Refused(said) => {
                let mut history = self.history();
                let name = history.name(register).to_owned();
                history.strange(format!("a write of {name} was refused: {said}"));
                (Written::Again, How::Answered, String::new())
            }
        };
        self.figures().writes.count(how, took, &said);
        let answered = matches!(written, Written::Done(_)).then_some(ended);
        if let Some(pulse) = self.pulse.get(through).filter(|_| answered.is_some()) {
            pulse.fetch_add(1, Ordering::Relaxed);
        }
        self.history().write(Write { register, number, begun, answered });
        written
    }

    /// Enters how a look went; its data, if that is what was answered, and whether the way in is shut otherwise.
    pub(crate) fn looked(&self, who: &str, begun: Moment, answer: Answer) -> Looked {
        let ended = self.now();
        let (looked, how, said) = match answer {
            Answer::Data(data) => (Looked::Data(data, ended), How::Answered, String::new()),
            Answer::TryAgain(said) => (Looked::Nothing, How::TryAgain, said),
            Answer::NotSent(said) | Answer::None(said) | Answer::Hung(said) => {
                (Looked::Nothing, How::Unanswered, said)
            }
            Answer::Refused(said) if NOT_LET_IN.iter().any(|code| said.starts_with(code)) => {
                (Looked::NotLetIn(ended), How::Answered, String::new())
            }
            Answer::Refused(said) => {
                self.history().strange(format!("{who}: {said}"));
                (Looked::Nothing, How::Answered, String::new())
            }
        };
        self.figures().reads.count(how, ended.saturating_sub(begun), &said);
        looked
    }

    /// Lists an open folder as somebody.
    pub(crate) async fn look_at_open(&self, ground: &Ground, person: usize, node: &Node) {
        let (person, owner) = (self.person(person), self.person(ground.owner));
        let who = format!("{} through {}, the list of folder {}", person.login, node.name, ground.open);
        let begun = self.now();
        match self.looked(&who, begun, person.get(node, &listing(&ground.open)).await) {
            Looked::Data(rows, ended) => {
                let numbers =
                    files_in(&rows).into_iter().map(|(register, number, _)| (register, number)).collect();
                let folder = ground.open.clone();
                self.history().listing(Listing { folder, numbers, begun, ended, who });
            }
            Looked::NotLetIn(ended) if person.user != owner.user => {
                let (register, seen) = (ground.opened, Seen::Shared(false));
                self.history().read(Read { register, seen, begun, ended, who });
            }
            Looked::NotLetIn(_) => self.history().strange(format!("{who}: the owner is refused")),
            Looked::Nothing => {}
        }
    }

    /// Lists the folder that is shared now and then, as its guest.
    pub(crate) async fn look_at_shared(&self, ground: &Ground, node: &Node) {
        let guest = self.person(ground.guest);
        let who = format!("{} through {}, the list of folder {}", guest.login, node.name, ground.shared);
        let begun = self.now();
        let looked = self.looked(&who, begun, guest.get(node, &listing(&ground.shared)).await);
        let (shared, ended) = match looked {
            Looked::Data(_, ended) => (true, ended),
            Looked::NotLetIn(ended) => (false, ended),
            Looked::Nothing => return,
        };
        self.history().read(Read { register: ground.share, seen: Seen::Shared(shared), begun, ended, who });
    }

    /// Looks at an open folder's title as somebody.
    pub(crate) async fn look_at_title(&self, ground: &Ground, person: usize, node: &Node) {
        let (person, owner) = (self.person(person), self.person(ground.owner));
        let who = format!("{} through {}, folder {}", person.login, node.name, ground.open);
        let begun = self.now();
        match self.looked(
            &who,
            begun,
            person.get(node, &format!("folders?action=get&id={}", ground.open)).await,
        ) {
            Looked::Data(data, ended) => match title_number(&data) {
                Some(number) => {
                    let (register, seen) = (ground.title, Seen::Number(number));
                    self.history().read(Read { register, seen, begun, ended, who });
                }
                None => self.history().strange(format!("{who}: no title of ours: {data}")),
            },
            Looked::NotLetIn(ended) if person.user != owner.user => {
                let (register, seen) = (ground.opened, Seen::Shared(false));
                self.history().read(Read { register, seen, begun, ended, who });
            }
            Looked::NotLetIn(_) => self.history().strange(format!("{who}: the owner is refused")),
            Looked::Nothing => {}
        }
    }
}

/// What a look was answered, and when.
#[derive(Debug)]
pub(crate) enum Looked {
    Data(Value, Moment),
    NotLetIn(Moment),
    Nothing,
}

/// What lists the files of a folder: ids and names.
pub(crate) fn listing(folder: &str) -> String {
    format!("infostore?action=all&folder={folder}&columns=1,702&sort=702&order=asc")
}

/// Register, number and id of each of our files in a list.
pub(crate) fn files_in(rows: &Value) -> Vec<(Register, u32, String)> {
    let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
    let files = rows.iter().filter_map(|row| {
        let (register, number) = file_of(row.get(1)?.as_str()?)?;
        Some((register, number, super::ground::text(row.get(0)?)))
    });
    files.collect()
}

/// The number in the title of an open folder.
pub(crate) fn title_number(folder: &Value) -> Option<u32> {
    folder.get("title")?.as_str()?.rsplit_once('-')?.1.parse().ok()
}
