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

/// `GET /health/ready`: configdb answers. What is not as it should be follows, a line each. A node that is about to stop takes no more connections, so it need not say so.
pub(crate) async fn ready(app: &App) -> Response<Outgoing> {
    match app.ready().await {
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
    }
}

fn answer(status: StatusCode, text: impl Into<bytes::Bytes>) -> Response<Outgoing> {
    let mut response = Response::new(body::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
