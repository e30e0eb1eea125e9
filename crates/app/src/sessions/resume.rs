//! Who a request with a session comes from; staying signed in.

use zebu_model::session::TOUCH_MS;
use zebu_model::{ContextId, Refusal, Scope};
use zebu_store::shard::sessions::{self, Found};
use zebu_store::{Known, Place, Plan};

use super::login::SignedIn;
use super::{context_of, digest};
use crate::app::App;
use crate::caller::{Caller, CallerSession};
use crate::error::Result;
use crate::settle::until_settled;

/// How soon another node that serves a session writes so, ms. A client that changes nodes with every request must not
/// make every read a write.
const MOVED_MS: i64 = 5_000;

/// Who a request comes from. `secret_of` returns the value of the secret cookie for a client name.
pub async fn resume(
    app: &App,
    session: &str,
    secret_of: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<Caller> {
    let (place, found) = find(app, session).await?;
    let secret = secret_of(&found.session.client).map(|secret| digest(&secret));
    if secret != Some(found.session.secret_hash) {
        return Err(Refusal::SessionSecretWrong {}.into());
    }
    touch(app, &place, &found).await;
    Ok(caller(place, found))
}

/// The living session of a session id: from memory, or in three statements at most.
async fn find(app: &App, session: &str) -> Result<(Place, Found)> {
    let context = context_of(session).ok_or(Refusal::SessionExpired {})?;
    living(app, context, digest(session)).await
}

/// Who a session is of that was good some time ago, if it still is. Not counted as its use.
pub(crate) async fn still(app: &App, context: ContextId, token_hash: [u8; 32]) -> Result<Caller> {
    let (place, found) = living(app, context, token_hash).await?;
    Ok(caller(place, found))
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

fn caller(place: Place, found: Found) -> Caller {
    Caller {
        place,
        who: found.who,
        login: found.login,
        locale: found.locale,
        session: Some(CallerSession {
            token_hash: found.session.token_hash,
            handle: found.session.handle,
            client: found.session.client,
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

/// `autologin`: goes on with the session of the cookies, if its user asked for that.
pub async fn autologin(app: &App, session: &str, secret: &str) -> Result<SignedIn> {
    let (place, found) = match find(app, session).await {
        Err(crate::Error::Refused(Refusal::SessionExpired {})) => {
            return Err(Refusal::AutologinUnknown {}.into());
        }
        other => other?,
    };
    if digest(secret) != found.session.secret_hash || !found.session.stays {
        return Err(Refusal::AutologinUnknown {}.into());
    }
    touch(app, &place, &found).await;
    Ok(SignedIn {
        session: session.to_owned(),
        secret: secret.to_owned(),
        public: None,
        handle: found.session.handle.clone(),
        client: found.session.client.clone(),
        stays: true,
        caller: caller(place, found),
    })
}
