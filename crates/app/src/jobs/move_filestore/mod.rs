//! Moving a context's contents to another file store while it is in use.
//!
//! ```text
//! step     contexts and home: store, from    where a named content is
//! -        old, -                            old
//! turn     new, old   the context first      old; in new what comes from here on
//! copy     new, old                          in one of both, or in both
//! wait     new, old                          new; what old has is kept for those who read it
//! clear    new, old                          new; each is compared before it goes from old, which is the point of no return
//! over     new, -     the home first         new
//! ```
//!
//! Called off or refused before `clear`, it turns round: the same steps with the file stores exchanged, so that what came
//! meanwhile goes along. While `from` is not 0 the context is counted in both file stores.
//!
//! 1. A content gets its name only in the store that the home names; the transaction that gives it says so. An upload that
//!    wrote elsewhere carries its content there first, and a reservation names the store it was made for.
//! 2. Who reads looks in `store`, then in `from`, and if it is in neither asks configdb again. `turn` changes configdb before
//!    the home, so that whoever asks finds the store where contents have begun to be named.
//! 3. The sweeper removes a content from both and from where it was reserved, and forgets it only if the home named
//!    these very stores. So a content that is copied while it is given up can stay in one place alone, the target; the copying
//!    looks for these afterwards, and the last step once more, for those who died in between.
//! 4. `clear` waits until no reservation names the store that is left: nobody writes there any more, and what lies there
//!    without a name will never have one.
//!
//! A worker that slept through its successor finds another epoch in the home and in the job's row. Contents have no rows: a copy
//! gets its name, and a content is removed, only as long as it is certain that nobody else has the job.

mod contents;
mod steps;

use serde::{Deserialize, Serialize};
use zebu_model::ContextId;
use zebu_store::configdb::contexts;
use zebu_store::configdb::jobs::{self, Job, Progress};
use zebu_store::{ConfigTx, Place};

use super::hold::{Hold, Outcome, Stop};
use super::{enter, of_json, to_json};
use crate::app::App;
use crate::error::Error;
use crate::operator::{self, Denied, filestores::room};
use crate::random;

/// What the rows of these jobs say.
pub(super) const KIND: &str = "movecontextfilestore";

/// What such a job remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Move {
    /// Which context of its id.
    born: i64,
    /// The file store it was asked to go to.
    target: i64,
    /// The one it has left; 0 before it has begun.
    source: i64,
    /// Why it goes back, if it does; empty if somebody called it off.
    back: Option<String>,
    /// When all had been copied, ms since the epoch.
    copied: i64,
    /// Up to which key all has been copied.
    after: String,
    /// What has been copied.
    contents: u64,
    /// Its bytes.
    bytes: u64,
}

/// `movecontextfilestore`: enters the job that moves a context's contents to another file store; answers its id. Asked again, it
/// answers the same job. What can be known by now is found out by now, so that the operator hears of it at once.
pub async fn order(app: &App, context: ContextId, filestore: i64) -> operator::Result<i64> {
    let place = {
        let mut tx = app.store.config().await?;
        let place = at_rest(&mut tx, context).await?;
        let mut open = jobs::open(&mut tx).await?.into_iter();
        if let Some(open) = open.find(|job| job.context == context && job.kind == KIND) {
            let what: Move = of_json(&open)?;
            if what.target == filestore && what.back.is_none() && !open.cancel {
                return Ok(open.id);
            }
            let place = format!("filestore {}", what.target);
            return Err(Denied::ContextMoves { context, place, job: open.id }.into());
        }
        place
    };
    check(app, &place, filestore).await?;
    let what = Move { born: place.born, target: filestore, ..Move::default() };
    Ok(enter(app, KIND, context, &what).await?)
}

/// Where a context lives that is neither being made nor deleted.
async fn at_rest(tx: &mut ConfigTx, context: ContextId) -> operator::Result<Place> {
    match contexts::state(tx, context).await? {
        None => return Err(Denied::ContextUnknown { context: context.to_string() }.into()),
        Some(contexts::State::Ready) => {}
        Some(_) => return Err(Denied::ContextBusy { context }.into()),
    }
    let place = contexts::ready(tx, context).await?;
    Ok(place.ok_or(Denied::ContextBusy { context })?)
}

/// Whether a context's contents can go to a file store: there is such a one, another, that can be written to and has room.
async fn check(app: &App, place: &Place, filestore: i64) -> operator::Result<()> {
    let context = place.context;
    if place.filestore_id == filestore {
        return Err(Denied::ContextThere { context, place: format!("filestore {filestore}") }.into());
    }
    let target = app.storage.by_id(&app.store, filestore).await?;
    let target = target.ok_or(Denied::FilestoreUnknown { id: filestore })?;
    let source = app.storage.filestore(place).await?;
    if target.store.is_same_as(&source.store, random::bytes()?).await? {
        return Err(Denied::FilestoreSame { id: source.id, other: filestore }.into());
    }
    let used = {
        let mut tx = app.read(place).await?;
        zebu_store::shard::usage::used(&mut tx).await?
    };
    let mut tx = app.store.config().await?;
    room(app, &mut tx, filestore, used).await
}

/// A job under way.
struct Run<'a> {
    hold: &'a Hold<'a>,
    what: Move,
    place: Place,
}

impl Run<'_> {
    async fn at(&self, step: &str, done: u64, all: u64) -> Outcome<()> {
        let arguments = to_json(&self.what)?;
        let at = Progress { step, done: done.min(all), all, arguments: &arguments, message: "" };
        self.hold.advance(&at).await
    }

    /// For the places where it can be called off: not on its way back.
    fn check(&self) -> Outcome<()> {
        if self.what.back.is_some() { Ok(()) } else { self.hold.check() }
    }

    /// The context as configdb has it now.
    async fn look(&mut self) -> Outcome<()> {
        let mut tx = self.hold.app.store.config().await?;
        let place = contexts::by_id(&mut tx, self.hold.context).await?;
        let place = place.filter(|place| place.born == self.what.born);
        self.place = place.ok_or_else(|| Stop::Refused("the context does not exist any more".to_owned()))?;
        Ok(())
    }
}

impl Move {
    /// How it ends.
    fn end(self) -> Outcome<String> {
        match self.back {
            None => {
                let Move { target, contents, bytes, .. } = self;
                Ok(format!("moved to filestore {target}: {contents} contents with {bytes} bytes"))
            }
            Some(reason) if reason.is_empty() => Err(Stop::Cancelled),
            Some(reason) => Err(Stop::Refused(reason)),
        }
    }
}

pub(super) async fn run(hold: &Hold<'_>, job: &Job) -> Outcome<String> {
    let what: Move = of_json(job)?;
    if job.step == "over" {
        return what.end();
    }
    let (place, state) = {
        let mut tx = hold.app.store.config().await?;
        (contexts::by_id(&mut tx, hold.context).await?, contexts::state(&mut tx, hold.context).await?)
    };
    let Some(place) = place.filter(|place| place.born == what.born) else {
        return Err(Stop::Refused(format!("context {} does not exist any more", hold.context)));
    };
    if state == Some(contexts::State::BeingDeleted) {
        // It knows of both file stores.
        return Err(Stop::Refused("the context is being deleted, and its contents with it".to_owned()));
    }
    let mut run = Run { hold, what, place };
    let mut step = job.step.clone();
    loop {
        let done = match step.as_str() {
            "turn" => steps::turn(&mut run).await,
            "copy" => steps::copy(&mut run).await,
            "wait" => steps::wait(&mut run).await,
            "clear" => steps::clear(&mut run).await,
            _ => steps::begin(&mut run).await,
        };
        step = match done {
            Ok(Some(next)) => next.to_owned(),
            Ok(None) => return run.what.end(),
            Err(Stop::Cancelled) if run.what.source != 0 => steps::back(&mut run, String::new()).await?,
            Err(Stop::Refused(reason)) if run.what.source != 0 => match step.as_str() {
                "turn" | "copy" | "wait" if run.what.back.is_none() => steps::back(&mut run, reason).await?,
                // There is no other way to go: it waits for whoever can help.
                _ => return Err(Stop::Failed(Error::Internal(reason))),
            },
            Err(stop) => return Err(stop),
        };
    }
}
