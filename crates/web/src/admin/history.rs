//! Synchronisation after a restore.

use serde::Deserialize;
use zebu_app::operator::history;
use zebu_model::ContextId;

use super::asked::{Asked, Outcome};
use super::refused::Refused;
use super::reply::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restored {
    context: Option<u32>,
    #[serde(default)]
    global: bool,
}

/// `contextrestored`.
pub(super) async fn restored(asked: Asked) -> Outcome {
    let options: Restored = asked.options.read()?;
    let count = match (options.context, options.global) {
        (Some(context), false) => {
            history::restored(&asked.app, ContextId(context)).await?;
            1
        }
        (None, true) => history::restored_all(&asked.app).await?,
        (None, false) => return Err(Refused::missing("context or global")),
        _ => return Err(Refused::invalid("The option global excludes the option context.")),
    };
    Ok(Reply::sentence(format!("synchronisation begins anew; contexts: {count}")))
}
