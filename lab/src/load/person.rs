//! A user of the groupware, signed in once and then at home on both nodes, as the HTTP API has it. Used by the load; it
//! says what a node answered and judges nothing.

use super::http::{Sent, send};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// As `timestamp`: change it whatever has happened to it.
pub(crate) const WHATEVER_HAPPENED: i64 = i64::MAX;
/// Begins the codes of answers that say: a database is busy or away, nothing was done, try again.
const TRY_AGAIN: &str = "DBP-";
const BOUNDARY: &str = "----zebu-lab-boundary";
const MULTIPART: &str = "multipart/form-data; boundary=----zebu-lab-boundary";

/// A node as clients reach it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Its route, `OX-1`.
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
}

/// Somebody signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) login: String,
    pub(crate) user: i64,
    session: String,
    cookies: String,
}

/// What a node said.
#[derive(Debug)]
pub(crate) enum Answer {
    Data(Value),
    /// No, with its code.
    Refused(String),
    /// Try again: with what it said.
    TryAgain(String),
    /// No answer that could be understood: the connection failed, or its time was over.
    None(String),
}

impl Answer {
    /// The data, or what came instead.
    pub(crate) fn data(self) -> Result<Value, String> {
        match self {
            Answer::Data(data) => Ok(data),
            Answer::Refused(said) | Answer::TryAgain(said) | Answer::None(said) => Err(said),
        }
    }
}

impl Person {
    /// Signs in through a node.
    pub(crate) async fn sign_in(node: &Node, login: &str, password: &str) -> Result<Self, String> {
        let form = format!("name={}&password={}&client=lab", encoded(login), encoded(password));
        let sent = Sent {
            method: "POST",
            target: "/ajax/login?action=login".to_owned(),
            cookies: "",
            content_type: Some("application/x-www-form-urlencoded"),
            body: Bytes::from(form),
        };
        let got = send(node.address, sent).await?;
        let said = || format!("{login} is not let in: {} {}", got.status, String::from_utf8_lossy(&got.body));
        let answer: Value = serde_json::from_slice(&got.body).map_err(|_| said())?;
        let session = answer.get("session").and_then(Value::as_str).ok_or_else(said)?;
        let cookies = got.cookies.iter().filter(|cookie| !cookie.starts_with("JSESSIONID=")).cloned();
        Ok(Self {
            login: login.to_owned(),
            user: answer.get("user_id").and_then(Value::as_i64).ok_or_else(said)?,
            session: session.to_owned(),
            cookies: cookies.collect::<Vec<_>>().join("; "),
        })
    }

    pub(crate) async fn get(&self, node: &Node, request: &str) -> Answer {
        self.call(node, "GET", request, None, Bytes::new()).await
    }

    pub(crate) async fn put(&self, node: &Node, request: &str, body: &Value) -> Answer {
        self.call(node, "PUT", request, Some("application/json"), Bytes::from(body.to_string())).await
    }

    /// A new file with its content.
    pub(crate) async fn upload(&self, node: &Node, folder: &str, name: &str, content: &str) -> Answer {
        let about = json!({"folder_id": folder, "filename": name, "title": name});
        let body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n{about}\r\n--{BOUNDARY}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n{content}\r\n--{BOUNDARY}--\r\n"
        );
        let request = "infostore?action=new&plainJson=true";
        self.call(node, "POST", request, Some(MULTIPART), Bytes::from(body)).await
    }

    /// A file's bytes.
    pub(crate) async fn download(&self, node: &Node, folder: &str, file: &str) -> Result<Bytes, String> {
        let request = format!("infostore?action=document&folder={folder}&id={file}");
        let got = self.send(node, "GET", &request, None, Bytes::new()).await?;
        if got.status == 200 { Ok(got.body) } else { Err(format!("{request}: status {}", got.status)) }
    }

    async fn call(
        &self,
        node: &Node,
        method: &'static str,
        request: &str,
        content_type: Option<&'static str>,
        body: Bytes,
    ) -> Answer {
        match self.send(node, method, request, content_type, body).await {
            Ok(got) => understood(request, got.status, &got.body),
            Err(error) => Answer::None(format!("{request}: {error}")),
        }
    }

    async fn send(
        &self,
        node: &Node,
        method: &'static str,
        request: &str,
        content_type: Option<&'static str>,
        body: Bytes,
    ) -> Result<super::http::Got, String> {
        let cookies = format!("JSESSIONID=lab.{}; {}", node.name, self.cookies);
        let target = format!("/ajax/{request}&session={}", self.session);
        send(node.address, Sent { method, target, cookies: &cookies, content_type, body }).await
    }
}

fn understood(request: &str, status: u16, body: &[u8]) -> Answer {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        let text = String::from_utf8_lossy(body);
        let said = format!("{request}: status {status}: {}", text.chars().take(200).collect::<String>());
        // A node that cannot serve at all says so by its status.
        return if status == 503 { Answer::TryAgain(said) } else { Answer::None(said) };
    };
    let Some(error) = answer.get("error") else {
        return Answer::Data(answer.get("data").cloned().unwrap_or(Value::Null));
    };
    let code = answer.get("code").and_then(Value::as_str).unwrap_or("no code");
    if code.starts_with(TRY_AGAIN) {
        Answer::TryAgain(format!("{code} {error}"))
    } else {
        Answer::Refused(format!("{code} {error}"))
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_refusals_and_try_again_are_told_apart() {
        let check = |status, body: &str, expected: &str| {
            let shown = format!("{:?}", understood("folders", status, body.as_bytes()));
            assert!(shown.starts_with(expected), "{shown}");
        };
        check(200, r#"{"data":[1],"timestamp":7}"#, "Data(Array");
        check(200, r#"{"error":"No","code":"FLD-0003"}"#, "Refused(\"FLD-0003");
        check(200, r#"{"error":"Busy","code":"DBP-0001"}"#, "TryAgain(\"DBP-0001");
        check(503, "not now", "TryAgain(");
        check(500, "<html>", "None(");
    }
}
