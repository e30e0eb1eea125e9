//! One request as handlers get it: its parts, its body, and the application it is for.
//!
//! Made by `edge`, given to handlers by `router`. It has been authenticated only where it comes with a
//! [`Caller`], as a [`Call`].

use std::sync::{Arc, OnceLock};

use http::header::USER_AGENT;
use http::{HeaderMap, Method, Uri};
use serde::de::DeserializeOwned;
use zebu_app::{App, Caller, Client, Result};
use zebu_model::{ContextId, Refusal, UserId};

use crate::Config;
use crate::body::Body;
use crate::params::Params;
use crate::source::Source;

/// Characters of a `User-Agent` that are kept with a session.
const USER_AGENT_CHARS_MAX: usize = 255;

/// A request nobody has been recognised for yet.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) app: Arc<App>,
    pub(crate) config: Arc<Config>,
    /// Its id, for logs and error answers.
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    /// The query's parameters.
    pub(crate) params: Params,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// Whom it came from.
    pub(crate) source: Source,
    /// For the log line: who it turned out to be.
    pub(crate) who: Arc<OnceLock<(ContextId, UserId)>>,
}

/// A request of somebody who is signed in.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) request: Request,
}

impl Request {
    /// Notes for the log who asked.
    pub(crate) fn recognise(&self, caller: &Caller) {
        // A request is recognised once; a second time would be the same caller.
        let _ = self.who.set((caller.context(), caller.user()));
    }

    /// Whether the client came by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.config.force_https || self.source.is_secure
    }

    /// The program that asks.
    pub(crate) fn client(&self, name: &str) -> Client {
        let user_agent =
            self.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Client {
            name: name.to_owned(),
            address: self.source.address.to_string(),
            devices: crate::cookies::beginning(&self.headers, crate::session::DEVICE_COOKIE),
            user_agent: user_agent.chars().take(USER_AGENT_CHARS_MAX).collect(),
        }
    }

    /// The body as a form.
    pub(crate) async fn form(&mut self) -> Result<Params> {
        let bytes = self.body.collect(self.config.body_form_bytes_max).await?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Refusal::BodyInvalid { reason: "a form is text in UTF-8".to_owned() })?;
        Params::parse(&text)
    }

    /// The body as JSON of a known shape.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let bytes = self.body.collect(self.config.body_json_bytes_max).await?;
        json(&bytes)
    }
}

impl Call {
    pub(crate) fn app(&self) -> &Arc<App> {
        &self.request.app
    }

    pub(crate) fn params(&self) -> &Params {
        &self.request.params
    }
}

/// JSON of a known shape; the refusal says where it is not.
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| Refusal::BodyInvalid { reason: error.to_string() }.into())
}
