//! Deleting a user: everything that refers to it is handed over to an heir, or goes.
//!
//! From the moment the command is answered nobody can sign in or go on as that user. Then, each step such that it can be done
//! again from its beginning, a little at a time, so that nobody else waits for long:
//!
//! - `close`: the user is disabled and signed out, in case somebody enabled it again;
//! - `withdraw`, if the estate is to be deleted: nobody sees the user's homes any more;
//! - `files`: files the user made become the heir's, or go; changes and versions in files of others become the heir's;
//! - `folders`: the same of folders;
//! - `rights`: the user's permissions in folders of others go, and the locks it holds;
//! - `forget`: if nothing names the user any more the account goes, with memberships, attributes and sessions. If something
//!   does (it was enabled in between, or somebody gave it a permission) it begins again with `close`.
//!
//! It can be called off as long as nothing was handed over. A worker that slept through its successor does no harm: all it
//! writes is said of rows that name the user, and when the account is gone there are none, for good: an id is never used again.

mod files;
mod folders;
mod forget;
mod rights;

use serde::{Deserialize, Serialize};
use zebu_model::estate::Wish;
use zebu_model::{ContextId, Scope, UserId};
use zebu_store::configdb::contexts;
use zebu_store::configdb::jobs::{self, Job, Progress};
use zebu_store::shard::{accounts, sessions};
use zebu_store::{Place, Plan};

use super::hold::{Hold, Outcome, Stop};
use super::{of_json, to_json};
use crate::app::App;
use crate::error::Result;
use crate::operator::{self, Denied};
use crate::settle::until_settled;

/// What the rows of these jobs say.
pub(super) const KIND: &str = "deleteuser";

/// What is done, in this order, until nothing names the user.
const STEPS: [&str; 6] = ["close", "withdraw", "files", "folders", "rights", "forget"];

/// After which it begins again if something came to the user meanwhile, ms.
const AGAIN_MS: i64 = 1_000;

/// What such a job remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Departure {
    /// Which context of its id.
    born: i64,
    /// Who goes.
    user: u32,
    /// Who gets what is handed over, and what must be somebody's.
    heir: u32,
    /// Whether what is the user's goes, instead of being handed over.
    delete: bool,
    /// Whether the user was enabled before: so it is again if the job is called off.
    was_enabled: bool,
    /// Whether something may have been handed over or deleted: then it can't be called off any more.
    begun: bool,
    /// The last file that was looked at.
    after: u32,
}

/// What the operator asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) user: UserId,
    pub(crate) heir: UserId,
    pub(crate) wish: Wish,
    pub(crate) was_enabled: bool,
}

/// `deleteuser`: enters the job, and ends the user's sessions on every node before this returns; answers the job's id. Asking
/// again answers the same job.
pub(crate) async fn order(app: &App, place: &Place, asked: Asked) -> operator::Result<i64> {
    let job = until_settled!(enter(app, place, asked).await)?;
    until_settled!(close(app, place, asked.user).await)?;
    app.jobs.notify_waiters();
    Ok(job)
}

async fn enter(app: &App, place: &Place, asked: Asked) -> operator::Result<i64> {
    let mut tx = app.store.config_write().await?;
    // Of two that ask at once, the second sees the job of the first.
    jobs::next_epoch(&mut tx).await?;
    for open in jobs::open(&mut tx).await?.into_iter().filter(|job| job.context == place.context) {
        if open.kind != KIND {
            continue;
        }
        let theirs: Departure = of_json(&open)?;
        if theirs.user == asked.user.0 {
            return Ok(open.id);
        }
        if theirs.user == asked.heir.0 {
            return Err(Denied::UserLeaving { user: asked.heir.to_string() }.into());
        }
    }
    let what = Departure {
        born: place.born,
        user: asked.user.0,
        heir: asked.heir.0,
        delete: asked.wish == Wish::Delete,
        was_enabled: asked.was_enabled,
        begun: false,
        after: 0,
    };
    let id = jobs::insert(&mut tx, KIND, place.context, &to_json(&what)?, app.now_ms()).await?;
    tx.commit().await?;
    Ok(id)
}

/// Keeps the user out, sessions that are open too. Writes under way that began before are refused: they relied on the tree.
async fn close(app: &App, place: &Place, user: UserId) -> Result<()> {
    let plan = Plan::changing([Scope::Principals, Scope::Tree, Scope::Sessions(user)]);
    let mut tx = app.write(place, plan).await?;
    let Some(account) = accounts::by_id(&mut tx, user).await? else { return Ok(()) };
    accounts::update(&mut tx, &accounts::Account { enabled: false, ..account }).await?;
    sessions::delete_all(&mut tx, user).await?;
    Ok(tx.commit().await?)
}

/// A job under way.
struct Run<'a> {
    hold: &'a Hold<'a>,
    place: Place,
    what: Departure,
    /// Pieces of work done, for who looks at the job.
    done: u64,
}

impl Run<'_> {
    fn user(&self) -> UserId {
        UserId(self.what.user)
    }

    fn heir(&self) -> UserId {
        UserId(self.what.heir)
    }

    fn wish(&self) -> Wish {
        if self.what.delete { Wish::Delete } else { Wish::HandOver }
    }

    fn app(&self) -> &App {
        self.hold.app
    }

    fn said(&self) -> String {
        format!("user {} deleted", self.what.user)
    }

    /// Writes how far the job is, before each piece of work. Nothing more is done once another has taken the job up, or the
    /// context is to be deleted.
    async fn at(&mut self, step: &str, more: usize) -> Outcome<()> {
        self.done = self.done.saturating_add(more as u64);
        let arguments = to_json(&self.what)?;
        let at = Progress { step, done: self.done, all: 0, arguments: &arguments, message: "" };
        self.hold.advance(&at).await?;
        if self.hold.check().is_err() {
            ready(self.app(), self.place.context, self.what.born).await?;
        }
        Ok(())
    }
}

/// Where the context lives, disabled or not. One that is being deleted takes its users with it.
async fn ready(app: &App, context: ContextId, born: i64) -> Outcome<Place> {
    let mut tx = app.store.config().await?;
    let found = contexts::ready(&mut tx, context).await?.filter(|place| place.born == born);
    let place = found.ok_or_else(|| Stop::Refused("the context is being deleted".to_owned()))?;
    Ok(Place { enabled: false, ..place })
}

pub(super) async fn run(hold: &Hold<'_>, job: &Job) -> Outcome<String> {
    let what: Departure = of_json(job)?;
    let place = ready(hold.app, hold.context, what.born).await?;
    let mut run = Run { hold, place, what, done: job.done };
    if !run.what.begun {
        if !forget::is_there(&run, run.user()).await? {
            return Ok(run.said());
        }
        if let Err(stop) = may_begin(&run).await {
            undo(&run).await?;
            return Err(stop);
        }
        run.what.begun = true;
    }
    let began = STEPS.iter().position(|step| *step == job.step).unwrap_or(0);
    for step in STEPS.into_iter().skip(began) {
        run.at(step, 0).await?;
        match step {
            "close" => until_settled!(close(hold.app, &run.place, run.user()).await)?,
            "withdraw" => folders::withdraw(&mut run).await?,
            "files" => files::all(&mut run).await?,
            "folders" => folders::all(&mut run).await?,
            "rights" => rights::all(&mut run).await?,
            _ => return finish(&mut run).await,
        }
    }
    finish(&mut run).await
}

/// Forgets the user, or begins again after a moment.
async fn finish(run: &mut Run<'_>) -> Outcome<String> {
    if forget::last(run).await? {
        run.app().to_sweep.add(run.place.context);
        return Ok(run.said());
    }
    run.what.after = 0;
    run.at("close", 0).await?;
    let due = run.app().now_ms().saturating_add(AGAIN_MS);
    Err(Stop::Until(due, "something came to the user meanwhile".to_owned()))
}

/// Nothing was handed over yet: it can be called off, and cannot be done without an heir.
async fn may_begin(run: &Run<'_>) -> Outcome<()> {
    run.hold.check()?;
    if forget::is_there(run, run.heir()).await? {
        return Ok(());
    }
    Err(Stop::Refused(format!(
        "user {}, who was to get what is left, does not exist any more",
        run.what.heir
    )))
}

/// Lets the user in again who was called off to go.
async fn undo(run: &Run<'_>) -> Result<()> {
    if !run.what.was_enabled {
        return Ok(());
    }
    until_settled!(enable(run).await)
}

async fn enable(run: &Run<'_>) -> Result<()> {
    let plan = Plan::changing([Scope::Principals, Scope::Tree]);
    let mut tx = run.app().write(&run.place, plan).await?;
    let Some(account) = accounts::by_id(&mut tx, run.user()).await? else { return Ok(()) };
    accounts::update(&mut tx, &accounts::Account { enabled: true, ..account }).await?;
    Ok(tx.commit().await?)
}
