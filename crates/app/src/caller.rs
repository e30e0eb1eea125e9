//! Who asks.

use zebu_model::access::{Access, Flag};
use zebu_model::rights::Membership;
use zebu_model::{ContextId, Refusal, UserId};
use zebu_store::shard::principals;
use zebu_store::{Place, Tx};

use crate::error::Result;
use crate::sessions::Secret;

/// A signed-in user, and where their context lives. Made by [`crate::sessions`] alone: holding one is the proof that
/// somebody was authenticated for this very request.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(crate) place: Place,
    pub(crate) who: Membership,
    pub(crate) login: String,
    pub(crate) locale: String,
    pub(crate) session: Option<CallerSession>,
    /// The flags of module access without which nothing of this caller's is done: those of the interface they came through.
    pub(crate) needs: &'static [Flag],
}

/// The session a caller came with; WebDAV clients have none.
#[derive(Clone, Debug)]
pub(crate) struct CallerSession {
    pub(crate) token_hash: [u8; 32],
    pub(crate) handle: String,
    pub(crate) client: String,
    pub(crate) stays: bool,
    /// The secret that the client should have from now on.
    pub(crate) secret: Secret,
    /// Whether it is another than the one that the client showed.
    pub(crate) is_renewed: bool,
}

impl Caller {
    /// The same caller, in the groups and with the module access that they have as this transaction sees it. Whatever writes
    /// decides by these: those that a request came with were read at its beginning, and an upload lasts. Refused if the user
    /// is gone or disabled by now, or has lost the interface they came through.
    pub(crate) async fn as_of(&self, tx: &mut Tx) -> Result<Caller> {
        let who = principals::member(tx, self.who.user).await?;
        let gone =
            if self.session.is_some() { Refusal::SessionExpired {} } else { Refusal::ContextLocked {} };
        let caller = Caller { who: who.ok_or(gone)?, ..self.clone() };
        caller.admitted()
    }

    /// The caller, unless they lack a flag of the interface they came through.
    pub(crate) fn admitted(self) -> Result<Caller> {
        for flag in self.needs {
            self.who.access.require(*flag)?;
        }
        Ok(self)
    }

    /// The context.
    #[must_use]
    pub fn context(&self) -> ContextId {
        self.place.context
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.who.user
    }

    /// Which modules, interfaces and rights beside those of folders the user has.
    #[must_use]
    pub fn access(&self) -> Access {
        self.who.access
    }

    /// The login name.
    #[must_use]
    pub fn login(&self) -> &str {
        &self.login
    }

    /// `en_US` form.
    #[must_use]
    pub fn locale(&self) -> &str {
        &self.locale
    }

    /// The session's public name, for logs.
    #[must_use]
    pub fn session_handle(&self) -> Option<&str> {
        self.session.as_ref().map(|s| s.handle.as_str())
    }

    /// The secret that the session's cookie should have from now on.
    #[must_use]
    pub fn session_secret(&self) -> Option<&str> {
        self.session.as_ref().map(|s| s.secret.0.as_str())
    }

    /// The same if it is another than the one that the client showed: the cookie is to be set anew.
    #[must_use]
    pub fn renewed_secret(&self) -> Option<&str> {
        self.session.as_ref().filter(|s| s.is_renewed).map(|s| s.secret.0.as_str())
    }

    /// Whether the session's cookies outlive the browser.
    #[must_use]
    pub fn session_stays(&self) -> bool {
        self.session.as_ref().is_some_and(|s| s.stays)
    }

    /// The session's client name, which gives its cookies their names.
    #[must_use]
    pub fn session_client(&self) -> Option<&str> {
        self.session.as_ref().map(|s| s.client.as_str())
    }
}

/// The program somebody signs in with.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Its name (`client` parameter).
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its `User-Agent`.
    pub user_agent: String,
    /// What its device cookies say, by the rest of their names.
    pub devices: Vec<(String, String)>,
}
