//! Counters compared with what they count. Exit code 1 says that something was wrong.

use serde::Deserialize;
use serde_json::json;
use zebu_app::operator::counts::{self, Counted, Wrong};
use zebu_app::operator::usage::{self, Usage, Whose};
use zebu_model::ContextId;

use super::asked::{Asked, Outcome};
use super::options::named;
use super::refused::Refused;
use super::reply::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recalculate {
    contextid: Option<u32>,
    contextname: Option<String>,
    filestore: Option<i64>,
    #[serde(default)]
    all: bool,
}

/// `recalculatefilestoreusage`. Bytes, not MB: what is wrong may be less than one.
pub(super) async fn recalculate(asked: Asked) -> Outcome {
    let options: Recalculate = asked.options.read()?;
    let whose = match (options.contextid, options.contextname, options.filestore, options.all) {
        (None, None, None, true) => Whose::All,
        (None, None, Some(id), false) => Whose::Filestore(id),
        (id, name, None, false) => {
            let options = "contextid, contextname, filestore or all";
            Whose::Context(named(id.map(ContextId), name, options)?)
        }
        _ => {
            let words = "The options contextid, contextname, filestore and all exclude each other.";
            return Err(Refused::invalid(words));
        }
    };
    let found = usage::recalculate(&asked.app, &whose).await?;
    let wrong: Vec<&Usage> = found.iter().filter(|usage| usage.was_wrong()).collect();
    if wrong.is_empty() {
        return Ok(Reply::sentence(format!("usage of {} contexts is right", found.len())));
    }
    let columns = &["context", "counted", "used", "difference"];
    let cells = |usage: &Usage| {
        let difference = i128::from(usage.used).saturating_sub(i128::from(usage.counted));
        vec![
            json!(usage.context.0),
            json!(usage.counted),
            json!(usage.used),
            json!(i64::try_from(difference).unwrap_or(i64::MAX)),
        ]
    };
    Ok(Reply::table(columns, wrong.into_iter().map(cells)).something_was_wrong())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    #[serde(default)]
    fix: bool,
}

/// `checkcountsconsistency`.
pub(super) async fn counts(asked: Asked) -> Outcome {
    let options: Check = asked.options.read()?;
    let wrong = counts::check(&asked.app, options.fix).await?;
    if wrong.is_empty() {
        return Ok(Reply::sentence("all counts of contexts are right"));
    }
    let cells = |wrong: Wrong| {
        let what = match wrong.of {
            Counted::Database => "database",
            Counted::Schema => "schema",
            Counted::Filestore => "filestore",
        };
        let done = match (wrong.counted, options.fix) {
            (None, _) => "not registered",
            (Some(_), true) => "mended",
            (Some(_), false) => "wrong",
        };
        vec![
            json!(what),
            json!(wrong.id),
            json!(wrong.name),
            json!(wrong.counted),
            json!(wrong.there),
            json!(done),
        ]
    };
    let columns = &["what", "id", "name", "counted", "there", "state"];
    Ok(Reply::table(columns, wrong.into_iter().map(cells)).something_was_wrong())
}
