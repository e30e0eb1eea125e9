//! `/ajax/multifactor`: a user's second factor: how it stands, turning it on and off, new recovery codes.

use serde::Deserialize;
use serde_json::json;
use zebu_app::Result;
use zebu_app::sessions::second_factor;

use crate::ajax::qr;
use crate::reply::Reply;
use crate::request::Call;

/// The client's name does not matter to the guard, its address and devices do.
const NAMELESS: &str = "";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
}

/// `get`: `enabled`, `since` (ms since the epoch), `recoveryCodes` (how many are left). No parameters.
pub(crate) async fn get(call: Call) -> Result<Reply> {
    let state = second_factor::state(call.app(), &call.caller).await?;
    Ok(Reply::data(json!({
        "enabled": state.since != 0,
        "since": state.since,
        "recoveryCodes": state.recovery_codes,
    })))
}

/// `begin`. Body: `password`. Answers `secret` (base32), `uri` (`otpauth:`) and `qr` (the same as an SVG path, with its `size`).
pub(crate) async fn begin(mut call: Call) -> Result<Reply> {
    let Password { password } = call.request.json().await?;
    let client = call.request.client(NAMELESS);
    let begun = second_factor::begin(call.app(), &call.caller, &password, &client).await?;
    let drawn = qr::drawn(&begun.uri)?;
    Ok(Reply::data(json!({
        "secret": begun.secret,
        "uri": begun.uri,
        "qr": {"size": drawn.size, "path": drawn.path},
    })))
}

/// `confirm`. Body: `code`, the first one of what was begun. Answers the recovery codes.
pub(crate) async fn confirm(mut call: Call) -> Result<Reply> {
    let Code { code } = call.request.json().await?;
    let client = call.request.client(NAMELESS);
    let codes = second_factor::confirm(call.app(), &call.caller, &code, &client).await?;
    Ok(Reply::data(json!({"recoveryCodes": codes})))
}

/// `disable`. Body: `code`, a fresh one or a recovery code.
pub(crate) async fn disable(mut call: Call) -> Result<Reply> {
    let Code { code } = call.request.json().await?;
    let client = call.request.client(NAMELESS);
    second_factor::disable(call.app(), &call.caller, &code, &client).await?;
    Ok(Reply::data(true))
}

/// `recovery`. Body: `code`, a fresh one or a recovery code. Answers new recovery codes; the old ones are worth nothing.
pub(crate) async fn recovery(mut call: Call) -> Result<Reply> {
    let Code { code } = call.request.json().await?;
    let client = call.request.client(NAMELESS);
    let codes = second_factor::renew_recovery(call.app(), &call.caller, &code, &client).await?;
    Ok(Reply::data(json!({"recoveryCodes": codes})))
}
