//! Second factors of users.

use serde::Deserialize;
use zebu_app::operator::Named;
use zebu_app::operator::second_factors;
use zebu_model::UserId;

use super::asked::{Asked, Outcome};
use super::refused::Refused;
use super::reply::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    contextid: u32,
    userid: Option<u32>,
    username: Option<String>,
}

/// `resetsecondfactor`.
pub(super) async fn reset(asked: Asked) -> Outcome {
    let options: Which = asked.options.read()?;
    let which = match (options.userid, options.username) {
        (Some(id), None) => Named::Id(UserId(id)),
        (None, Some(name)) => Named::Name(name),
        (None, None) => return Err(Refused::missing("userid or username")),
        (Some(_), Some(_)) => {
            return Err(Refused::invalid("The options userid and username exclude each other."));
        }
    };
    let context = zebu_model::ContextId(options.contextid);
    let (id, was_there) = second_factors::reset(&asked.app, context, &which).await?;
    let words = if was_there { "has no second factor any more" } else { "had no second factor" };
    Ok(Reply::sentence(format!("user {id} in context {context} {words}")))
}
