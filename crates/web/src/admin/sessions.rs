//! Sessions.

use serde::Deserialize;
use zebu_app::operator::sessions;
use zebu_model::{ContextId, UserId};

use super::asked::{Asked, Outcome};
use super::refused::Refused;
use super::reply::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    context: Option<u32>,
    user: Option<u32>,
    #[serde(default)]
    global: bool,
}

/// `closesessions`.
pub(super) async fn close(asked: Asked) -> Outcome {
    let options: Close = asked.options.read()?;
    let closed = match (options.context, options.global) {
        (Some(context), false) => {
            sessions::close(&asked.app, ContextId(context), options.user.map(UserId)).await?
        }
        (None, true) if options.user.is_none() => sessions::close_all(&asked.app).await?,
        (None, false) => return Err(Refused::missing("context or global")),
        _ => return Err(Refused::invalid("The option global excludes the options context and user.")),
    };
    Ok(Reply::sentence(format!("{closed} sessions closed")))
}
