//! WebSockets (RFC 6455), passed through: after both sides have agreed on it, bytes go both ways and nobody looks at them.
//!
//! `forward` lets the question of a client reach a node ([`asked`], [`ask`]) and, when the node agrees, leaves both sides
//! with the connection ([`agree`]); `http1` runs the tunnel when HTTP is over ([`Tunnel::run`]), in the same task and
//! under the same limits. Only HTTP/1.1 has them. What is under way in a tunnel is bounded by two buffers.

use bytes::Bytes;
use http::header::{CONNECTION, HeaderMap, UPGRADE};
use http::{HeaderValue, Method, Response, Version, request};
use hyper::upgrade::OnUpgrade;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;

use crate::answer::Content;
use crate::client::{Client, ClientStream};
use crate::flight::Flight;
use crate::headers::{self, has_token};
use crate::upstream::Upstream;

const WEBSOCKET: &str = "websocket";
/// Bytes under way in each direction.
const BUFFER_BYTES: usize = 8 * 1024;

/// Both sides of a WebSocket.
pub(crate) struct Tunnel {
    node_side: TcpStream,
    /// What the node sent right behind its answer.
    node_first: Bytes,
    request: String,
    flight: Flight,
}

/// Whether a request is the question for a WebSocket. Before its headers are cleaned.
pub(crate) fn asked(parts: &request::Parts) -> bool {
    parts.method == Method::GET
        && parts.version == Version::HTTP_11
        && parts.extensions.get::<OnUpgrade>().is_some()
        && has_token(&parts.headers, &UPGRADE, WEBSOCKET)
        && has_token(&parts.headers, &CONNECTION, "upgrade")
}

/// Puts the question into cleaned headers; into an answer the consent.
pub(crate) fn ask(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
}

/// A node has agreed (101): its connection is kept for when the client has its answer.
///
/// # Errors
/// It agreed to what it was not asked.
pub(crate) fn agree<B>(
    response: Response<B>,
    upstream: Upstream,
    flight: Flight,
    client: &Client,
    asker: &request::Parts,
    request: String,
) -> Result<Response<Content>, &'static str> {
    if asker.extensions.get::<OnUpgrade>().is_none() || !asker.headers.contains_key(UPGRADE) {
        return Err("it switched protocols without being asked");
    }
    let Some((node_side, node_first)) = upstream.into_parts() else {
        return Err("it switched to a protocol that AJP cannot carry");
    };
    client.keep(Tunnel { node_side, node_first, request, flight });
    let (mut parts, _) = response.into_parts();
    headers::clean_answer(&mut parts.headers);
    ask(&mut parts.headers);
    parts.version = Version::HTTP_11;
    Ok(Response::from_parts(parts, Content::Whole(Bytes::new())))
}

impl Tunnel {
    /// Carries bytes both ways until one side has closed and the other has what was under way.
    pub(crate) async fn run<S>(self, client: &Client, mut client_side: ClientStream<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Self { mut node_side, node_first, request, flight } = self;
        client.tunnel_begins();
        let ended = async {
            client_side.write_all(&node_first).await?;
            client_side.flush().await?;
            copy_bidirectional_with_sizes(&mut client_side, &mut node_side, BUFFER_BYTES, BUFFER_BYTES).await
        };
        let (bytes_in, bytes_out, cause) = match ended.await {
            Ok((bytes_in, bytes_out)) => (bytes_in, bytes_out + node_first.len() as u64, None),
            Err(error) => (0, 0, Some(error.to_string())),
        };
        let route = flight.member().route.as_str();
        tracing::info!(target: "zebu_balancer::access", request, route, bytes_in, bytes_out, cause, "WebSocket ended");
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn only_the_question_for_a_websocket_is_one() {
        let check = |upgrade: &'static str, connection: &'static str, expected: bool| {
            let request = Request::get("/ajax/x").header("upgrade", upgrade).header("connection", connection);
            let headers = request.body(()).unwrap().into_parts().0.headers;
            let found =
                has_token(&headers, &UPGRADE, WEBSOCKET) && has_token(&headers, &CONNECTION, "upgrade");
            assert_eq!(found, expected, "{upgrade} {connection}");
        };
        check("websocket", "Upgrade", true);
        check("WebSocket", "keep-alive, upgrade", true);
        check("h2c", "Upgrade, HTTP2-Settings", false);
        check("websocket", "keep-alive", false);
    }
}
