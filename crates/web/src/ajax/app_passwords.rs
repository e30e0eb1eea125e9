//! `/ajax/apppasswords`: a user's app passwords, for programs that cannot ask for a second factor.

use serde::Deserialize;
use serde_json::{Value, json};
use zebu_app::Result;
use zebu_app::sessions::app_passwords::{self, Listed, Use};

use crate::params::invalid;
use crate::reply::Reply;
use crate::request::Call;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Add {
    app_name: String,
    app_scope: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Remove {
    #[serde(rename = "passwordUUID")]
    text: String,
}

/// `getApps`: what an app password may be good for.
pub(crate) async fn get_apps(_: Call) -> Result<Reply> {
    Ok(Reply::data(Use::ALL.map(|one| json!({"name": one.name()})).to_vec()))
}

/// `list`: the app passwords, the newest first. What lets anybody in is not among it.
pub(crate) async fn list(call: Call) -> Result<Reply> {
    let all = app_passwords::list(call.app(), &call.caller).await?;
    Ok(Reply::data(all.iter().map(object).collect::<Vec<_>>()))
}

/// `add`. Body: `appName`, `appScope` (`dav`, `eas`, `all`). Answers `login` and `password`, which nobody can read again, and `UUID`.
pub(crate) async fn add(mut call: Call) -> Result<Reply> {
    let Add { app_name, app_scope } = call.request.json().await?;
    let good_for = Use::of_name(&app_scope).ok_or_else(|| invalid("appScope", &app_scope))?;
    let made = app_passwords::create(call.app(), &call.caller, &app_name, good_for).await?;
    Ok(Reply::data(json!({"login": made.login, "password": made.password, "UUID": made.id.to_string()})))
}

/// `remove`. Body: `passwordUUID`. Holds on every node when it is answered.
pub(crate) async fn remove(mut call: Call) -> Result<Reply> {
    let Remove { text } = call.request.json().await?;
    let id = text.parse().map_err(|_| invalid("passwordUUID", &text))?;
    app_passwords::remove(call.app(), &call.caller, id).await?;
    Ok(Reply::data(true))
}

fn object(one: &Listed) -> Value {
    json!({
        "UUID": one.id.to_string(),
        "name": one.name,
        "scope": one.good_for.name(),
        "created": one.created,
        "lastLogin": one.used,
    })
}
