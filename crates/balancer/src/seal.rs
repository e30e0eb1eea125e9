//! Signed routes: a client cannot aim at a member that it was not given.
//!
//! The id part of a session id is followed by a signature of id and route: `<id>-<signature>.<route>`. The route stays
//! last, so that whoever else looks at it (Apache, HAProxy, an operator) finds it where it was. A route without a good
//! signature counts as none, and the member is shown a session id without it, so that it names its own anew. Members that
//! are not nodes of ours are shown the id without the signature: they know it as they made it.
//!
//! Web tiers with the same keys agree on every route, and share nothing else. Called by `forward`.

use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::Error;
use crate::params::balancer::Sticky;
use crate::route_keys::{KEY_BYTES, RouteKeys};
use crate::sticky;

/// Hexadecimal digits of a signature: 96 bits, which nobody guesses over a network; and with an id of ours within the 64
/// characters that a node keeps of an id.
const SIGNATURE_DIGITS: usize = 24;

/// What signs and verifies.
pub(crate) struct Seal {
    keys: RwLock<RouteKeys>,
    /// How often the keys have changed.
    turn: AtomicU64,
}

/// The session id that a connection has shown last, if its signature was good: as a rule it shows the same with every request.
#[derive(Default)]
pub(crate) struct Known(Mutex<Option<Good>>);

struct Good {
    session_id: Box<str>,
    separator: char,
    /// Of the keys that verified it.
    turn: u64,
}

impl Known {
    fn lock(&self) -> MutexGuard<'_, Option<Good>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is(&self, session_id: &str, separator: char, turn: u64) -> bool {
        self.lock().as_ref().is_some_and(|good| {
            (good.turn, good.separator) == (turn, separator)
                && is_equal(session_id.as_bytes(), good.session_id.as_bytes())
        })
    }

    fn remember(&self, session_id: &str, separator: char, turn: u64) {
        *self.lock() = Some(Good { session_id: session_id.into(), separator, turn });
    }
}

/// What a session id says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown<'a> {
    /// A route with a good signature.
    Signed(&'a str),
    /// A route without one.
    Forged,
    /// No route.
    Nothing,
}

impl Seal {
    /// With the keys of a file, or a random one of this process if there is none.
    ///
    /// # Errors
    /// The file cannot be used, or the system has no random numbers.
    pub(crate) fn new(file: Option<&Path>) -> Result<Self, Error> {
        let keys = match file {
            Some(file) => RouteKeys::read(file)?,
            None => {
                tracing::warn!(
                    "routes are signed with a key of this process alone: a second web tier needs [web] route_key_file, \
                     the same on all"
                );
                RouteKeys::random()?
            }
        };
        Ok(Self::of(keys))
    }

    fn of(keys: RouteKeys) -> Self {
        Self { keys: RwLock::new(keys), turn: AtomicU64::new(0) }
    }

    /// Takes the keys of the file up anew; whether they were others. One that cannot be used changes nothing.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn read_again(&self, file: &Path) -> Result<bool, Error> {
        let keys = RouteKeys::read(file)?;
        let mut current = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let changed = *current != keys;
        *current = keys;
        if changed {
            // What was verified before is verified anew.
            self.turn.fetch_add(1, Ordering::AcqRel);
        }
        Ok(changed)
    }

    fn keys(&self) -> RouteKeys {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The route of a session id, if its signature is good. `known` is the connection's that shows it.
    pub(crate) fn shown<'a>(&self, session_id: &'a str, sticky: &Sticky, known: &Known) -> Shown<'a> {
        let Some(separator) = sticky.separator else { return Shown::Nothing };
        let Some((signed, route)) = session_id.rsplit_once(separator) else { return Shown::Nothing };
        if route.is_empty() {
            return Shown::Nothing;
        }
        // Before the keys are: those that come in between count for the next time.
        let turn = self.turn.load(Ordering::Acquire);
        if known.is(session_id, separator, turn) {
            return Shown::Signed(route);
        }
        let Some((id, signature)) = apart(signed) else { return Shown::Forged };
        let is_good = |key| is_equal(signature.as_bytes(), &signature_of(key, id, route));
        if !self.keys().iter().any(is_good) {
            return Shown::Forged;
        }
        known.remember(session_id, separator, turn);
        Shown::Signed(route)
    }

    /// A session id with a signature, in place of the one it may have.
    fn sign(&self, session_id: &str, separator: char) -> Option<String> {
        let (id, route) = session_id.rsplit_once(separator)?;
        let id = apart(id).map_or(id, |(id, _)| id);
        let keys = self.keys();
        Some(signed(keys.first()?, id, separator, route))
    }

    /// Signs the session ids that an answer sets.
    pub(crate) fn sign_answer(&self, headers: &mut HeaderMap, sticky: &Sticky) {
        let Some(separator) = sticky.separator else { return };
        // Asked first: an entry makes room for one more line.
        if !headers.contains_key(SET_COOKIE) {
            return;
        }
        let http::header::Entry::Occupied(mut lines) = headers.entry(SET_COOKIE) else { return };
        for line in lines.iter_mut() {
            let Some(signed) = line.to_str().ok().and_then(|text| {
                let value = text.strip_prefix(sticky.cookie.as_str())?.strip_prefix('=')?;
                let (id, attributes) = value.split_at(value.find(';').unwrap_or(value.len()));
                let id = self.sign(id.trim_matches('"'), separator)?;
                HeaderValue::from_str(&format!("{}={id}{attributes}", sticky.cookie)).ok()
            }) else {
                continue;
            };
            *line = signed;
        }
    }
}

/// What is done to the session ids in a request's cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Their routes are cut off.
    Unroute,
    /// Their signatures are taken out.
    Unsign,
}

/// Changes the session ids in the cookies of a request.
pub(crate) fn change_cookies(headers: &mut HeaderMap, sticky: &Sticky, change: Change) {
    let Some(separator) = sticky.separator else { return };
    let http::header::Entry::Occupied(mut lines) = headers.entry(COOKIE) else { return };
    for line in lines.iter_mut() {
        let Ok(text) = line.to_str() else { continue };
        let pairs: Vec<_> =
            text.split(';').map(|pair| changed(pair.trim(), sticky, separator, change)).collect();
        if let Ok(changed) = HeaderValue::from_str(&pairs.join("; ")) {
            *line = changed;
        }
    }
}

/// A session id without the signature that it may have.
pub(crate) fn unsigned(session_id: &str, separator: char) -> Cow<'_, str> {
    match session_id.rsplit_once(separator).and_then(|(signed, route)| Some((apart(signed)?.0, route))) {
        Some((id, route)) => format!("{id}{separator}{route}").into(),
        None => session_id.into(),
    }
}

fn changed(pair: &str, sticky: &Sticky, separator: char, change: Change) -> String {
    let id = sticky::id_in_pair(pair, &sticky.cookie);
    let parts = id.and_then(|id| id.rsplit_once(separator));
    let (Some((id, route)), Sticky { cookie, .. }) = (parts, sticky) else { return pair.to_owned() };
    let bare = apart(id).map_or(id, |(id, _)| id);
    match change {
        Change::Unroute => format!("{cookie}={bare}"),
        Change::Unsign => format!("{cookie}={bare}{separator}{route}"),
    }
}

/// A session id with its route, signed with a key.
pub fn signed(key: &[u8; KEY_BYTES], id: &str, separator: char, route: &str) -> String {
    let signature = signature_of(key, id, route);
    format!("{id}-{}{separator}{route}", String::from_utf8_lossy(&signature))
}

/// Id and signature, if there is something of the form of one.
fn apart(signed: &str) -> Option<(&str, &str)> {
    let (id, signature) = signed.rsplit_once('-')?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = !id.is_empty() && signature.len() == SIGNATURE_DIGITS && signature.bytes().all(is_digit);
    fits.then_some((id, signature))
}

fn signature_of(key: &[u8; KEY_BYTES], id: &str, route: &str) -> [u8; SIGNATURE_DIGITS] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    // A length, so that no part of an id can pass for a part of a route.
    hasher.update(&(id.len() as u64).to_le_bytes()).update(id.as_bytes()).update(route.as_bytes());
    let mut digits = [0; SIGNATURE_DIGITS];
    for (digit, source) in digits.iter_mut().zip(hasher.finalize().to_hex().bytes()) {
        *digit = source;
    }
    digits
}

/// Takes as long whatever differs.
fn is_equal(shown: &[u8], good: &[u8]) -> bool {
    shown.len() == good.len() && shown.iter().zip(good).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seal(keys: &[u8]) -> Seal {
        Seal::of(RouteKeys::of(keys.iter().map(|byte| [*byte; KEY_BYTES])))
    }

    fn shown<'a>(seal: &Seal, session_id: &'a str) -> Shown<'a> {
        seal.shown(session_id, &Sticky::default(), &Known::default())
    }

    fn set_by(seal: &Seal, id: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_static("other=1; Path=/"));
        headers.append(
            SET_COOKIE,
            HeaderValue::from_str(&format!("JSESSIONID={id}; Path=/; HttpOnly")).unwrap(),
        );
        seal.sign_answer(&mut headers, &Sticky::default());
        let mut lines = headers.get_all(SET_COOKIE).iter();
        assert_eq!(lines.next().unwrap(), "other=1; Path=/");
        let line = lines.next().unwrap().to_str().unwrap();
        let value = line.strip_prefix("JSESSIONID=").unwrap();
        value.strip_suffix("; Path=/; HttpOnly").unwrap().to_owned()
    }

    #[test]
    fn what_was_signed_is_believed_and_its_route_stays_last() {
        let seal = seal(&[1]);
        let id = set_by(&seal, "abc.OX-1");
        assert!(id.starts_with("abc-") && id.ends_with(".OX-1"), "{id}");
        assert_eq!(shown(&seal, &id), Shown::Signed("OX-1"));
    }

    #[test]
    fn a_route_that_somebody_wrote_themselves_is_not_believed() {
        let seal = seal(&[1]);
        let id = set_by(&seal, "abc.OX-1");
        let other_route = id.replace("OX-1", "OX-2");
        let other_id = id.replace("abc", "abd");
        let moved = id.replace("abc", "ab").replace(".OX-1", ".cOX-1");
        for forged in ["abc.OX-1", &other_route, &other_id, &moved, "-.OX-1", ".OX-1"] {
            assert_eq!(shown(&seal, forged), Shown::Forged, "{forged}");
        }
        for bare in ["abc", "abc.", ""] {
            assert_eq!(shown(&seal, bare), Shown::Nothing, "{bare}");
        }
        assert_eq!(shown(&super::tests::seal(&[2]), &id), Shown::Forged, "another key");
    }

    #[test]
    fn what_a_connection_has_shown_is_known_until_the_keys_change() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let write = |key: u8| {
            let _ = std::fs::remove_file(&file);
            let keys = RouteKeys::of([[key; KEY_BYTES]]);
            keys.write(&file).unwrap();
        };
        write(1);
        let (seal, known, sticky) = (Seal::new(Some(&file)).unwrap(), Known::default(), Sticky::default());
        let id = set_by(&seal, "abc.OX-1");
        for _ in 0..2 {
            assert_eq!(seal.shown(&id, &sticky, &known), Shown::Signed("OX-1"));
        }
        let other = id.replace("abc", "abd");
        assert_eq!(seal.shown(&other, &sticky, &known), Shown::Forged, "only what was shown is known");
        let separated = Sticky { separator: Some('!'), ..Sticky::default() };
        assert_eq!(seal.shown(&id.replace('.', "!"), &separated, &known), Shown::Signed("OX-1"));
        assert_eq!(seal.shown(&id, &sticky, &known), Shown::Signed("OX-1"));
        write(2);
        assert!(seal.read_again(&file).unwrap());
        assert_eq!(seal.shown(&id, &sticky, &known), Shown::Forged, "a key that is gone verifies nothing");
    }

    #[test]
    fn an_old_key_verifies_and_the_first_one_signs() {
        let (old, both, new) = (seal(&[1]), seal(&[2, 1]), seal(&[2]));
        let id = set_by(&old, "abc.OX-1");
        assert_eq!(shown(&both, &id), Shown::Signed("OX-1"));
        let again = set_by(&both, &id);
        assert_eq!(again.len(), id.len(), "a signature takes the place of the one before");
        assert_eq!(shown(&new, &again), Shown::Signed("OX-1"));
        assert_eq!(shown(&new, &id), Shown::Forged);
    }

    #[test]
    fn cookies_lose_their_route_or_their_signature_and_others_stay() {
        let sticky = Sticky::default();
        let check = |change: Change, sent: &str, expected: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_str(sent).unwrap());
            change_cookies(&mut headers, &sticky, change);
            assert_eq!(headers[COOKIE], expected, "{sent}");
        };
        let signed = set_by(&seal(&[1]), "abc.OX-1");
        check(Change::Unroute, &format!("a=b; JSESSIONID={signed}; c=d.e"), "a=b; JSESSIONID=abc; c=d.e");
        check(Change::Unroute, "JSESSIONID=abc.OX-1", "JSESSIONID=abc");
        check(Change::Unroute, "JSESSIONID=abc", "JSESSIONID=abc");
        check(Change::Unsign, &format!("a=b;JSESSIONID={signed}"), "a=b; JSESSIONID=abc.OX-1");
        check(Change::Unsign, "JSESSIONID=abc.OX-1", "JSESSIONID=abc.OX-1");
    }

    proptest! {
        #[test]
        fn no_session_id_makes_it_panic_or_believe(id in "[ -~]{0,80}") {
            let seal = seal(&[1]);
            prop_assert!(!matches!(shown(&seal, &id), Shown::Signed(_)));
        }
    }
}
