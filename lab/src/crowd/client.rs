//! One client of a user: a browser or a program that synchronises, signed in now and then anew. It does one thing after another, through
//! whichever node, and enters what it was answered. Two clients may be the same user's.

use super::heard::Heard;
use super::rights::{ENABLED, MODULE, YES, has, seen};
use super::world::{Somebody, World, lock};
use crate::checks::history::Moment;
use crate::checks::record::{Change, Operation, Outcome, Register, Sight};
use crate::load::Person;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// From the beginning of one operation to the beginning of the next, if it does not take longer.
const PACE: Duration = Duration::from_millis(10);

/// A session, alive or over.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) person: Person,
    pub(crate) register: Register,
    /// It was signed out of: what comes now should be refused.
    pub(crate) over: bool,
}

/// A client at work.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) world: Arc<World>,
    /// Whose it is.
    pub(crate) person: usize,
    pub(crate) session: Option<Session>,
}

/// One thing asked for.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) kind: &'static str,
    /// On what: for people.
    pub(crate) what: String,
    pub(crate) way_in: usize,
    pub(crate) begun: Moment,
    pub(crate) changes: Vec<Change>,
    /// Whether it needs the module for files.
    pub(crate) needs_module: bool,
}

/// What became of a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Became {
    Done(Value),
    Refused,
    Failed,
    Unknown,
}

impl Client {
    pub(crate) fn somebody(&self) -> &Somebody {
        self.world.person(self.person)
    }

    /// Begins something, through any node.
    pub(crate) fn task(&self, kind: &'static str, what: String, changes: Vec<Change>) -> Task {
        self.task_through(self.world.any_way_in(), kind, what, changes)
    }

    /// The same through this one.
    pub(crate) fn task_through(
        &self,
        way_in: usize,
        kind: &'static str,
        what: String,
        changes: Vec<Change>,
    ) -> Task {
        Task { kind, what, way_in, begun: self.world.now(), changes, needs_module: true }
    }

    /// Enters what was answered. `done` says what it shows that it was done, `refused` what a refusal of this code shows; none: nobody
    /// may be given such an answer.
    pub(crate) fn enter(
        &self,
        task: Task,
        heard: Heard,
        done: impl FnOnce(&Value) -> Option<Vec<Sight>>,
        refused: impl FnOnce(&str) -> Option<Vec<Sight>>,
    ) -> Became {
        let ended = self.world.now();
        let node = &self.world.way_in(task.way_in).name;
        let who = format!("{} through {node}, {} {}", self.somebody().login, task.kind, task.what);
        let writes = !task.changes.is_empty();
        let mut told = String::new();
        if matches!(heard, Heard::Hung(_)) {
            lock(&self.world.hung).push(who.clone());
        }
        let (outcome, sights, became) = match heard {
            Heard::Done(data) => match done(&data) {
                Some(mut sights) => {
                    sights.extend(self.let_in(task.needs_module));
                    (Outcome::Done, sights, Became::Done(data))
                }
                None => {
                    self.world.strange(format!("{who}: {data}"));
                    (if writes { Outcome::Unknown } else { Outcome::Failed }, Vec::new(), Became::Unknown)
                }
            },
            Heard::Refused(code, said) => match self.kept_out(&code).or_else(|| refused(&code)) {
                Some(sights) => (Outcome::Refused, sights, Became::Refused),
                None => {
                    self.world.strange(format!("{who}: {said}"));
                    (if writes { Outcome::Unknown } else { Outcome::Failed }, Vec::new(), Became::Unknown)
                }
            },
            Heard::Failed(said) => {
                told = said;
                (Outcome::Failed, Vec::new(), Became::Failed)
            }
            Heard::Unknown(said) | Heard::Hung(said) => {
                told = said;
                // A look that was not answered shows nothing; a write may have happened.
                let outcome = if writes { Outcome::Unknown } else { Outcome::Failed };
                (outcome, Vec::new(), if writes { Became::Unknown } else { Became::Failed })
            }
        };
        if let Some(pulse) = self.world.pulse.get(task.way_in).filter(|_| writes && outcome == Outcome::Done)
        {
            pulse.fetch_add(1, Ordering::Relaxed);
        }
        let (kind, begun, changes) = (task.kind, task.begun, task.changes);
        self.world.enter(Operation { kind, who, begun, ended, outcome, said: told, changes, sights });
        became
    }

    /// What it shows that anything at all was done for this session.
    fn let_in(&self, needs_module: bool) -> Vec<Sight> {
        let wanted = if needs_module { ENABLED | MODULE } else { ENABLED };
        let account = Sight::One(has(self.somebody().state, wanted, wanted));
        let session = self.session.iter().map(|session| Sight::One(has(session.register, YES, YES)));
        session.chain([account]).collect()
    }

    /// What it shows that nothing at all was done for this session.
    fn kept_out(&self, code: &str) -> Option<Vec<Sight>> {
        let state = self.somebody().state;
        match code {
            "FLD-0002" => Some(vec![Sight::One(has(state, MODULE, 0))]),
            "SES-0203" => {
                let session = self.session.as_ref()?;
                Some(vec![seen(vec![vec![has(state, ENABLED, 0)], vec![has(session.register, YES, 0)]])])
            }
            _ => None,
        }
    }

    /// Works until the crowd stops.
    pub(crate) async fn run(mut self) {
        while !self.world.stopped() {
            // tidy-allow(sleep): a pace, not a wait
            let pace = tokio::time::sleep(PACE);
            self.one().await;
            pace.await;
        }
    }

    async fn one(&mut self) {
        let world = Arc::clone(&self.world);
        let lot = world.lots.below(1_000);
        let Some(session) = &self.session else {
            self.sign_in().await;
            return;
        };
        if session.over {
            // Once more or twice with a session that is over, then with a new one.
            match lot {
                0..500 => self.look_at_folder().await,
                _ => self.session = None,
            }
            return;
        }
        match lot {
            0..300 => self.list_files().await,
            300..420 => self.look_at_folder().await,
            420..570 => self.look_at_file().await,
            570..730 => self.read_content().await,
            730..850 => self.list_cabinet().await,
            850..880 => self.change_folder().await,
            880..884 => self.replace_folder().await,
            884..919 => self.upload().await,
            919..945 => self.rename_file().await,
            945..963 => self.new_content().await,
            963..980 => self.move_file().await,
            980..995 => self.delete_file().await,
            _ => self.sign_out().await,
        }
    }
}
