//! Signing in and out (`/ajax/login`).
//!
//! Credentials come in bodies only: an address ends up in logs and histories.

pub(crate) mod autologin;
pub(crate) mod logout;
pub(crate) mod sign_in;
pub(crate) mod store;

use serde_json::{Value, json};
use zebu_app::sessions::SignedIn;

use crate::params::Params;
use crate::request_id;

/// The client's name when it gives none: its cookies need one.
const CLIENT_DEFAULT: &str = "unnamed";

/// The parameter `client`.
fn client_of(params: &Params) -> &str {
    params.get("client").unwrap_or(CLIENT_DEFAULT)
}

/// What a client learns of its new session. `random` is there because old clients look for it; it opens nothing.
fn session_object(signed_in: &SignedIn) -> Value {
    let caller = &signed_in.caller;
    json!({
        "session": signed_in.session,
        "user": caller.login(),
        "user_id": caller.user().0,
        "context_id": caller.context().0,
        "locale": caller.locale(),
        "random": request_id::new(),
    })
}
