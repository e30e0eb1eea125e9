//! One request to the admin daemon: which command, who asks, with what; and the one log line there is about it.
//!
//! The line says who asked for what on which thing, and what came of it. It must never have a password in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Response, StatusCode};
use zebu_app::App;
use zebu_app::sessions::Credentials;

use super::Config;
use super::asked::{Asked, Outcome};
use super::options::Options;
use super::refused::Refused;
use super::router;
use crate::basic::basic;
use crate::body::{self, Body, Incoming, Outgoing};
use crate::drain::{Kind, Left, Tally};
use crate::health::Standing;
use crate::{health, request_id};

/// What every command's path begins with.
const ROOT: &str = "/admin/v1/";

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Edge {
    app: Arc<App>,
    config: Config,
    draining: AtomicBool,
    tally: Arc<Tally>,
}

/// What the log says of a request.
#[derive(Default)]
struct Line {
    command: String,
    who: String,
    about: String,
}

impl Edge {
    pub(crate) fn new(app: Arc<App>, config: Config) -> Edge {
        Edge { app, config, draining: AtomicBool::new(false), tally: Arc::default() }
    }

    /// From now on each answer is the last one on its connection, and says so; or not any more.
    pub(crate) fn drain(&self, drains: bool) {
        self.draining.store(drains, Ordering::Relaxed);
    }

    pub(crate) fn left(&self) -> Left {
        self.tally.left()
    }

    /// Answers one request.
    pub(crate) async fn serve(&self, request: http::Request<Incoming>) -> Response<Outgoing> {
        match request.uri().path() {
            "/health/live" => return health::live(),
            "/health/ready" => {
                // Commands are few: nobody chooses an admin daemon by how busy it is.
                let draining = self.draining.load(Ordering::Relaxed);
                return health::ready(&self.app, Standing { draining, under_way: 0 }).await;
            }
            _ => {}
        }
        let _answering = self.tally.count(Kind::Answering);
        let started = Instant::now();
        let id = request_id::of(request.headers());
        let mut line = Line::default();
        let outcome = self.answer(request, &mut line).await;
        let (code, cause) = match &outcome {
            Ok(_) => (None, None),
            Err(refused) => (Some(refused.code), refused.cause.as_deref()),
        };
        let mut response = respond(&outcome);
        if self.draining.load(Ordering::Relaxed) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        tracing::info!(
            request_id = id,
            command = line.command,
            who = line.who,
            about = line.about,
            status = response.status().as_u16(),
            code,
            cause,
            ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "command"
        );
        response
    }

    async fn answer(&self, request: http::Request<Incoming>, line: &mut Line) -> Outcome {
        let (parts, incoming) = request.into_parts();
        let mut body = Body::new(incoming, &parts.headers, self.config.body_stall());
        let path = parts.uri.path();
        let name = path.strip_prefix(ROOT).unwrap_or(path);
        let command = router::find(name).ok_or_else(|| Refused::no_command(name))?;
        command.name.clone_into(&mut line.command);
        if parts.method != Method::POST {
            return Err(Refused::method());
        }
        let credentials = basic(&parts.headers);
        if let Some((login, _)) = &credentials {
            line.who = login.chars().take(64).collect();
        }
        let bytes =
            body.collect(self.config.body_bytes_max).await.map_err(|error| Refused::request(&error))?;
        let options = Options::of(&bytes)?;
        line.about = options.about();
        let who = credentials.as_ref().map(|(login, password)| Credentials { login, password });
        command.run(Asked { app: Arc::clone(&self.app), options }, who).await
    }
}

fn respond(outcome: &Outcome) -> Response<Outgoing> {
    let (status, json) = match outcome {
        // Sentences, numbers and tables always have a JSON form.
        Ok(reply) => (StatusCode::OK, serde_json::to_vec(reply).unwrap_or_default()),
        Err(refused) => (refused.status, refused.json()),
    };
    let mut response = Response::new(body::full(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"Zebu admin\", charset=\"UTF-8\"");
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
