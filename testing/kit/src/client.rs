//! A client of the HTTP API and of WebDAV: a session, cookies, one connection a request.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::cluster::ROUTE_KEY;
use crate::jar::Jar;
use crate::people::PASSWORD;

/// What stands between the parts of an upload.
const BOUNDARY: &str = "----zebu-kit-boundary";

/// What goes along with a call, which also decides its method.
#[derive(Clone, Debug)]
pub enum Sent<'a> {
    /// GET.
    Nothing,
    /// PUT with a JSON body.
    Json(Value),
    /// POST of a form.
    Form(&'a [(&'a str, &'a str)]),
    /// POST of an upload: fields, file name, bytes.
    Upload(Value, &'a str, &'a [u8]),
}

/// Somebody with a browser, or another program.
#[derive(Debug)]
pub struct Client {
    /// Where it connects to.
    pub address: SocketAddr,
    /// `user` or `user@mapping`.
    pub login: String,
    /// The session id, once signed in.
    pub session: Option<String>,
    /// Its cookies.
    pub jar: Jar,
}

impl Client {
    /// A client of any address, not signed in.
    #[must_use]
    pub fn new(address: SocketAddr, login: &str) -> Client {
        Client { address, login: login.to_owned(), session: None, jar: Jar::default() }
    }

    /// Shows the web tier a route from now on, as a browser that was there before does.
    #[must_use]
    pub fn pinned(self, route: &str) -> Client {
        let id = zebu_balancer::signed(&ROUTE_KEY, "0123456789abcdef", '.', route);
        self.jar.put("JSESSIONID", &id);
        self
    }

    /// Another window of the same browser: the same session and cookies.
    #[must_use]
    pub fn again(&self) -> Client {
        Client { login: self.login.clone(), session: self.session.clone(), jar: self.jar.copied(), ..*self }
    }

    /// Signs in; the test fails if that is refused.
    pub async fn login(mut self) -> Client {
        let login = self.login.clone();
        let answer = self.sign_in(&login, PASSWORD).await;
        let session = answer.json()["session"].as_str().map(str::to_owned);
        self.session = Some(session.unwrap_or_else(|| panic!("{login} cannot sign in: {answer:?}")));
        self
    }

    /// Asks for a session; the answer may be a refusal.
    pub async fn sign_in(&self, login: &str, password: &str) -> Answer {
        let form = [("name", login), ("password", password), ("client", "zebu-kit"), ("version", "1")];
        self.ajax("login", "login", &[], Sent::Form(&form)).await
    }

    /// A call that reads.
    pub async fn get(&self, module: &str, action: &str, params: &[(&str, &str)]) -> Answer {
        self.ajax(module, action, params, Sent::Nothing).await
    }

    /// A call with a JSON body.
    pub async fn put(&self, module: &str, action: &str, params: &[(&str, &str)], body: Value) -> Answer {
        self.ajax(module, action, params, Sent::Json(body)).await
    }

    /// Uploads a new file; answers its id.
    pub async fn upload(&self, folder: &str, name: &str, bytes: &[u8]) -> String {
        let fields = serde_json::json!({"folder_id": folder, "filename": name, "title": name});
        let answer =
            self.ajax("infostore", "new", &[("plainJson", "true")], Sent::Upload(fields, name, bytes)).await;
        answer.data().as_str().unwrap().to_owned()
    }

    /// A call of the HTTP API, with the session if there is one and no other was given.
    pub async fn ajax(&self, module: &str, action: &str, params: &[(&str, &str)], sent: Sent<'_>) -> Answer {
        let mut query = pairs([("action", action)].into_iter().chain(params.iter().copied()));
        if let Some(session) = self.session.as_ref().filter(|_| !params.iter().any(|(n, _)| *n == "session"))
        {
            query.push_str(&format!("&session={session}"));
        }
        let path = format!("/ajax/{module}?{query}");
        let (method, content_type, body) = match sent {
            Sent::Nothing => ("GET", None, Bytes::new()),
            Sent::Json(value) => ("PUT", Some("application/json".to_owned()), value.to_string().into()),
            Sent::Form(fields) => {
                let form = pairs(fields.iter().copied());
                ("POST", Some("application/x-www-form-urlencoded".to_owned()), form.into())
            }
            Sent::Upload(fields, name, bytes) => {
                let kind = format!("multipart/form-data; boundary={BOUNDARY}");
                ("POST", Some(kind), multipart(&fields, name, bytes))
            }
        };
        let content_type = content_type.as_deref();
        let headers: Vec<(&str, &str)> =
            content_type.iter().map(|kind| (CONTENT_TYPE.as_str(), *kind)).collect();
        self.send(method, &path, &headers, body).await
    }

    /// A WebDAV request with Basic credentials. `path` is sent as it is.
    pub async fn dav(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let credentials = format!("Basic {}", STANDARD.encode(format!("{}:{PASSWORD}", self.login)));
        let mut all = vec![(AUTHORIZATION.as_str(), credentials.as_str())];
        all.extend_from_slice(headers);
        self.send(method, path, &all, body.into()).await
    }

    /// Any request, with the cookies.
    pub async fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
        let request = self.request(method, target, headers, body);
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        let (parts, incoming) = response.into_parts();
        let body = incoming.collect().await.unwrap().to_bytes();
        connection.abort();
        self.jar.learn(&parts.headers);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Request<Full<Bytes>> {
        let mut request =
            Request::builder().method(method).uri(target).header(HOST, self.address.to_string());
        if let Some(cookies) = self.jar.header() {
            request = request.header(COOKIE, cookies);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Full::new(body)).unwrap()
    }
}

/// A percent-encoded path segment or parameter.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

fn multipart(fields: &Value, name: &str, bytes: &[u8]) -> Bytes {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n{fields}\r\n--{BOUNDARY}\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body.into()
}
