//! Whether this node lives, and whether it can work: for the web tier's probes and the operator's.
//!
//! No session, no cookie, nothing of any tenant. Called by `edge`.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use zebu_app::App;

use crate::body::{self, Outgoing};

/// `GET /health/live`: the process answers.
pub(crate) fn live() -> Response<Outgoing> {
    answer(StatusCode::OK, "live\n")
}

/// What a node says of itself with each answer about its readiness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// It is about to stop.
    pub(crate) draining: bool,
    /// Requests it is answering.
    pub(crate) under_way: u32,
}

/// Requests under way for each core at which a node calls itself wholly busy: they wait for databases half of their time and
/// more, so that a core has room for several.
const BUSY_PER_CORE: u32 = 8;

impl Standing {
    /// How busy, in hundredths; above 100 when requests queue up.
    fn load(self) -> u32 {
        let cores =
            std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        self.under_way.saturating_mul(100) / (cores * BUSY_PER_CORE)
    }
}

/// `GET /health/ready`: configdb answers, and the node is not about to stop. What is not as it should be follows, a line each. The
/// web tier reads how busy the node is from `X-Zebu-Load`, in hundredths, and that it drains from `X-Zebu-Draining`.
pub(crate) async fn ready(app: &App, standing: Standing) -> Response<Outgoing> {
    let mut response = match app.ready().await {
        _ if standing.draining => answer(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        Ok(()) => {
            let troubles =
                zebu_app::databases::troubles(app).into_iter().chain(zebu_app::cluster::troubles(app));
            let troubles = troubles.map(|trouble| trouble + "\n");
            answer(StatusCode::OK, std::iter::once("ready\n".to_owned()).chain(troubles).collect::<String>())
        }
        Err(error) => {
            tracing::warn!(cause = error.cause_chain(), "this node is not ready: configdb does not answer");
            answer(StatusCode::SERVICE_UNAVAILABLE, "configdb does not answer\n")
        }
    };
    let headers = response.headers_mut();
    headers.insert("x-zebu-load", HeaderValue::from(standing.load()));
    if standing.draining {
        headers.insert("x-zebu-draining", HeaderValue::from_static("1"));
    }
    response
}

fn answer(status: StatusCode, text: impl Into<bytes::Bytes>) -> Response<Outgoing> {
    let mut response = Response::new(body::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
