//! Who a request with a session comes from; staying signed in.

use std::net::IpAddr;

use zebu_model::session::TOUCH_MS;
use zebu_model::{ContextId, Refusal, Scope, UserId};
use zebu_store::shard::sessions::{self, Found};
use zebu_store::{Known, Place, Plan};

use super::config::{IpCheck, SessionConfig};
use super::login::SignedIn;
use super::network::Network;
use super::secret::{self, Fit, Secret};
use super::{context_of, digest};
use crate::app::App;
use crate::caller::{Caller, CallerSession};
use crate::error::Result;
use crate::settle::until_settled;

/// How soon another node that serves a session writes so, ms. A client that changes nodes with every request must not
/// make every read a write.
const MOVED_MS: i64 = 5_000;

/// The values that a request has for the secret cookie of a client, by the client's name. More than one if somebody else put
/// a cookie of that name beside ours: any that fits will do.
pub type Secrets<'a> = &'a (dyn Fn(&str) -> Vec<String> + Sync);

/// Who a request comes from. `address`: the client's, where it is known.
pub async fn resume(
    app: &App,
    session: &str,
    secrets_of: Secrets<'_>,
    address: Option<IpAddr>,
) -> Result<Caller> {
    let (place, found) = find(app, session).await?;
    let shown = secrets_of(&found.session.client);
    admit(app, place, found, &shown, address).await
}

/// The caller of a session, if one of the shown secrets is good and the request comes from where it may.
async fn admit(
    app: &App,
    place: Place,
    found: Found,
    shown: &[String],
    address: Option<IpAddr>,
) -> Result<Caller> {
    let (config, now) = (&app.config.sessions, app.now_ms());
    let fits =
        shown.iter().map(|shown| (secret::fit(&found.session, shown, now, config.renew_grace_ms), shown));
    let (fit, shown) = fits.max_by_key(|(fit, _)| *fit).ok_or(Refusal::SessionSecretWrong {})?;
    match fit {
        Fit::Foreign => return Err(Refusal::SessionSecretWrong {}.into()),
        Fit::Outworn => return Err(end_stolen(app, &place, &found, now).await),
        Fit::Before | Fit::Present | Fit::Next => {}
    }
    if !address_fits(config, &found.session.address, address) {
        tracing::info!(
            "Request from another address than the sign-in. ID: {}, Context: {}, User: {}",
            found.session.handle,
            place.context,
            found.session.user
        );
        return Err(Refusal::SessionAddressWrong {}.into());
    }
    let due = config.renew_ms > 0 && now.saturating_sub(found.session.renewed) >= config.renew_ms;
    let (kept, is_renewed) = match fit {
        Fit::Present if due => (secret::following(&found.session.salt, shown), true),
        // It has been offered another already, which somebody took up; the answer with the offer may have been lost.
        Fit::Before => (secret::following(&found.session.salt, shown), true),
        _ => (Secret(shown.clone()), false),
    };
    if fit == Fit::Next {
        take_up(app, &place, &found, shown, now).await;
    }
    touch(app, &place, &found).await;
    Ok(caller(place, found, kept, is_renewed))
}

/// A renewed secret is shown for the first time: from now on it is the present one, on every node. If that cannot be written it
/// stays the one that follows, and is as good.
async fn take_up(app: &App, place: &Place, found: &Found, shown: &str, now: i64) {
    let next = digest(&secret::following(&found.session.salt, shown).0);
    let (user, token_hash, present) = (found.session.user, found.session.token_hash, digest(shown));
    let write = async || {
        let mut tx = app.write(place, Plan::changing([Scope::Sessions(user)])).await?;
        sessions::renew_secret(&mut tx, user, token_hash, present, next, now).await?;
        Ok::<(), crate::Error>(tx.commit().await?)
    };
    if let Err(error) = until_settled!(write().await) {
        let handle = &found.session.handle;
        tracing::warn!("the renewed secret of session {handle} was not written: {}", error.cause_chain());
    }
}

/// Two have a secret of this session: it ends, for both.
async fn end_stolen(app: &App, place: &Place, found: &Found, now: i64) -> crate::Error {
    let Found { session, .. } = found;
    tracing::warn!(
        "Session ended: a secret was shown that had been renewed long ago, so two clients have it. ID: {}, Context: {}, User: {}, seconds since the last renewal: {}",
        session.handle,
        place.context,
        session.user,
        now.saturating_sub(session.renewed) / 1_000
    );
    match until_settled!(end(app, place, session.user, session.token_hash).await) {
        Ok(()) => Refusal::SessionSecretWrong {}.into(),
        Err(error) => error,
    }
}

/// Ends a session, on every node before it returns.
pub(super) async fn end(app: &App, place: &Place, user: UserId, token_hash: [u8; 32]) -> Result<()> {
    let mut tx = app.write(place, Plan::changing([Scope::Sessions(user)])).await?;
    sessions::delete(&mut tx, user, token_hash).await?;
    Ok(tx.commit().await?)
}

/// Whether a request may come from this address. One that is not known, of the sign-in or now, fits nowhere where that matters.
fn address_fits(config: &SessionConfig, at_login: &str, now: Option<IpAddr>) -> bool {
    if config.ip_check == IpCheck::None {
        return true;
    }
    let Some(now) = now else { return false };
    if config.ip_check_not_from.iter().any(|network| network.contains(now)) {
        return true;
    }
    let Ok(at_login) = at_login.parse::<IpAddr>() else { return false };
    match config.ip_check {
        IpCheck::None => true,
        IpCheck::Strict => at_login.to_canonical() == now.to_canonical(),
        IpCheck::Ranges => Network::of(at_login, config.ranges()).contains(now),
    }
}

/// The living session of a session id: from memory, or in three statements at most.
async fn find(app: &App, session: &str) -> Result<(Place, Found)> {
    let context = context_of(session).ok_or(Refusal::SessionExpired {})?;
    living(app, context, digest(session)).await
}

/// Who a session is of that was good some time ago, if it still is. Not counted as its use.
pub(crate) async fn still(app: &App, context: ContextId, token_hash: [u8; 32]) -> Result<Caller> {
    let (place, found) = living(app, context, token_hash).await?;
    Ok(caller(place, found, Secret(String::new()), false))
}

async fn living(app: &App, context: ContextId, token_hash: [u8; 32]) -> Result<(Place, Found)> {
    let mut place = app.store.place(context).await?.ok_or(Refusal::SessionExpired {})?;
    place.known = Known::of_a_request();
    let now = app.now_ms();
    let found = until_settled!(
        app.store.session(&place, token_hash, now, TOUCH_MS).await.map_err(crate::Error::from)
    )?;
    let life = app.config.sessions.lifetimes();
    let found = found
        .filter(|f| f.user_enabled && !life.expired(f.session.stays, f.session.used, app.now_ms()))
        .ok_or(Refusal::SessionExpired {})?;
    // Only now: whoever has no session in it learns nothing about the context.
    if !app.serves(&place) {
        return Err(Refusal::ContextElsewhere {}.into());
    }
    if !place.enabled {
        return Err(Refusal::SessionContextDisabled {}.into());
    }
    Ok((place, found))
}

/// Writes that the session was used. A failure costs nobody the answer: the stored time is a minute older at worst.
async fn touch(app: &App, place: &Place, found: &Found) {
    let (now, session) = (app.now_ms(), &found.session);
    let age = now.saturating_sub(session.used);
    let moved = session.node != app.node.name;
    if age < TOUCH_MS && !(moved && age >= MOVED_MS) {
        return;
    }
    let write = async {
        let mut tx = app.write(place, Plan::default()).await?;
        sessions::set_used(&mut tx, session.token_hash, now, &app.node.name).await?;
        tx.commit().await?;
        app.store.session_used(session.user, session.token_hash, now, &app.node.name);
        Ok::<(), crate::Error>(())
    };
    if let Err(error) = write.await {
        tracing::warn!("the use of session {} was not written: {}", session.handle, error.cause_chain());
    }
}

fn caller(place: Place, found: Found, secret: Secret, is_renewed: bool) -> Caller {
    Caller {
        place,
        who: found.who,
        login: found.login,
        locale: found.locale,
        session: Some(CallerSession {
            token_hash: found.session.token_hash,
            handle: found.session.handle,
            client: found.session.client,
            stays: found.session.stays,
            secret,
            is_renewed,
        }),
        needs: &[],
    }
}

/// `store`: the session and its cookies shall live long.
pub async fn stay(app: &App, caller: &Caller) -> Result<()> {
    until_settled!(set_stays(app, caller).await)
}

async fn set_stays(app: &App, caller: &Caller) -> Result<()> {
    let Some(session) = &caller.session else { return Ok(()) };
    let plan = Plan::changing([Scope::Sessions(caller.who.user)]);
    let mut tx = app.write(&caller.place, plan).await?;
    sessions::set_stays(&mut tx, caller.who.user, session.token_hash).await?;
    Ok(tx.commit().await?)
}

/// `autologin`: goes on with the session of the cookies, if its user asked for that. `ids`, `secrets`: what the cookies of
/// these names say, all of them: somebody else may have put some beside ours.
pub async fn autologin(
    app: &App,
    ids: &[String],
    secrets: &[String],
    address: Option<IpAddr>,
) -> Result<SignedIn> {
    let mut refused = Refusal::AutologinUnknown {}.into();
    for session in ids {
        match go_on(app, session, secrets, address).await {
            Ok(signed_in) => return Ok(signed_in),
            Err(crate::Error::Refused(
                Refusal::SessionExpired {} | Refusal::SessionSecretWrong {} | Refusal::AutologinUnknown {},
            )) => {}
            Err(other) => refused = other,
        }
    }
    Err(refused)
}

async fn go_on(app: &App, session: &str, secrets: &[String], address: Option<IpAddr>) -> Result<SignedIn> {
    let (place, found) = find(app, session).await?;
    if !found.session.stays {
        return Err(Refusal::AutologinUnknown {}.into());
    }
    let (handle, client) = (found.session.handle.clone(), found.session.client.clone());
    let caller = admit(app, place, found, secrets, address).await?;
    Ok(SignedIn {
        session: session.to_owned(),
        secret: caller.session_secret().unwrap_or_default().to_owned(),
        public: None,
        device: None,
        handle,
        client,
        stays: true,
        caller,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_fits_by_the_mode_the_prefixes_and_the_networks_that_are_not_checked() {
        let check = |mode, at_login: &str, now: &str, expected: bool| {
            let config = SessionConfig {
                ip_check: mode,
                ip_check_not_from: vec!["10.0.0.0/8".parse().unwrap()],
                ..SessionConfig::default()
            };
            let now = now.parse().ok();
            assert_eq!(address_fits(&config, at_login, now), expected, "{mode:?} {at_login} {now:?}");
        };
        check(IpCheck::None, "192.0.2.1", "203.0.113.1", true);
        check(IpCheck::None, "", "", true);
        check(IpCheck::Strict, "192.0.2.1", "192.0.2.1", true);
        check(IpCheck::Strict, "192.0.2.1", "::ffff:192.0.2.1", true);
        check(IpCheck::Strict, "192.0.2.1", "192.0.2.2", false);
        check(IpCheck::Strict, "192.0.2.1", "10.1.2.3", true);
        check(IpCheck::Strict, "10.1.2.3", "192.0.2.1", false);
        check(IpCheck::Strict, "192.0.2.1", "", false);
        check(IpCheck::Strict, "", "192.0.2.1", false);
        check(IpCheck::Ranges, "192.0.2.1", "192.0.2.200", true);
        check(IpCheck::Ranges, "192.0.2.1", "192.0.3.1", false);
        check(IpCheck::Ranges, "2001:db8:1::1", "2001:db8:1:ff::1", true);
        check(IpCheck::Ranges, "2001:db8:1::1", "2001:db8:2::1", false);
        check(IpCheck::Ranges, "192.0.2.1", "2001:db8:1::1", false);
    }
}
