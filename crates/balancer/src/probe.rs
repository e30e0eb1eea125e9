//! One question to a member, over a connection of its own. Called by `health`.

use tokio::net::TcpStream;
use tokio::time::timeout;

use http::header::{CONNECTION, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};

use crate::headers::{X_ZEBU_DRAINING, X_ZEBU_LOAD};
use crate::life::Probe;
use crate::member::Member;
use crate::params::member::CheckMethod;
use crate::tier::Tier;
use crate::upload::Upload;
use crate::upstream::{Blame, ConnectError, Said, Tuning, Upstream};

/// What is asked.
#[derive(Debug)]
pub(crate) enum Question {
    /// Whether it accepts a connection.
    Connect,
    /// Whether it answers an AJP ping.
    Ping,
    /// A request.
    Request(Method, Uri),
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) probe: Probe,
    /// It says that it is about to stop.
    pub(crate) draining: bool,
    /// How busy it says it is, in hundredths.
    pub(crate) load: Option<u32>,
}

impl Question {
    /// Whether it is ready for work.
    pub(crate) fn ready(member: &Member) -> Self {
        match member.config.check.method {
            CheckMethod::Cping => Self::Ping,
            _ => Self::Request(Method::GET, uri(member)),
        }
    }

    /// Whether a node of ours would have said how busy it is.
    pub(crate) fn asks_what_our_nodes_know(&self, member: &Member) -> bool {
        matches!(self, Self::Request(..)) && member.config.check.uri == READY
    }

    /// What its configuration says.
    pub(crate) fn check(member: &Member) -> Self {
        match member.config.check.method {
            CheckMethod::Tcp | CheckMethod::None => Self::Connect,
            CheckMethod::Cping => Self::Ping,
            CheckMethod::Get => Self::Request(Method::GET, uri(member)),
            CheckMethod::Head => Self::Request(Method::HEAD, uri(member)),
            CheckMethod::Options => Self::Request(Method::OPTIONS, uri(member)),
        }
    }
}

/// Where our nodes say how they are.
const READY: &str = "/health/ready";

fn uri(member: &Member) -> Uri {
    // Looked at when it was read; the fallback only spares a panic path.
    member.config.check.uri.parse().unwrap_or_else(|_| Uri::from_static(READY))
}

impl Probe {
    pub(crate) fn is_from_a_living_one(&self) -> bool {
        !matches!(self, Self::Refused(_) | Self::Silent(_))
    }
}

impl Answer {
    fn bare(probe: Probe) -> Self {
        Self { probe, draining: false, load: None }
    }

    fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        let probe = match status {
            StatusCode::OK => Probe::Ready,
            status if status.is_server_error() => Probe::NotReady(status.as_u16()),
            status => Probe::Foreign(status.as_u16()),
        };
        let load = headers.get(X_ZEBU_LOAD).and_then(|load| load.to_str().ok()?.parse().ok());
        Self { probe, draining: headers.contains_key(X_ZEBU_DRAINING), load }
    }
}

/// Asks a member once. None if this machine cannot even ask.
pub(crate) async fn ask(tier: &Tier, member: &Member, question: &Question) -> Option<Answer> {
    let patience = tier.config.probe_timeout();
    let silent = || Answer::bare(Probe::Silent(format!("no answer within {} ms", patience.as_millis())));
    match question {
        Question::Connect => {
            let connected = timeout(patience, TcpStream::connect(&member.address)).await;
            Some(match connected {
                Err(_) => silent(),
                Ok(Err(error)) => Answer::bare(Probe::Refused(error.to_string())),
                Ok(Ok(_)) => Answer::bare(Probe::Ready),
            })
        }
        _ => {
            let asked = timeout(patience, over_a_connection(tier, member, question)).await;
            asked.unwrap_or_else(|_| Some(silent()))
        }
    }
}

async fn over_a_connection(tier: &Tier, member: &Member, question: &Question) -> Option<Answer> {
    let patience = tier.config.probe_timeout();
    let Member { address, terms, .. } = member;
    let connected = Upstream::connect(address, &terms.speech, patience, Tuning::default(), 0);
    let mut upstream = match connected.await {
        Ok(upstream) => upstream,
        Err(ConnectError { blame: Blame::Ours, .. }) => return None,
        Err(ConnectError { blame: Blame::Refused, reason }) => {
            return Some(Answer::bare(Probe::Refused(reason)));
        }
        Err(ConnectError { blame: Blame::Silent, reason }) => {
            return Some(Answer::bare(Probe::Silent(reason)));
        }
    };
    let Question::Request(method, uri) = question else {
        // Whoever asks says how long: a member that is silent is told from one that answers wrongly.
        let ponged = upstream.ping(patience * 2).await;
        return Some(Answer::bare(
            ponged.map_or_else(|no| Probe::Refused(no.to_string()), |()| Probe::Ready),
        ));
    };
    let mut request = Request::new(Upload::none());
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri.clone();
    request.headers_mut().insert(HOST, HeaderValue::try_from(address.as_str()).ok()?);
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let (parts, upload) = request.into_parts();
    Some(match upstream.exchange(&parts, upload, &Said::default(), |_| None).await {
        Ok(response) => Answer::of(response.status(), response.headers()),
        Err(failure) => Answer::bare(Probe::Refused(failure.to_string())),
    })
}
