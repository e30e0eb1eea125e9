//! A person signed in through the web tier, speaking the HTTP API with curl. Pinned to a node by the route in JSESSIONID,
//! as a browser would be; an answer from another node is an error.

use crate::Result;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

/// Everybody's password in a demo.
pub(super) const PASSWORD: &str = "secret";
/// No answer takes this long; a request that hangs is a failure.
const REQUEST_SECONDS_MAX: &str = "60";
/// As `timestamp`: change it whatever has happened to it.
pub(super) const WHATEVER_HAPPENED: i64 = i64::MAX;

/// Somebody signed in.
#[derive(Clone)]
pub(super) struct Person {
    url: String,
    route: String,
    /// A session id with that route, as the web tier signed it.
    aim: String,
    cookies: BTreeMap<String, String>,
    session: String,
    /// The user's id.
    pub(super) user: i64,
}

/// What the server said: the envelope of the HTTP API.
#[derive(Debug)]
pub(super) struct Answer(Value);

impl Answer {
    /// The data; an answer that is an error is one here too.
    pub(super) fn data(&self) -> Result<&Value> {
        if self.0.get("error").is_some() {
            Err(format!("refused: {}", self.0).into())
        } else {
            Ok(field(&self.0, "data"))
        }
    }

    /// An id in the data, which comes as a string or a number.
    pub(super) fn id(&self) -> Result<String> {
        let data = self.data()?;
        Ok(data.as_str().map_or_else(|| data.to_string(), str::to_owned))
    }

    /// The code of the refusal, which must be one of these.
    pub(super) fn refused_with(&self, codes: &[&str]) -> Result<String> {
        let code = field(&self.0, "code").as_str().unwrap_or("none");
        if codes.contains(&code) {
            Ok(code.to_owned())
        } else {
            Err(format!("expected one of {codes:?}: {}", self.0).into())
        }
    }
}

impl Person {
    /// Signs in on the node with this name.
    pub(super) fn sign_in(url: &str, name: &str, node: &str) -> Result<Self> {
        let (url, route, aim) = (url.to_owned(), node.to_owned(), aim(url, node)?);
        let mut person = Self { url, route, aim, cookies: BTreeMap::new(), session: String::new(), user: 0 };
        let form = [
            "--data-urlencode",
            &format!("name={name}"),
            "--data-urlencode",
            &format!("password={PASSWORD}"),
        ];
        let answer = person.curl("/ajax/login?action=login&client=first", &form, b"")?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let session =
            field(&answer, "session").as_str().ok_or_else(|| format!("{name} is not let in: {answer}"))?;
        session.clone_into(&mut person.session);
        person.user = field(&answer, "user_id").as_i64().unwrap_or(0);
        Ok(person)
    }

    /// The name by which the node that answers knows itself. For the operator only.
    pub(super) fn served_by(&mut self) -> Result<String> {
        let status = self.get("cluster?action=status")?;
        Ok(field(status.data()?, "served_by").as_str().unwrap_or_default().to_owned())
    }

    /// The same session, the same cookies, another node.
    pub(super) fn through(&self, node: &str) -> Result<Self> {
        Ok(Self { route: node.to_owned(), aim: aim(&self.url, node)?, ..self.clone() })
    }

    pub(super) fn get(&mut self, request: &str) -> Result<Answer> {
        self.call(request, &[], b"")
    }

    pub(super) fn put(&mut self, request: &str, body: &Value) -> Result<Answer> {
        let json = ["--request", "PUT", "--header", "Content-Type: application/json", "--data-binary", "@-"];
        self.call(request, &json, body.to_string().as_bytes())
    }

    /// A file with what describes it, as the browser sends both.
    pub(super) fn upload(&mut self, request: &str, about: &Value, content: &[u8]) -> Result<Answer> {
        let about = format!("json={about};type=application/json");
        let name = "file=@-;filename=first;type=application/octet-stream";
        self.call(&format!("{request}&plainJson=true"), &["--form", &about, "--form", name], content)
    }

    /// A file's bytes; where it is refused, the bytes of the refusal.
    pub(super) fn download(&mut self, folder: &str, file: &str) -> Result<Vec<u8>> {
        let request = format!("infostore?action=document&folder={folder}&id={file}");
        self.curl(&format!("/ajax/{request}&session={}", self.session), &[], b"")
    }

    fn call(&mut self, request: &str, arguments: &[&str], input: &[u8]) -> Result<Answer> {
        let body = self.curl(&format!("/ajax/{request}&session={}", self.session), arguments, input)?;
        let answer = serde_json::from_slice(&body);
        Ok(Answer(answer.map_err(|_| format!("{request}: no JSON: {}", String::from_utf8_lossy(&body)))?))
    }

    fn curl(&mut self, path: &str, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        let cookies =
            self.cookies.iter().map(|(name, value)| format!("; {name}={value}")).collect::<String>();
        let cookies = format!("Cookie: JSESSIONID={}{cookies}", self.aim);
        let mut child = Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--include",
                "--max-time",
                REQUEST_SECONDS_MAX,
                "--header",
                "Expect:",
            ])
            .args(["--header", &cookies])
            .args(arguments)
            .arg(format!("{}{path}", self.url))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        child.stdin.take().ok_or("curl has no input")?.write_all(input)?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("curl {}{path}: {}", self.url, output.status).into());
        }
        let (head, body) = split_head(&output.stdout).ok_or("curl printed no head")?;
        for (name, value) in String::from_utf8_lossy(head).lines().filter_map(set_cookie) {
            if name != "JSESSIONID" {
                self.cookies.insert(name, value);
            } else if !value.ends_with(&format!(".{}", self.route)) {
                return Err(
                    format!("{path}: wanted {}, was answered with the route of {value}", self.route).into()
                );
            }
        }
        Ok(body.to_vec())
    }
}

/// Answers that are looked at for the route of a node; each node has its turn.
const TURNS_MAX: usize = 200;

/// A session id that the web tier signed with the route of a node: nobody can make one themselves.
pub(super) fn aim(url: &str, node: &str) -> Result<String> {
    for _ in 0..TURNS_MAX {
        let address = format!("{url}/ajax/capabilities?action=all");
        let words = ["--silent", "--show-error", "--include", "--max-time", REQUEST_SECONDS_MAX, &address];
        let output = Command::new("curl").args(words).stdin(Stdio::null()).output()?;
        let (head, _) = split_head(&output.stdout).ok_or("curl printed no head")?;
        let head = String::from_utf8_lossy(head).into_owned();
        let given = head.lines().filter_map(set_cookie).find(|(name, _)| name == "JSESSIONID");
        if let Some((_, id)) = given.filter(|(_, id)| id.ends_with(&format!(".{node}"))) {
            return Ok(id);
        }
    }
    Err(format!("no turn came to {node}").into())
}

/// A field of an answer, null if it has none.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

fn split_head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((bytes.get(..end)?, bytes.get(end + 4..)?))
}

/// Name and value of a cookie that a line of the head sets.
fn set_cookie(line: &str) -> Option<(String, String)> {
    let (_, value) = line.split_once(": ").filter(|(header, _)| header.eq_ignore_ascii_case("set-cookie"))?;
    let (name, value) = value.split(';').next()?.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_taken_from_the_head_alone() {
        let (head, body) =
            split_head(b"HTTP/1.1 200 OK\r\nset-cookie: a-b=c=; Path=/; HttpOnly\r\n\r\n{}\r\n\r\n").unwrap();
        assert_eq!(body, b"{}\r\n\r\n");
        let cookies: Vec<_> = std::str::from_utf8(head).unwrap().lines().filter_map(set_cookie).collect();
        assert_eq!(cookies, [("a-b".to_owned(), "c=".to_owned())]);
        assert_eq!(set_cookie("X-Set-Cookie: a=b"), None);
    }

    #[test]
    fn an_error_is_never_taken_for_data() {
        let refused = Answer(serde_json::json!({"error": "No", "code": "FLD-0003", "data": 1}));
        assert!(refused.data().is_err());
        assert_eq!(refused.refused_with(&["FLD-0003"]).unwrap(), "FLD-0003");
        assert!(Answer(serde_json::json!({"data": 1})).refused_with(&["FLD-0003"]).is_err());
    }
}
