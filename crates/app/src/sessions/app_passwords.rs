//! App passwords: for programs that send a password with every request and cannot ask for a second factor.
//!
//! Random and long, so a plain hash suffices and comparing costs nothing. Each is good for some interfaces only, can be taken
//! back by itself, and then holds nowhere: it is of the scope of its user's sessions.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use zebu_model::session::TOUCH_MS;
use zebu_model::{ContextId, Refusal, Scope, UserId};
use zebu_store::shard::app_passwords::{self, AppPassword};
use zebu_store::{Place, Plan};

use super::{base32, digest};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::random;
use crate::settle::until_settled;

/// App passwords a user may have.
const PER_USER_MAX: usize = 50;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 64;
/// Letters of one: 100 bits.
const LETTERS: usize = 20;
/// Uses remembered; each costs some 40 bytes.
const USES_MAX: usize = 10_000;

/// An interface that programs sign in to with every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// WebDAV, and what else is built on it.
    Dav,
    /// ActiveSync.
    Eas,
}

/// What an app password is good for. A number is what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// [`Interface::Dav`].
    Dav = 1,
    /// [`Interface::Eas`].
    Eas = 2,
    /// All interfaces.
    All = 3,
}

impl Use {
    /// All there are.
    pub const ALL: [Use; 3] = [Use::Dav, Use::Eas, Use::All];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Use::Dav => "dav",
            Use::Eas => "eas",
            Use::All => "all",
        }
    }

    /// The one of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Use> {
        Use::ALL.into_iter().find(|one| one.name() == name)
    }

    fn of_stored(number: i64) -> Option<Use> {
        Use::ALL.into_iter().find(|one| *one as i64 == number)
    }

    fn includes(self, interface: Interface) -> bool {
        match (self, interface) {
            (Use::All, _) | (Use::Dav, Interface::Dav) | (Use::Eas, Interface::Eas) => true,
            (Use::Dav, Interface::Eas) | (Use::Eas, Interface::Dav) => false,
        }
    }
}

/// An app password in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: i64,
    /// What its user calls it.
    pub name: String,
    /// What it is good for.
    pub good_for: Use,
    /// When it was made, ms since the epoch.
    pub created: i64,
    /// When it was last used, to a minute, ms since the epoch; 0: never.
    pub used: i64,
}

/// A new one: the only moment at which it can be read.
#[derive(Clone, PartialEq, Eq)]
pub struct Made {
    /// Its id.
    pub id: i64,
    /// The name to sign in with.
    pub login: String,
    /// The password.
    pub password: String,
}

/// When app passwords were last used, as far as this node knows.
#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<HashMap<(ContextId, UserId, i64), i64>>);

impl Uses {
    /// Whether a use now is to be written. Says yes once a minute for each.
    fn is_due(&self, key: (ContextId, UserId, i64), stored: i64, now: i64) -> bool {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = uses.get(&key).copied().unwrap_or_default().max(stored);
        if last != 0 && now.saturating_sub(last) < TOUCH_MS {
            return false;
        }
        if uses.len() >= USES_MAX {
            uses.clear();
        }
        uses.insert(key, now);
        true
    }
}

/// The caller's, the newest first.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Listed>> {
    let mut tx = app.read(&caller.place).await?;
    let all = app_passwords::of_user(&mut tx, caller.who.user).await?;
    let listed = |one: AppPassword| {
        let good_for = Use::of_stored(one.scope)?;
        Some(Listed { id: one.id, name: one.name, good_for, created: one.created, used: one.used })
    };
    Ok(all.into_iter().filter_map(listed).collect())
}

/// Makes one for the caller.
pub async fn create(app: &App, caller: &Caller, name: &str, good_for: Use) -> Result<Made> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(Refusal::AppPasswordNameInvalid { limit: NAME_CHARS_MAX }.into());
    }
    let (random, more) = (random::bytes()?, random::bytes()?);
    let password: String = base32::encode(&random).to_ascii_lowercase().chars().take(LETTERS).collect();
    let [a, b, c, d, e, f, ..] = more;
    let new = AppPassword {
        id: i64::from_be_bytes([0, 0, a & 0x1f, b, c, d, e, f]),
        name: name.to_owned(),
        scope: good_for as i64,
        created: app.now_ms(),
        used: 0,
    };
    until_settled!(insert(app, caller, &new, digest(&password)).await)?;
    log(caller, "made", &new.name);
    Ok(Made { id: new.id, login: caller.login.clone(), password: base32::in_groups(&password) })
}

async fn insert(app: &App, caller: &Caller, new: &AppPassword, hash: [u8; 32]) -> Result<()> {
    let user = caller.who.user;
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Sessions(user)])).await?;
    caller.as_of(&mut tx).await?;
    if app_passwords::of_user(&mut tx, user).await?.len() >= PER_USER_MAX {
        return Err(Refusal::AppPasswordsTooMany { limit: PER_USER_MAX }.into());
    }
    app_passwords::insert(&mut tx, user, new, hash).await?;
    Ok(tx.commit().await?)
}

/// Takes one of the caller's back; it holds nowhere any more when this returns.
pub async fn remove(app: &App, caller: &Caller, id: i64) -> Result<()> {
    if !until_settled!(delete(app, caller, id).await)? {
        return Err(Refusal::AppPasswordMissing { id }.into());
    }
    log(caller, "taken back", &id.to_string());
    Ok(())
}

async fn delete(app: &App, caller: &Caller, id: i64) -> Result<bool> {
    let user = caller.who.user;
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Sessions(user)])).await?;
    let was_there = app_passwords::delete(&mut tx, user, id).await?;
    tx.commit().await?;
    Ok(was_there)
}

/// Whether a password is an app password of this user that is good for an interface. From memory, where that may be.
pub(super) async fn is_one(
    app: &App,
    place: &Place,
    user: UserId,
    password: &str,
    interface: Interface,
) -> Result<bool> {
    let Some(plain) = plain(password) else { return Ok(false) };
    let found = {
        let mut tx = app.store.recall(place, &[Scope::Sessions(user)]).await?;
        app_passwords::recall(&mut tx, user, digest(&plain)).await?
    };
    let Some(found) = found.filter(|f| Use::of_stored(f.scope).is_some_and(|u| u.includes(interface))) else {
        return Ok(false);
    };
    let now = app.now_ms();
    if app.app_password_uses.is_due((place.context, user, found.id), found.used, now)
        && let Err(error) = set_used(app, place, user, found.id, now).await
    {
        tracing::warn!("the use of an app password was not written: {}", error.cause_chain());
    }
    Ok(true)
}

async fn set_used(app: &App, place: &Place, user: UserId, id: i64, now: i64) -> Result<()> {
    let mut tx = app.write(place, Plan::default()).await?;
    app_passwords::set_used(&mut tx, user, id, now).await?;
    Ok(tx.commit().await?)
}

/// The letters of what has the form of an app password, however people wrote it.
fn plain(password: &str) -> Option<String> {
    let letters = password.chars().filter(|c| *c != '-' && *c != ' ').map(|c| c.to_ascii_lowercase());
    let plain: String = letters.take(LETTERS + 1).collect();
    let fits = |b: u8| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b);
    (plain.len() == LETTERS && plain.bytes().all(fits)).then_some(plain)
}

fn log(caller: &Caller, what: &str, which: &str) {
    tracing::info!(
        "App password {what}: {which}. Context: {}, User: {}, by session: {}",
        caller.place.context,
        caller.who.user,
        caller.session_handle().unwrap_or_default()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_password_is_known_by_its_form_however_it_is_written() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(plain(text).as_deref(), expected, "{text}");
        check("abcd-efgh-ijkl-mnop-qr27", Some("abcdefghijklmnopqr27"));
        check("ABCD EFGH IJKL MNOP QR27", Some("abcdefghijklmnopqr27"));
        check("abcdefghijklmnopqr27", Some("abcdefghijklmnopqr27"));
        for other in
            ["", "secret", "abcd-efgh-ijkl-mnop-qr2", "abcd-efgh-ijkl-mnop-qr277", "abcd-efgh-ijkl-mnop-qr01"]
        {
            check(other, None);
        }
    }

    #[test]
    fn a_use_is_written_once_a_minute() {
        let (uses, key) = (Uses::default(), (ContextId(1), UserId(3), 7));
        assert!(uses.is_due(key, 0, 1_000_000));
        assert!(!uses.is_due(key, 0, 1_000_000 + TOUCH_MS - 1));
        assert!(uses.is_due(key, 0, 1_000_000 + TOUCH_MS));
        assert!(!uses.is_due((ContextId(1), UserId(3), 8), 1_000_000, 1_000_001));
    }
}
