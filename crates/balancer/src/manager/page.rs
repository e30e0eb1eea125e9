//! The manager's page over HTTP, on a listener of its own: off unless configured, on the loopback address unless told otherwise.
//!
//! Whoever asks shows the name `manager` and the password of a file (HTTP Basic). A change must come with a token that only the page
//! itself has shown, so that no other page can have a browser send one. Nothing here is of use without the password.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use zebu_cluster::authority::read_private;

use super::Change;
use super::html::{self, LETTERS, Shown};
use crate::status::Status;
use crate::tier::Tier;

/// The name that goes with the password.
const NAME: &str = "manager";
/// Connections at once.
const CONNECTIONS_MAX: usize = 16;
/// Bytes of a form.
const FORM_BYTES_MAX: usize = 8 * 1024;
/// In which a request's head must have come.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// How long a wrong password waits for its answer.
const WRONG_PAUSE: Duration = Duration::from_secs(1);
/// Between two tries to listen: the predecessor of a hand-over has the address until it ends.
const LISTEN_EVERY: Duration = Duration::from_secs(1);

type Answer = Response<Full<Bytes>>;

/// What every request needs.
struct Page {
    tier: Arc<Tier>,
    /// What forms are known by; new in each process.
    token: String,
}

/// Serves until dropped.
pub(super) async fn serve(tier: Arc<Tier>, at: SocketAddr) {
    let mut key = [0; 32];
    if let Err(error) = getrandom::fill(&mut key) {
        return tracing::error!(cause = %error, "the manager's page is not there: no random numbers");
    }
    let page = Arc::new(Page { tier, token: blake3::Hash::from_bytes(key).to_hex().to_string() });
    let listener = listen(at).await;
    if let Ok(address) = listener.local_addr() {
        *page.tier.manager_page.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(address);
        tracing::info!(%address, "the manager's page is there");
    }
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, peer)) = listener.accept().await else {
            sleep(LISTEN_EVERY).await;
            continue;
        };
        let page = Arc::clone(&page);
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(|request| {
                let page = Arc::clone(&page);
                async move { Ok::<_, Infallible>(page.answer(request, peer).await) }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).keep_alive(false);
            // A client that goes away is its own business.
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn listen(at: SocketAddr) -> TcpListener {
    let mut is_told = false;
    loop {
        match TcpListener::bind(at).await {
            Ok(listener) => return listener,
            Err(error) if !is_told => {
                tracing::warn!(address = %at, cause = %error, "the manager's page waits for its address");
                is_told = true;
            }
            Err(_) => {}
        }
        sleep(LISTEN_EVERY).await;
    }
}

impl Page {
    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        match self.may(request.headers()) {
            Ok(true) => {}
            Ok(false) => {
                sleep(WRONG_PAUSE).await;
                let mut answer = text(StatusCode::UNAUTHORIZED, "name or password wrong\n");
                let challenge = HeaderValue::from_static("Basic realm=\"Zebu members\", charset=\"UTF-8\"");
                answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                return answer;
            }
            Err(reason) => {
                tracing::error!(reason, "nobody is let in to the manager's page");
                return text(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the password cannot be read; the log says why\n",
                );
            }
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/") => self.shown(StatusCode::OK, None),
            (&Method::POST, "/") => self.change(request, peer).await,
            (_, "/") => text(StatusCode::METHOD_NOT_ALLOWED, "GET or POST\n"),
            _ => text(StatusCode::NOT_FOUND, "there is nothing here\n"),
        }
    }

    fn may(&self, headers: &HeaderMap) -> Result<bool, String> {
        let config = &self.tier.config.manager;
        let file = config.password_file.as_deref().unwrap_or(Path::new(""));
        let password = read_private(file).map_err(|error| format!("manager.password_file: {error}"))?;
        let password = password.trim_ascii();
        if password.is_empty() {
            return Err(format!("manager.password_file {}: it is empty", file.display()));
        }
        let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
        let shown = shown.and_then(|shown| STANDARD.decode(shown.trim()).ok()).unwrap_or_default();
        let wanted = [NAME.as_bytes(), b":", password].concat();
        // Digests are compared, in the same time whatever differs.
        Ok(blake3::hash(&shown) == blake3::hash(&wanted))
    }

    fn shown(&self, status: StatusCode, refusal: Option<&str>) -> Answer {
        let snapshot = Status::new(Arc::clone(&self.tier)).snapshot();
        let now_ms = self.tier.wall_ms();
        let page = html::page(&Shown { snapshot: &snapshot, token: &self.token, refusal, now_ms });
        with(status, "text/html; charset=utf-8", page)
    }

    async fn change(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let site = request.headers().get("sec-fetch-site").cloned();
        let body = Limited::new(request.into_body(), FORM_BYTES_MAX).collect().await;
        let Ok(body) = body else {
            return text(StatusCode::BAD_REQUEST, "the form did not come whole, or is too long\n");
        };
        let form = pairs(&String::from_utf8_lossy(&body.to_bytes()));
        let value = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let token = value("token").unwrap_or_default();
        let is_ours = blake3::hash(token.as_bytes()) == blake3::hash(self.token.as_bytes());
        if !is_ours || site.is_some_and(|site| site != "same-origin") {
            return text(
                StatusCode::FORBIDDEN,
                "this did not come from the manager's own page: open it and try again\n",
            );
        }
        let letters = LETTERS.iter().map(|(letter, ..)| {
            format!("{}{letter}", if value(&letter.to_string()).is_some() { '+' } else { '-' })
        });
        let change = Change {
            route: value("route").unwrap_or_default(),
            balancer: value("balancer"),
            weight: value("weight"),
            status: Some(letters.collect()),
        };
        match self.tier.manager.change(&self.tier, &change, &format!("{NAME} from {}", peer.ip())) {
            Ok(()) => {
                let mut answer = text(StatusCode::SEE_OTHER, "done\n");
                answer.headers_mut().insert(LOCATION, HeaderValue::from_static("/"));
                answer
            }
            Err(reason) => self.shown(StatusCode::UNPROCESSABLE_ENTITY, Some(&reason)),
        }
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (decoded(name), decoded(value)));
    text.split('&').filter_map(pair).collect()
}

fn text(status: StatusCode, text: &'static str) -> Answer {
    with(status, "text/plain; charset=utf-8", text)
}

fn with(status: StatusCode, kind: &'static str, content: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(content.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("referrer-policy", HeaderValue::from_static("same-origin"));
    answer
}
