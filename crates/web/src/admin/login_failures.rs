//! Failed sign-ins, as the guard of passwords counts them.

use serde::Deserialize;
use serde_json::json;
use zebu_app::operator::login_failures;
use zebu_model::{ContextId, UserId};

use super::asked::{Asked, Outcome};
use super::refused::Refused;
use super::reply::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {}

/// `listloginfailures`.
pub(super) async fn list(asked: Asked) -> Outcome {
    let List {} = asked.options.read()?;
    let counted = login_failures::list(&asked.app).await?;
    let columns = &["kind", "context", "user", "network", "failures", "last_failure", "wait"];
    let rows = counted.into_iter().map(|one| {
        vec![
            json!(one.kind),
            json!(one.context.0),
            json!(one.user.0),
            json!(one.network),
            json!(one.failures),
            json!(one.last),
            json!(one.wait_seconds),
        ]
    });
    Ok(Reply::table(columns, rows))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    context: Option<u32>,
    user: Option<u32>,
    network: Option<String>,
    #[serde(default)]
    global: bool,
}

/// `resetloginfailures`.
pub(super) async fn reset(asked: Asked) -> Outcome {
    let options: Reset = asked.options.read()?;
    let (context, user) = (options.context.map(ContextId), options.user.map(UserId));
    let network = options.network.as_deref();
    if user.is_some() && context.is_none() {
        return Err(Refused::missing("context"));
    }
    let gone = match (context, network, options.global) {
        (Some(_), None, false) => login_failures::reset(&asked.app, context, user, None).await?,
        (None, Some(network), false) => login_failures::reset(&asked.app, None, None, Some(network)).await?,
        (None, None, true) => login_failures::reset(&asked.app, None, None, None).await?,
        (None, None, false) => return Err(Refused::missing("context, network or global")),
        _ => return Err(Refused::invalid("The options context, network and global exclude each other.")),
    };
    Ok(Reply::sentence(format!("{gone} counters forgotten")))
}
