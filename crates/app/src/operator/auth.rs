//! Who the operator is: the master account, whose hash is in the configuration, and the administrators of contexts, whose
//! hashes are in their shards. Says the same, and takes as long, whatever was wrong.

use zebu_model::limits::CREDENTIAL_CHARS_MAX;
use zebu_model::{ContextId, UserId};
use zebu_store::configdb::contexts as registry;
use zebu_store::shard::principals;

use super::error::{Denied, Result};
use crate::app::App;
use crate::sessions::Credentials;
use crate::unhashed;

/// Whether these are the master's credentials. Without authentication everybody is the master.
pub async fn master(app: &App, given: Option<Credentials<'_>>) -> Result<()> {
    let settings = &app.config.operator;
    if !settings.authentication {
        return Ok(());
    }
    let given = bounded(given)?;
    let known = given.login == settings.master && !settings.master_hash.is_empty();
    let hash = known.then_some(settings.master_hash.as_str());
    // No context's login has a line break: the two realms share no memory of what was verified.
    decide(app.passwords.verify_again("\n", given.password, hash).await?)
}

/// Whether these are the credentials of a context's administrator. One of a disabled context may go on. Without
/// authentication everybody is, if there is the context.
pub async fn context_admin(app: &App, context: ContextId, given: Option<Credentials<'_>>) -> Result<()> {
    let place = {
        let mut tx = app.store.config().await?;
        registry::ready(&mut tx, context).await?
    };
    if !app.config.operator.authentication {
        let unknown = || Denied::ContextUnknown { context: context.to_string() };
        return Ok(place.map(drop).ok_or_else(unknown)?);
    }
    let given = bounded(given)?;
    let credential = match &place {
        Some(place) => {
            let mut tx = app.read(place).await?;
            principals::credential(&mut tx, given.login).await?
        }
        None => None,
    };
    let hash = credential.filter(|c| c.who.user == UserId::ADMIN).map(|c| c.password_hash);
    if let Some(sealed) = hash.as_deref().filter(|hash| unhashed::is_sealed(hash)) {
        return decide(unhashed::verify(app, context, given.login, given.password, sealed).await?);
    }
    let name = format!("{}\n{context}", given.login);
    decide(app.passwords.verify_again(&name, given.password, hash.as_deref()).await?)
}

/// The hash of a password for [`super::Settings::master_hash`]. Works at once and on this thread, so that whoever writes a
/// configuration needs no databases.
pub fn hash(password: &str) -> Result<String> {
    super::error::field("password", zebu_model::account::password(password))?;
    Ok(crate::passwords::hash_now(password)?)
}

/// Credentials that can be right: nothing else is worth the work of comparing.
fn bounded(given: Option<Credentials<'_>>) -> std::result::Result<Credentials<'_>, Denied> {
    let fits = |text: &str| text.chars().count() <= CREDENTIAL_CHARS_MAX;
    given.filter(|c| fits(c.login) && fits(c.password)).ok_or(Denied::CredentialsWrong {})
}

fn decide(right: bool) -> Result<()> {
    if right { Ok(()) } else { Err(Denied::CredentialsWrong {}.into()) }
}
