//! From a login name and a password to a user. Says the same, and takes as long, whatever was wrong.

use std::net::IpAddr;

use zebu_model::access::Flag;
use zebu_model::limits::CREDENTIAL_CHARS_MAX;
use zebu_model::{Refusal, Scope, UserId};
use zebu_store::shard::principals;
use zebu_store::{Place, Plan};

use super::WANTED_BY_ALL;
use super::app_passwords::{self, Interface};
use super::guard::{Account, Attempt, Origin, Welcome};
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::settle::until_settled;
use crate::unhashed;

/// The mapping of a login name that names none.
const DEFAULT_MAPPING: &str = "defaultcontext";

/// What somebody types to sign in.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// `user` or `user@mapping`.
    pub login: &'a str,
    /// The password.
    pub password: &'a str,
}

/// How the password is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// Argon2 each time.
    Full,
    /// Argon2 once for each stored hash, or an app password: for clients that send a password with every request to an interface.
    Remembered(Interface),
}

/// Somebody whose password was right.
#[derive(Debug)]
pub(super) struct Known {
    /// The user, without a session.
    pub(super) caller: Caller,
    /// To be told how it ended; none if the password was remembered.
    pub(super) attempt: Option<Attempt>,
    /// Whether a code is asked for too.
    pub(super) has_second_factor: bool,
}

/// Who has these credentials, or the refusal.
pub(super) async fn authenticate(
    app: &App,
    given: Credentials<'_>,
    origin: Origin<'_>,
    effort: Effort,
) -> Result<Known> {
    let too_long = |text: &str| text.chars().count() > CREDENTIAL_CHARS_MAX;
    if too_long(given.login) || too_long(given.password) {
        return Err(Refusal::CredentialsWrong {}.into());
    }
    let (user, mapping) = given.login.rsplit_once('@').unwrap_or((given.login, DEFAULT_MAPPING));
    let place = app
        .store
        .place_of_mapping(mapping)
        .await?
        .map(|place| Place { known: zebu_store::Known::of_a_request(), ..place });
    let credential = match &place {
        Some(place) => {
            let mut tx = app.store.recall(place, &[Scope::Principals]).await?;
            let found = principals::credential(&mut tx, user).await?;
            tx.learn(&place.known, &WANTED_BY_ALL).await?;
            found
        }
        None => None,
    };
    // Where no code can be asked for, the password of who has a second factor is as wrong as any.
    let by_password = |c: &&principals::Credential| effort == Effort::Full || !c.has_second_factor;
    let hash = credential.as_ref().filter(by_password).map(|c| c.password_hash.as_str());
    let remembered = || effort != Effort::Full && app.passwords.remembers(given.login, given.password, hash);
    let is_app_password = match (effort, &place, &credential) {
        (Effort::Remembered(interface), Some(place), Some(credential)) => {
            app_passwords::is_one(app, place, credential.who.user, given.password, interface).await?
        }
        _ => false,
    };
    let mut attempt = None;
    if !is_app_password && !remembered() {
        let id = credential.as_ref().map_or(UserId(0), |credential| credential.who.user);
        let account = Account { place: place.as_ref(), user: id, login: user, mapping };
        let begun = Attempt::begin(app, &account, origin).await?;
        // Another request of the same client may have had it verified while this one waited for its turn.
        if remembered() {
            drop(begun);
        } else if verify(app, given, user, place.as_ref(), hash, effort).await? {
            attempt = Some(begun);
        } else {
            begun.failed(app).await;
            return Err(Refusal::CredentialsWrong {}.into());
        }
    }
    let (Some(place), Some(credential)) = (place, credential) else {
        return Err(Refusal::CredentialsWrong {}.into());
    };
    if !app.serves(&place) {
        return Err(Refusal::ContextElsewhere {}.into());
    }
    if !place.enabled || !credential.enabled {
        return Err(Refusal::ContextLocked {}.into());
    }
    let caller = Caller {
        place,
        who: credential.who,
        login: user.to_owned(),
        locale: credential.locale,
        session: None,
        needs: &[],
    };
    Ok(Known { caller, attempt, has_second_factor: credential.has_second_factor })
}

/// Refuses unless the caller's password is right, as the guard has it.
pub(super) async fn prove(app: &App, caller: &Caller, password: &str, origin: Origin<'_>) -> Result<()> {
    if password.chars().count() > CREDENTIAL_CHARS_MAX {
        return Err(Refusal::CredentialsWrong {}.into());
    }
    let attempt = Attempt::begin(app, &account_of(caller), origin).await?;
    let credential = {
        let mut tx = app.store.recall(&caller.place, &[Scope::Principals]).await?;
        principals::credential(&mut tx, &caller.login).await?
    };
    let hash = credential.as_ref().map(|credential| credential.password_hash.as_str());
    let given = Credentials { login: &caller.login, password };
    if verify(app, given, &caller.login, Some(&caller.place), hash, Effort::Full).await? {
        return Ok(());
    }
    attempt.failed(app).await;
    Err(Refusal::CredentialsWrong {}.into())
}

/// The account that a caller is in.
pub(super) fn account_of(caller: &Caller) -> Account<'_> {
    Account { place: Some(&caller.place), user: caller.who.user, login: &caller.login, mapping: "" }
}

async fn verify(
    app: &App,
    given: Credentials<'_>,
    user: &str,
    place: Option<&Place>,
    hash: Option<&str>,
    effort: Effort,
) -> Result<bool> {
    match (effort, place, hash) {
        (_, Some(place), Some(sealed)) if unhashed::is_sealed(sealed) => {
            unhashed::verify(app, place.context, user, given.password, sealed).await
        }
        (Effort::Full, ..) => app.passwords.verify(given.password, hash).await,
        (Effort::Remembered(_), ..) => app.passwords.verify_again(given.login, given.password, hash).await,
    }
}

/// Who a request with HTTP Basic credentials comes from. There is no session: every request finds out anew whether user,
/// password and context still stand. `needs`: the flags of module access without which the interface is not theirs;
/// refused if they lack one, now or when they write.
pub async fn basic(
    app: &App,
    given: Credentials<'_>,
    address: Option<IpAddr>,
    interface: Interface,
    needs: &'static [Flag],
) -> Result<Caller> {
    let origin = Origin { address, devices: &[] };
    let found = authenticate(app, given, origin, Effort::Remembered(interface)).await?;
    let Known { caller, attempt, .. } = found;
    if let Some(attempt) = attempt {
        let welcome = attempt.succeeded(app, false).await?;
        if !welcome.is_old_news()
            && let Err(error) = until_settled!(remember(app, &caller, &welcome).await)
        {
            tracing::warn!("from where a user signed in was not remembered: {}", error.cause_chain());
        }
    }
    Caller { needs, ..caller }.admitted()
}

async fn remember(app: &App, caller: &Caller, welcome: &Welcome) -> Result<()> {
    let mut tx = app.write(&caller.place, Plan::default()).await?;
    welcome.remember(app, &mut tx, caller.who.user).await?;
    Ok(tx.commit().await?)
}
