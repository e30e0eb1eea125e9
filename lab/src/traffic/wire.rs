//! A client's connection to a front, plain or by TLS, kept between requests as browsers keep theirs. It tells exactly how a request
//! failed, and never asks a second time on its own unless not a byte was sent. Used by `world` and `events`.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderMap, Request, response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// Nobody waits longer for an answer, be it a large file.
pub(crate) const ANSWER_SECONDS_MAX: u64 = 45;
/// A body that is sent or read slowly goes in parts of this size, with this pause after each.
const PART_BYTES: usize = 32 * 1024;
const PART_PAUSE: Duration = Duration::from_millis(60);
/// Of a client that reads slowly: what the kernel takes for it at most.
const SLOW_RECEIVE_BYTES: u32 = 16 * 1024;

/// Where clients connect.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    /// By TLS, with what the certificate must say.
    pub(crate) tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// How a request failed that was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Broken {
    /// The connect was refused.
    Refused,
    /// There was no connection for another reason.
    NotReached,
    /// The connection broke before the head of an answer.
    Reset,
    /// It broke within the answer.
    CutOff,
    /// Nothing came for [`ANSWER_SECONDS_MAX`].
    TimedOut,
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) cookies: String,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) last_event: Option<String>,
    pub(crate) body: Bytes,
    /// Body and answer take their time.
    pub(crate) slowly: bool,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A connection, or the place for one.
pub(crate) struct Line {
    front: Front,
    /// Before the body of the last answer was read to its end it is not ready.
    sender: Option<SendRequest<Out>>,
    driver: Option<AbortHandle>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Line {
    pub(crate) fn to(front: &Front) -> Self {
        Self { front: front.clone(), sender: None, driver: None }
    }

    /// One request and its whole answer.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Result<Got, Broken> {
        let exchange = async {
            let (head, body) = self.head(ask).await?;
            let body = if ask.slowly { sipped(body).await? } else { drunk(body).await? };
            Ok(Got { status: head.status.as_u16(), headers: head.headers, body })
        };
        let got = timeout(Duration::from_secs(ANSWER_SECONDS_MAX), exchange).await;
        let got = got.unwrap_or(Err(Broken::TimedOut));
        if got.is_err() {
            self.hang_up();
        }
        got
    }

    /// One request and the head of its answer. What follows is the caller's to read before the next request.
    pub(crate) async fn head(&mut self, ask: &Ask) -> Result<(response::Parts, Incoming), Broken> {
        let mut request = ask.request(&self.front).ok_or(Broken::NotReached)?;
        if let Some(mut sender) = self.sender.take().filter(|_| !ask.slowly)
            && sender.ready().await.is_ok()
        {
            match self.send(sender, request).await {
                // The connection had been closed: not a byte was sent.
                Err(Some(back)) => request = back,
                Err(None) => return Err(Broken::Reset),
                Ok(answer) => return Ok(answer),
            }
        }
        let sender = self.connect(ask.slowly).await?;
        self.send(sender, request).await.map_err(|_| Broken::Reset)
    }

    /// Answers the request again if nothing of it was sent.
    async fn send(
        &mut self,
        mut sender: SendRequest<Out>,
        request: Request<Out>,
    ) -> Result<(response::Parts, Incoming), Option<Request<Out>>> {
        let answer = sender.try_send_request(request).await.map_err(|mut error| error.take_message())?;
        self.sender = Some(sender);
        Ok(answer.into_parts())
    }

    async fn connect(&mut self, slowly: bool) -> Result<SendRequest<Out>, Broken> {
        self.hang_up();
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::ConnectionRefused => Broken::Refused,
            _ => Broken::NotReached,
        };
        let stream = if slowly {
            let socket = TcpSocket::new_v4().map_err(failed)?;
            socket.set_recv_buffer_size(SLOW_RECEIVE_BYTES).map_err(failed)?;
            socket.connect(self.front.address).await.map_err(failed)?
        } else {
            TcpStream::connect(self.front.address).await.map_err(failed)?
        };
        let stream: Box<dyn Stream> = match &self.front.tls {
            Some((tls, name)) => {
                let secured = tls.connect(name.clone(), stream).await;
                Box::new(secured.map_err(|_| Broken::NotReached)?)
            }
            None => Box::new(stream),
        };
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| Broken::NotReached)?;
        self.driver = Some(tokio::spawn(connection).abort_handle());
        Ok(sender)
    }

    /// Closes the connection, if there is one.
    pub(crate) fn hang_up(&mut self) {
        self.sender = None;
        if let Some(driver) = self.driver.take() {
            driver.abort();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.hang_up();
    }
}

async fn drunk(body: Incoming) -> Result<Bytes, Broken> {
    body.collect().await.map(|body| body.to_bytes()).map_err(|_| Broken::CutOff)
}

async fn sipped(mut body: Incoming) -> Result<Bytes, Broken> {
    let (mut all, mut since_pause) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(|_| Broken::CutOff)?.into_data().unwrap_or_default();
        since_pause += data.len();
        all.extend_from_slice(&data);
        if since_pause >= PART_BYTES {
            since_pause = 0;
            // tidy-allow(sleep): a slow client, not a wait
            sleep(PART_PAUSE).await;
        }
    }
    Ok(Bytes::from(all))
}

impl Ask {
    fn request(&self, front: &Front) -> Option<Request<Out>> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(&self.target)
            .header(HOST, front.address.ip().to_string());
        if !self.cookies.is_empty() {
            request = request.header(COOKIE, &self.cookies);
        }
        if let Some(kind) = self.content_type {
            request = request.header(CONTENT_TYPE, kind);
        }
        if let Some(id) = &self.last_event {
            request = request.header("last-event-id", id);
        }
        request.body(Out { rest: self.body.clone(), slowly: self.slowly, pause: None }).ok()
    }
}

/// A body on its way out, at once or in parts.
struct Out {
    rest: Bytes,
    slowly: bool,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Body for Out {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let size = if self.slowly { self.rest.len().min(PART_BYTES) } else { self.rest.len() };
        let part = self.rest.split_to(size);
        if self.slowly {
            // tidy-allow(sleep): a slow client, not a wait
            self.pause = Some(Box::pin(sleep(PART_PAUSE)));
        }
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.rest.len()).unwrap_or(u64::MAX))
    }
}
