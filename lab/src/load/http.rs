//! One HTTP request to a node, on a connection of its own, bounded in time. Called by `person` and by the crowd's operator.

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// A node's own bounds are shorter: what takes longer than this hangs.
pub(crate) const REQUEST_SECONDS_MAX: u64 = 30;

/// What is sent.
#[derive(Debug)]
pub(crate) struct Sent<'a> {
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) cookies: &'a str,
    /// Name and password, as the header has them.
    pub(crate) authorization: Option<&'a str>,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Bytes,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    /// `name=value` of each cookie that was set.
    pub(crate) cookies: Vec<String>,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Silence {
    /// There was no connection: nothing was sent.
    NotSent(String),
    /// The connection broke: it may have been carried out.
    Broken(String),
    /// Nothing came within [`REQUEST_SECONDS_MAX`]: it hangs.
    Hung,
}

impl fmt::Display for Silence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Silence::NotSent(said) | Silence::Broken(said) => formatter.write_str(said),
            Silence::Hung => write!(formatter, "no answer within {REQUEST_SECONDS_MAX} s"),
        }
    }
}

/// Sends a request.
pub(crate) async fn send(node: SocketAddr, sent: Sent<'_>) -> Result<Got, Silence> {
    let time = Duration::from_secs(REQUEST_SECONDS_MAX);
    tokio::time::timeout(time, exchange(node, sent)).await.unwrap_or(Err(Silence::Hung))
}

async fn exchange(node: SocketAddr, sent: Sent<'_>) -> Result<Got, Silence> {
    let not_sent = |error: &dyn std::error::Error| Silence::NotSent(error.to_string());
    let said = |error: &dyn std::error::Error| Silence::Broken(error.to_string());
    let mut request = Request::builder().method(sent.method).uri(&sent.target).header(HOST, node.to_string());
    if !sent.cookies.is_empty() {
        request = request.header(COOKIE, sent.cookies);
    }
    if let Some(content_type) = sent.content_type {
        request = request.header(CONTENT_TYPE, content_type);
    }
    if let Some(authorization) = sent.authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let request = request.body(Full::new(sent.body)).map_err(|e| not_sent(&e))?;
    let stream = TcpStream::connect(node).await.map_err(|e| not_sent(&e))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| not_sent(&e))?;
    let connection = tokio::spawn(connection);
    let answer = async {
        let response = sender.send_request(request).await.map_err(|e| said(&e))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|e| said(&e))?.to_bytes();
        let cookies = head.headers.get_all(SET_COOKIE).iter().filter_map(|value| {
            let (pair, _) = value.to_str().ok()?.split_once(';')?;
            Some(pair.to_owned())
        });
        Ok(Got { status: head.status.as_u16(), cookies: cookies.collect(), body })
    }
    .await;
    connection.abort();
    answer
}
