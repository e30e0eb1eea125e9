//! `login`: from credentials to a session.

use zebu_model::{Refusal, Scope};
use zebu_store::Plan;
use zebu_store::shard::sessions::{self, Session};

use super::authenticate::{Credentials, Effort, Known, authenticate};
use super::guard::{Origin, Welcome};
use super::limits::{self, Claim};
use super::second_factor::{self, Stage};
use super::{digest, new_session_id, secret};
use crate::app::App;
use crate::caller::{Caller, CallerSession, Client};
use crate::error::Result;
use crate::random;
use crate::settle::until_settled;

/// Characters kept of what a client says about itself.
const CLIENT_CHARS_MAX: usize = 256;

/// A new session, with its credentials in clear: the only moment they exist outside the client.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session id, for the `session` parameter.
    pub session: String,
    /// The secret, for the cookie that must come with it.
    pub secret: String,
    /// The value of the public-session cookie; `None` if the client has it already.
    pub public: Option<String>,
    /// The session's public name.
    pub handle: String,
    /// The cookie by which the client's device is known to the guard from now on, if that is new: the rest of its name, and its
    /// value.
    pub device: Option<(String, String)>,
    /// The client name the cookies are named after.
    pub client: String,
    /// Whether the cookies outlive the browser.
    pub stays: bool,
    /// Who it is.
    pub caller: Caller,
}

/// Signs a user in. `stays`: the session and its cookies live long. Who has a second factor is asked for a code (`LGI-0032`).
pub async fn login(app: &App, given: Credentials<'_>, client: &Client, stays: bool) -> Result<SignedIn> {
    login_with_code(app, given, None, client, stays).await
}

/// The same with a code of the second factor, or a recovery code, for who has one.
pub async fn login_with_code(
    app: &App,
    given: Credentials<'_>,
    code: Option<&str>,
    client: &Client,
    stays: bool,
) -> Result<SignedIn> {
    let origin = Origin { address: client.address.parse().ok(), devices: &client.devices };
    let Known { caller, mut attempt, has_second_factor } =
        authenticate(app, given, origin, Effort::Full).await?;
    if has_second_factor {
        let code = code.filter(|code| !code.is_empty()).ok_or(Refusal::SecondFactorNeeded {})?;
        let (place, user) = (&caller.place, caller.who.user);
        if !second_factor::is_right(app, place, user, code, Stage::Confirmed).await? {
            if let Some(attempt) = attempt.take() {
                attempt.failed(app).await;
            }
            return Err(Refusal::SecondFactorWrong {}.into());
        }
    }
    let short = |text: &str| text.chars().take(CLIENT_CHARS_MAX).collect::<String>();
    // Always new ones: whatever ids the client brought are nobody's business here.
    let (session, public) = (new_session_id(caller.place.context)?, random::token()?);
    let (secret, salt) = secret::new()?;
    let now = app.now_ms();
    let row = Session {
        token_hash: digest(&session),
        user: caller.who.user,
        handle: random::token()?,
        secret_hash: digest(&secret.0),
        public_hash: digest(&public),
        line_hash: digest(secret::line(&secret.0).unwrap_or_default()),
        next_hash: digest(&secret::following(&salt, &secret.0).0),
        before_hash: [0; 32],
        salt,
        client: short(&client.name),
        address: client.address.chars().take(64).collect(),
        user_agent: short(&client.user_agent),
        stays,
        created: now,
        renewed: now,
        used: now,
        node: app.node.name.clone(),
    };
    let welcome = match attempt {
        Some(attempt) => attempt.succeeded(app, true).await?,
        None => Welcome::default(),
    };
    let claim = Claim::take(app).await?;
    let stored = until_settled!(insert(app, &caller, &row, &welcome).await);
    claim.settled(app).await;
    let ended = stored?;
    for handle in &ended {
        tracing::info!(
            "Session ended: it was not used for the longest time, and there is a new one. ID: {}, Context: {}, User: {}",
            handle,
            caller.place.context,
            caller.who.user
        );
    }
    tracing::info!(
        "Session created. ID: {}, Context: {}, User: {}",
        row.handle,
        caller.place.context,
        caller.who.user
    );
    let client = row.client.clone();
    let caller = Caller {
        session: Some(CallerSession {
            token_hash: row.token_hash,
            handle: row.handle.clone(),
            client: row.client,
            stays,
            secret: secret.clone(),
            is_renewed: false,
        }),
        ..caller
    };
    Ok(SignedIn {
        device: welcome.device(),
        session,
        secret: secret.0,
        public: Some(public),
        handle: row.handle,
        client,
        stays,
        caller,
    })
}

/// Stores the session, if its user has room for one more; what ran out makes room. Returns the handles of the sessions that had to
/// end for it.
async fn insert(app: &App, caller: &Caller, row: &Session, welcome: &Welcome) -> Result<Vec<String>> {
    let life = app.config.sessions.lifetimes();
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Sessions(row.user)])).await?;
    // Comparing the password takes its time: whoever was deleted or disabled meanwhile gets no session.
    caller.as_of(&mut tx).await?;
    sessions::delete_expired(
        &mut tx,
        row.user,
        row.created.saturating_sub(life.short_ms),
        row.created.saturating_sub(life.long_ms),
    )
    .await?;
    let ended = limits::make_room(app, &mut tx, row.user, &row.client).await?;
    sessions::insert(&mut tx, row).await?;
    welcome.remember(app, &mut tx, row.user).await?;
    tx.commit().await?;
    Ok(ended)
}
