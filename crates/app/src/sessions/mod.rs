//! Signing in, staying signed in, signing out; and who a request comes from.
//!
//! A session id is 32 hex digits: 8 that name the context (so that any node finds the shard without a table of its own)
//! and 96 random bits. The secret in the cookie has 256 more (see `secret`). The database has only their hashes.

pub mod app_passwords;
mod authenticate;
mod base32;
mod config;
mod guard;
mod limits;
mod login;
mod logout;
mod network;
mod own;
mod resume;
pub mod second_factor;
mod secret;

use sha2::{Digest, Sha256};
use zebu_model::{ContextId, Scope};

use crate::app::App;
use crate::error::Result;
use crate::random;

pub(crate) use app_passwords::Uses;
pub use authenticate::{Credentials, basic};
pub use config::{AtLimit, IpCheck, SessionConfig};
pub(crate) use guard::{Guard, Kind, trim, wait_ms};
pub use guard::{GuardConfig, Origin, SignIns, sign_ins};
pub use login::{SignedIn, login, login_with_code};
pub use logout::logout;
pub use network::Network;
pub use own::{OwnSession, end_others, end_own, own};
pub(crate) use resume::still;
pub use resume::{Secrets, autologin, resume, stay};
pub(crate) use secret::Secret;

/// What nearly every request reads: its versions are found out while the master is asked for the session or the
/// credential, which only that can answer for certain.
const WANTED_BY_ALL: [Scope; 2] = [Scope::Principals, Scope::Tree];

/// How long a session lives unused whose user stays signed in, seconds.
#[must_use]
pub fn long_seconds(app: &App) -> i64 {
    app.config.sessions.long_ms / 1_000
}

/// A fresh session id in a context.
fn new_session_id(context: ContextId) -> Result<String> {
    let random: String = random::token()?.chars().take(24).collect();
    Ok(format!("{:08x}{random}", context.0))
}

/// The context a session id names, if it has the form of one.
fn context_of(session: &str) -> Option<ContextId> {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if session.len() != 32 || !session.bytes().all(hex) {
        return None;
    }
    u32::from_str_radix(session.get(..8)?, 16).ok().map(ContextId)
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// What stands behind `open-xchange-secret-` in a client's cookie names: several clients of one browser coexist. It
/// depends on the client's name only: with the user agent in it, a browser's update would end its sessions.
#[must_use]
pub fn cookie_hash(client: &str) -> String {
    random::hex(&Sha256::digest(client.as_bytes())).chars().take(22).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_leads_to_its_context() {
        let id = new_session_id(ContextId(4_711)).unwrap();
        assert_eq!(id.len(), 32);
        assert_eq!(context_of(&id), Some(ContextId(4_711)));
    }

    #[test]
    fn what_is_no_session_id_leads_nowhere() {
        for bad in ["", "1", &"g".repeat(32), &"A".repeat(32), &"0".repeat(33), "ä".repeat(16).as_str()] {
            assert_eq!(context_of(bad), None, "{bad}");
        }
    }
}
