//! The secret in a session's cookie, which is renewed at intervals without anybody noticing.
//!
//! It is a line, which all secrets of a session have in common, and a half of its own. The one that follows comes from the
//! present one and a salt that only the database has; so every node offers the same one, as often as it must, and writes
//! nothing for that. Once a client shows it, it is the present one; the one before is good for a while longer, for requests
//! under way. Whoever shows an older one has the line and so had a secret once: two have this session, and it ends. A client
//! that never takes an offer up keeps the secret it has.

use std::fmt;

use sha2::{Digest, Sha256};
use zebu_store::shard::sessions::Session;

use super::digest;
use crate::error::Result;
use crate::random;

/// Digits of the line, and of what follows it.
const HALF_DIGITS: usize = 32;

/// A secret in clear. Shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What a secret is to its session; the better, the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Another session's, or nobody's.
    Foreign,
    /// One that was renewed too long ago.
    Outworn,
    /// The one before, in its time of grace.
    Before,
    /// The present one.
    Present,
    /// The one that follows, shown for the first time.
    Next,
}

/// A new session's secret and the salt that leads to those that follow.
pub(super) fn new() -> Result<(Secret, [u8; 32])> {
    let (line, own, salt) = (random::token()?, random::token()?, random::token()?);
    Ok((Secret(format!("{line}{own}")), digest(&salt)))
}

/// The half that all secrets of a session have in common.
pub(super) fn line(secret: &str) -> Option<&str> {
    secret.get(..HALF_DIGITS)
}

/// The secret that follows another.
pub(super) fn following(salt: &[u8; 32], secret: &str) -> Secret {
    let own = Sha256::new().chain_update(salt).chain_update(secret).finalize();
    let own: String = random::hex(&own).chars().take(HALF_DIGITS).collect();
    Secret(format!("{}{own}", line(secret).unwrap_or_default()))
}

/// What a secret is to a session. `grace_ms`: how long the one before is good.
pub(super) fn fit(session: &Session, shown: &str, now_ms: i64, grace_ms: i64) -> Fit {
    let hash = digest(shown);
    if hash == session.secret_hash {
        return Fit::Present;
    }
    if hash == session.next_hash {
        return Fit::Next;
    }
    if hash == session.before_hash && now_ms.saturating_sub(session.renewed) <= grace_ms {
        return Fit::Before;
    }
    match line(shown) {
        Some(line) if digest(line) == session.line_hash => Fit::Outworn,
        _ => Fit::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use zebu_model::UserId;

    use super::*;

    fn session(secret: &str, salt: [u8; 32], renewed: i64, before: [u8; 32]) -> Session {
        Session {
            token_hash: [0; 32],
            user: UserId(3),
            handle: String::new(),
            secret_hash: digest(secret),
            public_hash: [0; 32],
            line_hash: digest(line(secret).unwrap()),
            next_hash: digest(&following(&salt, secret).0),
            before_hash: before,
            salt,
            client: String::new(),
            address: String::new(),
            user_agent: String::new(),
            stays: false,
            created: 0,
            renewed,
            used: 0,
            node: String::new(),
        }
    }

    #[test]
    fn each_secret_leads_to_the_next_and_only_the_last_is_good_beside_the_present_one() {
        let (first, salt) = new().unwrap();
        let second = following(&salt, &first.0);
        let third = following(&salt, &second.0);
        assert!(first.0.len() == 64 && second.0.len() == 64 && first != second && second != third);
        let at =
            |now, shown: &Secret| fit(&session(&second.0, salt, 1_000, digest(&first.0)), &shown.0, now, 100);
        assert_eq!(at(1_000, &second), Fit::Present);
        assert_eq!(at(1_000, &third), Fit::Next);
        assert_eq!((at(1_100, &first), at(1_101, &first)), (Fit::Before, Fit::Outworn));
        let other = new().unwrap().0;
        assert_eq!(at(1_000, &other), Fit::Foreign);
        for bad in ["", "short", &"ä".repeat(40)] {
            assert_eq!(at(1_000, &Secret(bad.to_owned())), Fit::Foreign, "{bad}");
        }
    }

    #[test]
    fn without_the_salt_a_secret_leads_nowhere() {
        let (first, salt) = new().unwrap();
        assert_ne!(following(&salt, &first.0), following(&[0; 32], &first.0));
    }
}
