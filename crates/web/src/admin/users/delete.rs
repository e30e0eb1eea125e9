//! `deleteuser`: waits for the end, because scripts go on as if there were no such user.

use serde::Deserialize;
use zebu_app::operator::users::{self, Estate};
use zebu_model::{ContextId, UserId};

use super::super::asked::{Asked, Outcome};
use super::super::jobs::ended;
use super::super::options::named;
use super::super::refused::Refused;
use super::super::reply::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Delete {
    contextid: u32,
    userid: Option<u32>,
    username: Option<String>,
    reassign: Option<u32>,
    #[serde(default)]
    no_reassign: bool,
    #[serde(default)]
    if_exists: bool,
}

/// `deleteuser`.
pub(in super::super) async fn delete(asked: Asked) -> Outcome {
    let options: Delete = asked.options.read()?;
    let context = ContextId(options.contextid);
    let which = named(options.userid.map(UserId), options.username, "userid or username")?;
    let estate = match (options.reassign, options.no_reassign) {
        (heir, false) => Estate::HandedOver(heir.map(UserId)),
        (None, true) => Estate::Deleted,
        (Some(_), true) => {
            return Err(Refused::invalid("The options reassign and no-reassign exclude each other."));
        }
    };
    let Some((user, job)) = users::delete(&asked.app, context, &which, estate, options.if_exists).await?
    else {
        return Ok(Reply::sentence(format!("user {which} in context {context} does not exist")));
    };
    match ended(&asked.app, job).await? {
        true => Ok(Reply::done_in("user", user.0, context, "deleted")),
        false => Ok(Reply::sentence(format!(
            "user {user} in context {context} is being deleted, scheduled as job {job}"
        ))),
    }
}
