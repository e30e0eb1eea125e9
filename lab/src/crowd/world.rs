//! What all clients of a crowd share: who there is, which folders and files there are or were, and the record of everything.

use super::rights::{ENABLED, MODULE, YES};
use crate::checks::history::Moment;
use crate::checks::record::{Bits, Change, Operation, Record, Register};
use crate::load::{Lots, Node};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Writes of one thing that nobody knows the end of: after so many it gets no other, or the search for an order would have too
/// many possibilities.
const DOUBTS_MAX: u32 = 4;

/// A user. There may be two clients of each.
#[derive(Clone, Debug)]
pub(crate) struct Somebody {
    pub(crate) login: String,
    pub(crate) user: i64,
    /// Whether they may sign in, and have the module.
    pub(crate) state: Register,
    /// Whether they are in the group.
    pub(crate) member: Register,
    /// The two folders between which theirs move.
    pub(crate) cabinets: [String; 2],
}

/// A folder that is or was there.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    /// From 1: what the places of files are called.
    pub(crate) number: Bits,
    pub(crate) id: String,
    pub(crate) owner: usize,
    /// Its title tells the value; that, where it is and who is let in.
    pub(crate) register: Register,
    /// Whether it is shared with the group now and then.
    pub(crate) for_group: bool,
    pub(crate) doubts: u32,
    pub(crate) gone: bool,
}

/// A file that is or was there. Of an upload that was not answered no id is known.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) id: Option<String>,
    pub(crate) name: Register,
    pub(crate) content: Register,
    pub(crate) place: Register,
    /// Folders it was ever put into, or may have been: the last is where it is, as far as is known.
    pub(crate) ever_in: Vec<usize>,
    pub(crate) doubts: u32,
    /// Deleted, as was answered at that time.
    pub(crate) gone: Option<Moment>,
}

impl File {
    /// Whether somebody may still write it.
    pub(crate) fn takes_writes(&self) -> bool {
        self.gone.is_none() && self.doubts < DOUBTS_MAX && self.id.is_some()
    }
}

impl Folder {
    /// Whether its owner may still change it.
    pub(crate) fn takes_writes(&self) -> bool {
        !self.gone && self.doubts < DOUBTS_MAX
    }
}

/// The shared part.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) started: Instant,
    pub(crate) label: String,
    /// The nodes, and after them the web tier.
    pub(crate) ways_in: Vec<Node>,
    pub(crate) password: String,
    pub(crate) people: Vec<Somebody>,
    /// The group's number.
    pub(crate) group: i64,
    pub(crate) record: Mutex<Record>,
    /// The last value given out of each register.
    pub(crate) values: Mutex<Vec<u32>>,
    pub(crate) folders: Mutex<Vec<Folder>>,
    pub(crate) files: Mutex<Vec<File>>,
    pub(crate) lots: Lots,
    pub(crate) stop: AtomicBool,
    /// Writes answered, by the way in.
    pub(crate) pulse: Vec<AtomicU64>,
    pub(crate) strange: Mutex<Vec<String>>,
    pub(crate) hung: Mutex<Vec<String>>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn now(&self) -> Moment {
        self.started.elapsed()
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A new register.
    pub(crate) fn register(&self, what: String, bits: Bits) -> Register {
        lock(&self.values).push(0);
        lock(&self.record).register(what, bits)
    }

    /// The registers of a user: their own, and whether they are in the group.
    pub(crate) fn registers_of(&self, login: &str, member: bool) -> (Register, Register) {
        let state = self.register(format!("the account of {login}"), ENABLED | MODULE);
        let group = self.register(format!("{login} in the group"), if member { YES } else { 0 });
        (state, group)
    }

    /// A write of a value that this register never had.
    pub(crate) fn change(&self, register: Register, bits: Bits) -> Change {
        let mut values = lock(&self.values);
        let index = usize::try_from(register.0).unwrap_or(usize::MAX);
        let value = values.get_mut(index).map_or(0, |value| {
            *value += 1;
            *value
        });
        Change { register, value, bits }
    }

    /// A way in, by its index; the first for those that come after the last.
    pub(crate) fn way_in(&self, index: usize) -> &Node {
        #[allow(clippy::indexing_slicing, reason = "a crowd has ways in, or it is not started")]
        self.ways_in.get(index).unwrap_or_else(|| &self.ways_in[0])
    }

    pub(crate) fn any_way_in(&self) -> usize {
        self.lots.below(self.ways_in.len())
    }

    /// A person, by their index, likewise.
    pub(crate) fn person(&self, index: usize) -> &Somebody {
        #[allow(clippy::indexing_slicing, reason = "a crowd has people, or it is not started")]
        self.people.get(index).unwrap_or_else(|| &self.people[0])
    }

    /// Whether somebody is in the group.
    pub(crate) fn member(&self, person: usize) -> Register {
        self.person(person).member
    }

    pub(crate) fn folder(&self, index: usize) -> Option<Folder> {
        lock(&self.folders).get(index).cloned()
    }

    pub(crate) fn file(&self, index: usize) -> Option<File> {
        lock(&self.files).get(index).cloned()
    }

    /// Changes what is known of a file.
    pub(crate) fn with_file(&self, index: usize, change: impl FnOnce(&mut File)) {
        if let Some(file) = lock(&self.files).get_mut(index) {
            change(file);
        }
    }

    /// Changes what is known of a folder.
    pub(crate) fn with_folder(&self, index: usize, change: impl FnOnce(&mut Folder)) {
        if let Some(folder) = lock(&self.folders).get_mut(index) {
            change(folder);
        }
    }

    /// One of the folders that are there and for which this holds, with its index.
    pub(crate) fn any_folder(&self, wanted: impl Fn(&Folder) -> bool) -> Option<(usize, Folder)> {
        let folders = lock(&self.folders);
        let all: Vec<usize> = folders
            .iter()
            .enumerate()
            .filter(|(_, folder)| !folder.gone && wanted(folder))
            .map(|(index, _)| index)
            .collect();
        let index = *all.get(self.lots.below(all.len()))?;
        Some((index, folders.get(index)?.clone()))
    }

    /// One of the files that are, or were until a moment ago, in a folder for which this holds, with its index.
    pub(crate) fn any_file(&self, wanted: impl Fn(&File) -> bool) -> Option<(usize, File)> {
        let files = lock(&self.files);
        let recent = self.now().saturating_sub(std::time::Duration::from_millis(300));
        let all: Vec<usize> = files
            .iter()
            .enumerate()
            .filter(|(_, file)| file.gone.is_none_or(|at| at >= recent) && file.id.is_some() && wanted(file))
            .map(|(index, _)| index)
            .collect();
        let index = *all.get(self.lots.below(all.len()))?;
        Some((index, files.get(index)?.clone()))
    }

    /// Notes that the files that were in a folder, as far as is known, are gone with it.
    pub(crate) fn gone_with(&self, folder: usize) {
        let now = self.now();
        for file in lock(&self.files).iter_mut().filter(|file| file.ever_in.last() == Some(&folder)) {
            file.gone.get_or_insert(now);
        }
    }

    /// Files that are in a folder as far as is known.
    pub(crate) fn files_in(&self, folder: usize) -> usize {
        let files = lock(&self.files);
        files.iter().filter(|file| file.gone.is_none() && file.ever_in.last() == Some(&folder)).count()
    }

    pub(crate) fn enter(&self, operation: Operation) {
        lock(&self.record).operations.push(operation);
    }

    pub(crate) fn strange(&self, what: String) {
        lock(&self.strange).push(what);
    }
}
