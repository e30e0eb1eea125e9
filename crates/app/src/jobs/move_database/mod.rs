//! Moving a context to another database while it is in use.
//!
//! ```text
//! step       source home   configdb says   target home
//! prepare    lives         source          -                      a schema is chosen and counted
//! copy       lives         source          arriving               everything, out of one snapshot
//! follow     lives         source          arriving               again, until little has changed
//! switch     LEAVING       source          arriving               writes wait; the rest, proven row by row
//! arrive     leaving       TARGET          arriving               one transaction of configdb; no way back from here
//! wait       leaving       target          LIVES                  writes go on; reads that began before still read the source
//! clear      - (last)      target          lives                  the source's rows go, its home last
//! ```
//!
//! A home says "lives" in one place at most at any time, so a write lands in one place at most; reads always find whole
//! rows. Where a worker may die, and what whoever takes the job up finds and does:
//!
//! - before or in `copy`, `follow`: the source is untouched. The next pass compares and goes on.
//! - in `switch` before the source's home was changed: it lives; back to `follow`.
//! - in `switch` after that: it is leaving and configdb still names it, so nobody writes anywhere. The last pass is made
//!   again, and finds what is left.
//! - in `switch` while configdb's transaction was being committed: the job's step was written in the same transaction, so the
//!   step says whether it was.
//! - in `arrive`: configdb names the target, whose home is still arriving: nobody writes anywhere. It is made to live.
//! - in `wait`: nothing is to be done but to wait.
//! - in `clear`: what is left of the rows goes; the home goes last, so that the job knows.
//!
//! A worker that slept through its successor finds another epoch in both homes and in the job's row.

mod steps;

use serde::{Deserialize, Serialize};
use zebu_model::ContextId;
use zebu_store::Place;
use zebu_store::configdb::contexts;
use zebu_store::configdb::databases;
use zebu_store::configdb::jobs::{Job, Progress};

use super::hold::{Hold, Outcome, Stop};
use super::{enter, of_json, to_json};
use crate::app::App;
use crate::error::Result;
use crate::operator::{self, Denied};

/// What the rows of these jobs say.
pub(super) const KIND: &str = "movecontextdatabase";

/// What such a job remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Move {
    /// Where it goes.
    database: i64,
    /// The schema there, once it is chosen.
    schema: Option<String>,
    /// Where it comes from, once the job has begun: database and schema.
    source: Option<(i64, String)>,
    /// When it had moved, ms since the epoch.
    moved: i64,
    /// How long writes had to wait, ms.
    paused: i64,
    /// Why it is being undone; empty if somebody called it off.
    undone_because: String,
}

/// `movecontextdatabase`: enters the job that moves a context to another master; answers its id. Whether it can be done is
/// found out when it begins, and here as far as it can be known by now, so that the operator hears of it at once.
pub async fn order(app: &App, context: ContextId, database: i64) -> operator::Result<i64> {
    {
        let mut tx = app.store.config().await?;
        let place = contexts::ready(&mut tx, context).await?;
        let place = place.ok_or_else(|| Denied::ContextUnknown { context: context.to_string() })?;
        let database_name = database.to_string();
        let server = databases::by_id(&mut tx, database).await?;
        let server = server.ok_or_else(|| Denied::DatabaseUnknown { database: database_name.clone() })?;
        if server.master != 0 {
            return Err(Denied::NotAMaster { database: database_name }.into());
        }
        if place.database == database {
            return Err(Denied::ContextThere { context, place: format!("database {database}") }.into());
        }
    }
    let what =
        Move { database, schema: None, source: None, moved: 0, paused: 0, undone_because: String::new() };
    Ok(enter(app, KIND, context, &what).await?)
}

/// The schema in which a move has counted its context, whether the context is there already or not; with the master it is on.
pub(crate) fn counted(job: &Job) -> Result<Option<(i64, String)>> {
    if job.kind != KIND {
        return Ok(None);
    }
    let what: Move = of_json(job)?;
    Ok(what.schema.map(|schema| (what.database, schema)))
}

impl Move {
    /// What there is to say of a context that has moved.
    fn said(&self) -> String {
        let schema = self.schema.as_deref().unwrap_or_default();
        // Nobody knows it if a worker died in the switch.
        let paused =
            if self.paused > 0 { format!("; writes waited {} ms", self.paused) } else { String::new() };
        format!("moved to {schema}{paused}")
    }
}

/// How a job ends that was undone.
fn why(what: &Move) -> Stop {
    if what.undone_because.is_empty() { Stop::Cancelled } else { Stop::Refused(what.undone_because.clone()) }
}

/// A job under way.
struct Run<'a> {
    hold: &'a Hold<'a>,
    what: Move,
    /// The context at the source.
    from: Place,
    /// The context at the target.
    to: Place,
}

impl Run<'_> {
    async fn at(&self, step: &str, done: u64, all: u64) -> Outcome<()> {
        let arguments = to_json(&self.what)?;
        let at = Progress { step, done: done.min(all), all, arguments: &arguments, message: "" };
        self.hold.advance(&at).await
    }
}

pub(super) async fn run(hold: &Hold<'_>, job: &Job) -> Outcome<String> {
    let mut what: Move = of_json(job)?;
    if job.step == "undone" {
        return Err(why(&what));
    }
    let (from, to) = steps::prepare(hold, &mut what, &job.step).await?;
    let mut run = Run { hold, what, from, to };
    let mut step = job.step.clone();
    loop {
        let done = match step.as_str() {
            "arrive" => steps::arrive(&mut run).await,
            "wait" => steps::wait(&run).await,
            "clear" => steps::clear(&run).await,
            "undo" => return steps::undo(&run).await,
            "switch" => steps::switch(&mut run, true).await,
            "follow" => steps::switch(&mut run, false).await,
            _ => steps::copy(&mut run).await,
        };
        step = match done {
            Ok(Some(next)) => next.to_owned(),
            Ok(None) => {
                return Ok(run.what.said());
            }
            // Past the switch there is nothing to undo.
            Err(Stop::Cancelled | Stop::Refused(_))
                if matches!(step.as_str(), "arrive" | "wait" | "clear") =>
            {
                return done.map(|_| String::new());
            }
            Err(Stop::Cancelled) => undo_because(&mut run, String::new()).await?,
            Err(Stop::Refused(reason)) => undo_because(&mut run, reason).await?,
            Err(stop) => return Err(stop),
        };
    }
}

async fn undo_because(run: &mut Run<'_>, reason: String) -> Outcome<String> {
    run.what.undone_because = reason;
    run.at("undo", 0, 0).await?;
    Ok("undo".to_owned())
}
