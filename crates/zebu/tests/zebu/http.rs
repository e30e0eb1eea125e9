//! The least of an HTTP client that can sign in: one connection a request, cookies kept.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A hanging server is a failed test, not a hanging one.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case; several of one name are joined with newlines.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends one request. An error is one of the connection.
pub(crate) fn send(
    server: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    let mut head = format!(
        "{method} {target} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes())?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw)?;
    parse(&raw).ok_or_else(|| std::io::Error::other(format!("no answer: {}", String::from_utf8_lossy(&raw))))
}

fn parse(raw: &[u8]) -> Option<Answer> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&raw[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = BTreeMap::<String, String>::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let values = headers.entry(name.to_ascii_lowercase()).or_default();
        if !values.is_empty() {
            values.push('\n');
        }
        values.push_str(value.trim());
    }
    let rest = &raw[end + 4..];
    let is_chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
    let body = if is_chunked { unchunk(rest)? } else { rest.to_vec() };
    Some(Answer { status, headers, body })
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let chunk = line + 2;
        body.extend_from_slice(rest.get(chunk..chunk + size)?);
        rest = rest.get(chunk + size + 2..)?;
    }
}

/// Answers of a web tier that are looked at for the route of a node; each node has its turn.
const TURNS_MAX: usize = 200;

/// A session id that a web tier, or a node itself, gave with the route of a node.
pub(crate) fn aimed_at(server: SocketAddr, route: &str) -> String {
    let given = |_| {
        let answer = send(server, "GET", "/ajax/capabilities?action=all", &[], "").unwrap();
        let cookies = answer.headers.get("set-cookie").cloned().unwrap_or_default();
        let id = cookies.lines().find_map(|line| line.strip_prefix("JSESSIONID="));
        id.map(|id| id.split(';').next().unwrap_or_default().to_owned())
    };
    let mut ids = (0..TURNS_MAX).filter_map(given);
    ids.find(|id| id.ends_with(&format!(".{route}"))).unwrap_or_else(|| panic!("no turn came to {route}"))
}

/// Somebody signed in.
pub(crate) struct Person {
    server: SocketAddr,
    session: String,
    cookies: BTreeMap<String, String>,
}

impl Person {
    /// Signs in, through the node of that route if one is given.
    pub(crate) fn sign_in(server: SocketAddr, name: &str, route: Option<&str>) -> Self {
        Self::sign_in_by(server, name, route.map(|route| aimed_at(server, route)).as_deref())
    }

    /// Signs in as a browser does that was given a session id before.
    pub(crate) fn sign_in_by(server: SocketAddr, name: &str, id: Option<&str>) -> Self {
        let mut person = Self { server, session: String::new(), cookies: BTreeMap::new() };
        if let Some(id) = id {
            person.cookies.insert("JSESSIONID".into(), id.to_owned());
        }
        let form = format!("name={name}&password=secret&client=test");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = person.exchange("POST", "/ajax/login?action=login", &headers, &form).unwrap();
        let session = answer.json()["session"].as_str().map(str::to_owned);
        person.session = session.unwrap_or_else(|| panic!("{name} is not let in: {}", answer.text()));
        person
    }

    /// What a stream of events is asked for with: target and headers.
    pub(crate) fn listening(&self, topics: &str) -> (String, String) {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let target = format!("/ajax/push?action=subscribe&session={}&topics={topics}", self.session);
        (target, cookies.join("; "))
    }

    /// The same person, as a browser that has lost nothing, at another address.
    pub(crate) fn at(self, server: SocketAddr) -> Self {
        Self { server, ..self }
    }

    /// Asks the HTTP API and answers the whole envelope: `action` is `folders?action=list&parent=9`.
    pub(crate) fn ask(&mut self, method: &str, action: &str, body: &str) -> std::io::Result<Value> {
        let target = format!("/ajax/{action}&session={}", self.session);
        let headers = [("content-type", "text/javascript")];
        Ok(self.exchange(method, &target, &headers, body)?.json())
    }

    /// The data of an answer that must be no error.
    pub(crate) fn data(&mut self, method: &str, action: &str, body: &str) -> Value {
        let mut envelope = self.ask(method, action, body).unwrap();
        assert!(envelope.get("error").is_none_or(Value::is_null), "{action}: {envelope}");
        envelope["data"].take()
    }

    fn exchange(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> std::io::Result<Answer> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut all = headers.to_vec();
        if !cookies.is_empty() {
            all.push(("cookie", &cookies));
        }
        let answer = send(self.server, method, target, &all, body)?;
        for set in answer.headers.get("set-cookie").into_iter().flat_map(|values| values.lines()) {
            let pair = set.split(';').next().unwrap_or("");
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }
}
