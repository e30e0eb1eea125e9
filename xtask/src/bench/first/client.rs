//! anna with curl and a cookie jar. Answers with the body and the id of the request, by which the node's log names it.

use crate::Result;
use crate::command::capture;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Somebody signed in.
pub(super) struct Client {
    pub(super) url: String,
    jar: PathBuf,
    session: String,
}

/// An answer.
pub(super) struct Answer {
    /// What `X-Request-Id` said.
    pub(super) request_id: String,
    /// The body.
    pub(super) body: String,
}

impl Answer {
    /// The envelope's data; a refusal is an error.
    pub(super) fn data(&self) -> Result<Value> {
        let envelope: Value = serde_json::from_str(&self.body)?;
        match envelope.get("data") {
            Some(data) if envelope.get("error").is_none() => Ok(data.clone()),
            _ => Err(format!("refused: {}", self.body).into()),
        }
    }

    /// An id in the data.
    pub(super) fn id(&self) -> Result<String> {
        let data = self.data()?;
        Ok(data.as_str().map_or_else(|| data.to_string(), str::to_owned))
    }
}

impl Client {
    /// Signs anna in.
    pub(super) fn sign_in(url: &str, folder: &Path) -> Result<(Client, Answer)> {
        let jar = folder.join("cookies");
        let mut client = Client { url: url.to_owned(), jar, session: String::new() };
        let form = ["--data", "name=anna&password=secret&client=bench"];
        let answer = client.curl(&format!("{url}/ajax/login?action=login"), &form)?;
        let said: Value = serde_json::from_str(&answer.body)?;
        let session = said.get("session").and_then(Value::as_str);
        client.session = session.ok_or_else(|| format!("not let in: {}", answer.body))?.to_owned();
        Ok((client, answer))
    }

    /// A request to the HTTP API; with a body it is a PUT.
    pub(super) fn call(&self, request: &str, body: Option<&Value>) -> Result<Answer> {
        let url = self.address(request);
        match body {
            None => self.curl(&url, &[]),
            Some(body) => {
                let body = body.to_string();
                self.curl(
                    &url,
                    &[
                        "--request",
                        "PUT",
                        "--header",
                        "Content-Type: application/json",
                        "--data-binary",
                        &body,
                    ],
                )
            }
        }
    }

    /// The address of a request, session included.
    pub(super) fn address(&self, request: &str) -> String {
        format!("{}/ajax/{request}&session={}", self.url, self.session)
    }

    /// Runs curl with the cookies; follows nothing, hides nothing.
    pub(super) fn curl(&self, url: &str, arguments: &[&str]) -> Result<Answer> {
        let jar = self.jar.to_string_lossy();
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--show-error",
            "--max-time",
            "300",
            "--cookie",
            &jar,
            "--cookie-jar",
            &jar,
        ]);
        command.args(["--write-out", "\n%header{x-request-id}"]).args(arguments).arg(url);
        let output = capture(&mut command)?;
        let (body, request_id) = output.rsplit_once('\n').ok_or("curl printed nothing")?;
        Ok(Answer { request_id: request_id.to_owned(), body: body.to_owned() })
    }
}
