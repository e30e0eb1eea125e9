//! A user of the groupware, signed in once and then at home on both nodes, as the HTTP API has it. Used by the load; it
//! says what a node answered and judges nothing.

use super::http::{Got, Sent, Silence, send};
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
    /// No connection: nothing was asked.
    NotSent(String),
    /// No answer that could be understood: the connection broke.
    None(String),
    /// No answer in any time that a node may take.
    Hung(String),
}

impl Answer {
    /// The data, or what came instead.
    pub(crate) fn data(self) -> Result<Value, String> {
        match self {
            Answer::Data(data) => Ok(data),
            Answer::Refused(said)
            | Answer::TryAgain(said)
            | Answer::NotSent(said)
            | Answer::None(said)
            | Answer::Hung(said) => Err(said),
        }
    }
}

impl Person {
    /// Signs in through a node; an error is what was said instead.
    pub(crate) async fn sign_in(node: &Node, login: &str, password: &str) -> Result<Self, Answer> {
        let form = sign_in_form(login, password);
        let sent = Sent {
            method: "POST",
            target: "/ajax/login?action=login".to_owned(),
            cookies: "",
            authorization: None,
            content_type: Some("application/x-www-form-urlencoded"),
            body: Bytes::from(form),
        };
        let request = format!("login of {login}");
        let got = send(node.address, sent).await.map_err(|silence| unanswered(&request, silence))?;
        let said =
            || Answer::None(format!("{request}: {} {}", got.status, String::from_utf8_lossy(&got.body)));
        let answer: Value = serde_json::from_slice(&got.body).map_err(|_| said())?;
        if answer.get("error").is_some() {
            return Err(understood(&request, got.status, &got.body));
        }
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
        self.send_file(node, "infostore?action=new&plainJson=true", &about, content).await
    }

    /// A content with what is said about it: a new file, or a version of one.
    pub(crate) async fn send_file(&self, node: &Node, request: &str, about: &Value, content: &str) -> Answer {
        let (content_type, body) = multipart(about, content.as_bytes());
        self.call(node, "POST", request, Some(content_type), Bytes::from(body)).await
    }

    /// A file's bytes.
    pub(crate) async fn download(&self, node: &Node, folder: &str, file: &str) -> Result<Bytes, String> {
        let request = format!("infostore?action=document&folder={folder}&id={file}");
        self.bytes(node, &request).await.map_err(|answer| format!("{request}: {answer:?}"))
    }

    /// What is answered with the bytes of a file; an error is what was said instead.
    pub(crate) async fn bytes(&self, node: &Node, request: &str) -> Result<Bytes, Answer> {
        match self.send(node, "GET", request, None, Bytes::new()).await {
            // A refusal comes with the same status, in the envelope that all answers have.
            Ok(got) if got.status == 200 => match understood(request, got.status, &got.body) {
                said @ (Answer::Refused(_) | Answer::TryAgain(_)) => Err(said),
                _ => Ok(got.body),
            },
            Ok(got) => Err(understood(request, got.status, &got.body)),
            Err(silence) => Err(unanswered(request, silence)),
        }
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
            Err(silence) => unanswered(request, silence),
        }
    }

    async fn send(
        &self,
        node: &Node,
        method: &'static str,
        request: &str,
        content_type: Option<&'static str>,
        body: Bytes,
    ) -> Result<Got, Silence> {
        let cookies = format!("JSESSIONID=lab.{}; {}", node.name, self.cookies);
        let target = format!("/ajax/{request}&session={}", self.session);
        send(
            node.address,
            Sent { method, target, cookies: &cookies, authorization: None, content_type, body },
        )
        .await
    }
}

/// What a sign-in sends.
pub(crate) fn sign_in_form(login: &str, password: &str) -> String {
    format!("name={}&password={}&client=lab", encoded(login), encoded(password))
}

/// A content with what is said about it, as a form's content type and body.
pub(crate) fn multipart(about: &Value, content: &[u8]) -> (&'static str, Vec<u8>) {
    let name = about.get("filename").and_then(Value::as_str).unwrap_or_default();
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n{about}\r\n--{BOUNDARY}\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    (MULTIPART, [head.as_bytes(), content, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat())
}

/// What it means that nothing was answered.
fn unanswered(request: &str, silence: Silence) -> Answer {
    let said = format!("{request}: {silence}");
    match silence {
        Silence::NotSent(_) => Answer::NotSent(said),
        Silence::Broken(_) => Answer::None(said),
        Silence::Hung => Answer::Hung(said),
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
