//! Who asks.

use zebu_model::rights::Membership;
use zebu_model::{ContextId, UserId};
use zebu_store::shard::principals;
use zebu_store::{Place, Tx};

use crate::error::Result;

/// A signed-in user, and where their context lives. Made by [`crate::sessions`] alone: holding one is the proof that
/// somebody was authenticated for this very request.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(crate) place: Place,
    pub(crate) who: Membership,
    pub(crate) login: String,
    pub(crate) locale: String,
    pub(crate) session: Option<CallerSession>,
}

/// The session a caller came with; WebDAV clients have none.
#[derive(Clone, Debug)]
pub(crate) struct CallerSession {
    pub(crate) token_hash: [u8; 32],
    pub(crate) handle: String,
    pub(crate) client: String,
}

impl Caller {
    /// The same caller, in the groups that they are in as this transaction sees it. Whatever writes decides by these: those
    /// that a request came with were read at its beginning, and an upload lasts.
    pub(crate) async fn as_of(&self, tx: &mut Tx) -> Result<Caller> {
        let groups = principals::groups_of(tx, self.who.user).await?;
        Ok(Caller { who: Membership { user: self.who.user, groups }, ..self.clone() })
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
}
