//! Jobs: long work on contexts, which goes on whatever becomes of the daemon that was asked for it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use zebu_app::App;
use zebu_app::operator::jobs::{self, JobRow};
use zebu_model::ContextId;

use super::asked::{Asked, Outcome};
use super::contexts::Which;
use super::options::named;
use super::refused::Refused;
use super::reply::Reply;

/// How long a command waits for a job that is usually soon over, before it answers that the job goes on without it.
const PATIENCE: Duration = Duration::from_secs(60);

/// `deletecontext`: waits for the end, because scripts go on as if there were no such context.
pub(super) async fn delete_context(asked: Asked) -> Outcome {
    let which = asked.options.read::<Which>()?.named()?;
    let (context, job) = jobs::delete_context(&asked.app, &which).await?;
    match ended(&asked.app, job).await? {
        true => Ok(Reply::done("context", context.0, "deleted")),
        false => Ok(Reply::sentence(format!("context {context} is being deleted, scheduled as job {job}"))),
    }
}

/// Waits a while for the end of a job. Whether it is done; one that was called off or failed is refused with what it says.
pub(super) async fn ended(app: &App, job: i64) -> Result<bool, Refused> {
    let job = jobs::wait(app, job, PATIENCE).await?;
    match job.state {
        "done" => Ok(true),
        "failed" | "cancelled" => Err(Refused::invalid(job.message)),
        _ => Ok(false),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    contextid: Option<u32>,
    contextname: Option<String>,
    database: Option<i64>,
    name: Option<String>,
}

/// `movecontextdatabase`.
pub(super) async fn move_database(asked: Asked) -> Outcome {
    let options: Move = asked.options.read()?;
    let which = named(options.contextid.map(ContextId), options.contextname, "contextid or contextname")?;
    let to = named(options.database, options.name, "database or name")?;
    let (context, database, job) = jobs::move_database(&asked.app, &which, &to).await?;
    Ok(Reply::sentence(format!("move of context {context} to database {database} scheduled as job {job}")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveContents {
    contextid: Option<u32>,
    contextname: Option<String>,
    filestore: i64,
}

/// `movecontextfilestore`.
pub(super) async fn move_filestore(asked: Asked) -> Outcome {
    let options: MoveContents = asked.options.read()?;
    let which = named(options.contextid.map(ContextId), options.contextname, "contextid or contextname")?;
    let to = options.filestore;
    let (context, job) = jobs::move_filestore(&asked.app, &which, to).await?;
    Ok(Reply::sentence(format!("move of context {context} to filestore {to} scheduled as job {job}")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Control {
    #[serde(default)]
    list: bool,
    details: Option<i64>,
    cancel: Option<i64>,
    delete: Option<i64>,
    #[serde(default)]
    flush: bool,
}

/// `jobcontrol`: one of its options says what.
pub(super) async fn control(asked: Asked) -> Outcome {
    let options: Control = asked.options.read()?;
    let app = &asked.app;
    match (options.list, options.details, options.cancel, options.delete, options.flush) {
        (true, None, None, None, false) => Ok(table(jobs::list(app).await?)),
        (false, Some(id), None, None, false) => Ok(table([jobs::get(app, id).await?])),
        (false, None, Some(id), None, false) => {
            jobs::cancel(app, id).await?;
            Ok(Reply::done("job", id, "is asked to stop"))
        }
        (false, None, None, Some(id), false) => {
            jobs::forget(app, id).await?;
            Ok(Reply::done("job", id, "deleted"))
        }
        (false, None, None, None, true) => {
            let count = jobs::forget_all(app).await?;
            Ok(Reply::sentence(format!("{count} jobs deleted")))
        }
        (false, None, None, None, false) => Err(Refused::missing("list, details, cancel, delete or flush")),
        _ => Err(Refused::invalid("The options list, details, cancel, delete and flush exclude each other.")),
    }
}

fn table(jobs: impl IntoIterator<Item = JobRow>) -> Reply {
    let columns =
        &["id", "kind", "context", "state", "step", "done", "all", "message", "created", "finished"];
    let cells = |job: JobRow| {
        vec![
            json!(job.id),
            json!(job.kind),
            json!(job.context.0),
            json!(job.state),
            json!(job.step),
            json!(job.done),
            json!(job.all),
            json!(job.message),
            json!(job.created),
            json!(job.finished),
        ]
    };
    Reply::table(columns, jobs.into_iter().map(cells))
}
