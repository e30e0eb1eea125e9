//! Asking the admin daemon: one HTTP request for one command, with an end in sight whatever the daemon does.
//!
//! What the daemon answers is described in `zebu_web`'s `admin`; this reads it and decides nothing.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::operate::complaint::Complaint;
use crate::operate::environment::Address;
use crate::operate::exit;

/// How long the daemon may take to take a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the daemon answers; which of them is there depends on the command.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Answer {
    /// What was done, in a sentence.
    pub(crate) sentence: Option<String>,
    /// Values, one a line.
    #[serde(default)]
    pub(crate) lines: Vec<String>,
    /// The columns of a table.
    #[serde(default)]
    pub(crate) columns: Vec<String>,
    /// Its rows; a cell is a text, a number, true, false or nothing.
    #[serde(default)]
    pub(crate) rows: Vec<Vec<Value>>,
    /// The exit code that the answer is printed with.
    #[serde(default)]
    pub(crate) exit: u8,
    /// Rows of an import that were made.
    pub(crate) created: Option<usize>,
    /// Rows that were there already.
    pub(crate) existed: Option<usize>,
    error: Option<Refused>,
}

#[derive(Debug, Deserialize)]
struct Refused {
    exit: u8,
    message: String,
}

/// A daemon to ask.
#[derive(Debug)]
pub(crate) struct Daemon {
    address: Address,
    credentials: Option<(String, String)>,
    patience: Option<Duration>,
    runtime: Runtime,
}

impl Daemon {
    /// A daemon at an address; nothing is connected yet. `patience`: for an answer; none for ever.
    ///
    /// # Errors
    /// The system gives no event queue.
    pub(crate) fn new(
        address: Address,
        credentials: Option<(String, String)>,
        patience: Option<Duration>,
    ) -> Result<Daemon, Complaint> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| Complaint::error(exit::FAILED, format!("cannot start: {error}")))?;
        Ok(Daemon { address, credentials, patience, runtime })
    }

    /// Asks for one command.
    ///
    /// # Errors
    /// The daemon does not answer, or refuses.
    pub(crate) fn ask(&self, command: &str, options: &impl Serialize) -> Result<Answer, Complaint> {
        // Options are texts, numbers and lists under names: they always have a JSON form.
        let body = serde_json::to_vec(options).unwrap_or_default();
        let asking = self.exchange(command, body);
        let (status, body) = self.runtime.block_on(async {
            match self.patience {
                None => asking.await,
                Some(patience) => timeout(patience, asking).await.unwrap_or_else(|_| {
                    let seconds = patience.as_secs();
                    Err(self.unreachable(&format!(
                        "no answer within {seconds} s; what was asked may have been done (--responsetimeout gives more time)"
                    )))
                }),
            }
        })?;
        self.understood(status, &body)
    }

    fn understood(&self, status: StatusCode, body: &[u8]) -> Result<Answer, Complaint> {
        if status == StatusCode::UNAUTHORIZED && self.credentials.is_none() {
            return Err(Complaint::missing(&["adminuser".to_owned(), "adminpass".to_owned()]));
        }
        let answer: Answer = serde_json::from_slice(body).map_err(|_| {
            let words = format!("{} answered {status}, but not as an admin daemon does", self.address);
            Complaint::error(exit::ANSWER_WRONG, words)
        })?;
        match answer.error {
            Some(refused) => Err(Complaint::server(refused.exit, &refused.message)),
            None => Ok(answer),
        }
    }

    async fn exchange(&self, command: &str, body: Vec<u8>) -> Result<(StatusCode, Bytes), Complaint> {
        let connecting = timeout(CONNECT_TIMEOUT, TcpStream::connect(self.address.authority())).await;
        let socket = match connecting {
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => return Err(self.unreachable(&error)),
            Err(_) => return Err(self.unreachable(&"no connection within 5 s")),
        };
        let unreachable = |error: hyper::Error| self.unreachable(&error);
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(unreachable)?;
        tokio::spawn(async move {
            // What becomes of the connection shows in the answer.
            let _ = connection.await;
        });
        let mut request = Request::post(format!("/admin/v1/{command}"))
            .header(HOST, self.address.authority())
            .header(CONTENT_TYPE, "application/json");
        if let Some((user, password)) = &self.credentials {
            request = request
                .header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| Complaint::error(exit::FAILED, error))?;
        let answer = sender.send_request(request).await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(unreachable)?;
        Ok((status, body.to_bytes()))
    }

    fn unreachable(&self, why: &impl std::fmt::Display) -> Complaint {
        let words = format!("the admin daemon does not answer at {}: {why}", self.address);
        Complaint::error(exit::UNREACHABLE, words)
    }
}
