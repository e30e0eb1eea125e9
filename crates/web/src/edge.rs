//! The edge: what happens to every request before and after its action.
//!
//! `server` calls [`Edge::serve`] for each. It gives the request its id, finds the protocol, measures, sets
//! `JSESSIONID`, and writes the one log line there is about a request, with the cause if something failed. It must never
//! log a query string, a body or a cookie.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::header::{CONNECTION, SET_COOKIE};
use http::{HeaderValue, Method, Response, StatusCode};
use hyper::body::Body as _;
use zebu_app::App;
use zebu_app::meter::{self, Meter};
use zebu_model::{ContextId, UserId};

use crate::body::{self, Body, Incoming, Outgoing};
use crate::drain::{Kind, Left, Tally};
use crate::health::Standing;
use crate::params::Params;
use crate::request::Request;
use crate::source::Source;
use crate::{Config, ajax, dav, health, jsessionid, metrics, request_id};

/// What all requests of a node share.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) app: Arc<App>,
    pub(crate) config: Arc<Config>,
    draining: AtomicBool,
    tally: Arc<Tally>,
}

/// An answer, with what the log line says of it.
pub(crate) struct Served {
    pub(crate) response: Response<Outgoing>,
    /// Module and action, or protocol and method.
    pub(crate) what: (&'static str, &'static str),
    /// The code of a refusal or failure.
    pub(crate) code: Option<&'static str>,
    /// The causes of a failure.
    pub(crate) cause: Option<String>,
}

impl Served {
    /// An answer that needs no words.
    pub(crate) fn plain(response: Response<Outgoing>, what: (&'static str, &'static str)) -> Served {
        Served { response, what, code: None, cause: None }
    }
}

impl Edge {
    pub(crate) fn new(app: Arc<App>, config: Config) -> Edge {
        Edge { app, config: Arc::new(config), draining: AtomicBool::new(false), tally: Arc::default() }
    }

    /// From now on each answer is the last one on its connection, and says so; or not any more.
    pub(crate) fn drain(&self, drains: bool) {
        self.draining.store(drains, Ordering::Relaxed);
        zebu_app::push::drain(&self.app, drains);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn left(&self) -> Left {
        self.tally.left()
    }

    fn standing(&self) -> Standing {
        Standing { draining: self.is_draining(), under_way: self.tally.answering() }
    }

    /// Answers one request.
    pub(crate) async fn serve(&self, request: http::Request<Incoming>, source: Source) -> Response<Outgoing> {
        match request.uri().path() {
            "/health/live" => return health::live(),
            "/health/ready" => return health::ready(&self.app, self.standing()).await,
            "/metrics" => return metrics::answer(&self.app),
            _ => {}
        }
        let _answering = self.tally.count(Kind::Answering);
        let asks_for_tenant = request.headers().contains_key("x-zebu-asks");
        let started = Instant::now();
        let line = Line {
            id: request_id::of(request.headers()),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            who: Arc::default(),
        };
        let meter = Arc::new(Meter::of_request(&line.id));
        let secure = self.config.force_https || source.is_secure;
        let cookie = jsessionid::cookie(request.headers(), &self.app.node().route, secure);
        let answer = self.answer(request, source, &line);
        let mut served = meter::measured(Arc::clone(&meter), answer).await;
        let headers = served.response.headers_mut();
        if let Some(cookie) = cookie {
            headers.append(SET_COOKIE, cookie);
        }
        if self.is_draining() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            headers.insert("x-zebu-draining", HeaderValue::from_static("1"));
        }
        if asks_for_tenant && let Some((context, _)) = line.who.get() {
            headers.insert("x-zebu-tenant", HeaderValue::from(context.0));
        }
        if self.config.bench_headers {
            headers.insert("x-zebu-statements", HeaderValue::from(meter.statements()));
        }
        line.write(&served, started, &meter);
        self.tally.follow(served.response)
    }

    async fn answer(&self, request: http::Request<Incoming>, source: Source, line: &Line) -> Served {
        let (parts, incoming) = request.into_parts();
        let params = Params::parse(parts.uri.query().unwrap_or_default());
        let upload = (!incoming.is_end_stream()).then(|| self.tally.count(Kind::Upload));
        let body = Body::new(incoming, &parts.headers, self.config.body_stall()).counted(upload);
        let request = Request {
            app: Arc::clone(&self.app),
            config: Arc::clone(&self.config),
            id: line.id.clone(),
            method: parts.method,
            uri: parts.uri,
            params: Params::default(),
            headers: parts.headers,
            body,
            source,
            who: Arc::clone(&line.who),
        };
        if let Some(path) = line.path.strip_prefix("/ajax/") {
            return ajax::answer(path, params, request).await;
        }
        if dav::serves(&request.method, &line.path) {
            return dav::answer(request).await;
        }
        refuse(StatusCode::NOT_FOUND, "there is nothing here\n")
    }
}

/// What the log says of a request whatever becomes of it.
struct Line {
    id: String,
    method: Method,
    path: String,
    who: Arc<OnceLock<(ContextId, UserId)>>,
}

impl Line {
    fn write(&self, served: &Served, started: Instant, meter: &Meter) {
        let (context, user) = self.who.get().map_or((0, 0), |(context, user)| (context.0, user.0));
        let (module, action) = served.what;
        macro_rules! line {
            ($level:ident, $words:literal) => {
                tracing::$level!(
                    request_id = self.id,
                    method = %self.method,
                    path = self.path,
                    module,
                    action,
                    status = served.response.status().as_u16(),
                    code = served.code,
                    cause = served.cause,
                    context,
                    user,
                    ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                    statements = meter.statements(),
                    commits = meter.commits(),
                    database_ms = meter.database_us() / 1_000,
                    $words
                )
            };
        }
        if served.cause.is_some() { line!(error, "request failed") } else { line!(info, "request") }
    }
}

fn refuse(status: StatusCode, text: &'static str) -> Served {
    let mut response = Response::new(body::full(text));
    *response.status_mut() = status;
    Served::plain(response, ("", ""))
}
