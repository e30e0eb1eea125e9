//! A request's way to a node and the head of its answer back.
//!
//! Called by `tier`. Phases: prepare (what the node sees), choose (its own member, else by weight), attempt
//! (one exchange), decide (`retry`: again, elsewhere, or an error). Each member is tried at most once, on a
//! new connection a second time if the first was a pooled one that turned out closed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{EXPECT, HOST, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode, Version, request};
use http_body::Body as _;
use hyper::body::Incoming;

use crate::access::Record;
use crate::answer::{Content, Flight};
use crate::client::Client;
use crate::fault::Fault;
use crate::headers::{self, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, X_REQUEST_ID};
use crate::member::{Event, Member};
use crate::retry::{self, Attempt, Failure, Next};
use crate::sticky;
use crate::tier::Tier;
use crate::tunnel;
use crate::upload::{Source, Upload};
use crate::upstream::{Blame, Impatience, Upstream};

/// Hands a request to a node. `route` is the one from the path, for clients without cookies.
pub(crate) async fn forward(
    tier: &Arc<Tier>,
    client: &Arc<Client>,
    parts: &mut request::Parts,
    body: Incoming,
    route: Option<&str>,
    record: &mut Record,
) -> Result<Response<Content>, Fault> {
    let source = (!body.is_end_stream()).then(|| Source::new(body, client.clone()));
    record.upload = source.clone();
    prepare(parts, client, source.as_deref(), record);
    let mut own = own_member(tier, parts, route);
    let errand = Errand { tier, client, parts, source };

    let mut tried = Vec::new();
    let mut fault = Fault::NoMember;
    while let Some(member) = own.take().or_else(|| tier.members.next(&tried)) {
        match errand.run(member, record).await {
            Ok(response) => return Ok(response),
            Err(Next::GiveUp(fault)) => return Err(fault),
            Err(Next::SameMember(reason) | Next::OtherMember(reason)) => {
                tried.push(member.index);
                fault = reason;
            }
        }
    }
    Err(fault)
}

/// Makes the head what the node is to see.
fn prepare(parts: &mut request::Parts, client: &Client, source: Option<&Source>, record: &Record) {
    let asks_for_tunnel = tunnel::asked(parts);
    let headers = &mut parts.headers;
    headers::clean_request(headers);
    if asks_for_tunnel {
        tunnel::ask(headers);
    }
    headers.insert(X_FORWARDED_FOR, client.address.clone());
    headers.insert(X_FORWARDED_PROTO, client.proto());
    if let Some(host) = headers.get(HOST).cloned() {
        headers.insert(X_FORWARDED_HOST, host);
    }
    headers.insert(X_REQUEST_ID, record.id.header());
    if source.is_some_and(|source| !source.has_length()) {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// The member a request belongs to, if it names one that is up.
fn own_member<'a>(tier: &'a Tier, parts: &request::Parts, route: Option<&str>) -> Option<&'a Arc<Member>> {
    let named = sticky::routes_in_cookies(&parts.headers).find_map(|route| tier.members.by_route(route));
    named.or_else(|| tier.members.by_route(route?)).filter(|member| member.is_up())
}

/// One request, ready to be sent to one member after another.
struct Errand<'a> {
    tier: &'a Arc<Tier>,
    client: &'a Arc<Client>,
    parts: &'a request::Parts,
    source: Option<Arc<Source>>,
}

impl Errand<'_> {
    /// Tries one member.
    async fn run(&self, member: &Arc<Member>, record: &mut Record) -> Result<Response<Content>, Next> {
        record.member = Some(member.clone());
        let flight = Flight::begin(member.clone());
        let flight = match member.pool.take(self.client.now(), !self.is_safe()) {
            None => flight,
            Some(upstream) => match self.attempt(upstream, flight, record).await {
                Err(Next::SameMember(_)) => Flight::begin(member.clone()),
                answered_or_not => return answered_or_not,
            },
        };
        // Boxed: connecting is rare, and its state would be carried around by every request.
        let upstream = Box::pin(self.connect(member, record)).await?;
        self.attempt(upstream, flight, record).await
    }

    async fn connect(&self, member: &Member, record: &mut Record) -> Result<Box<Upstream>, Next> {
        let Tier { config, upstream_http, .. } = &**self.tier;
        let connected = Upstream::connect(&member.address, upstream_http, config.connect_timeout()).await;
        connected.map_err(|error| {
            if error.blame != Blame::Ours {
                member.observe(&Event::ConnectFailed(error.reason.clone()), self.tier.moment(member));
            }
            self.count(member, record);
            self.failed(member, &Failure::NoConnection(error.reason), false, record)
        })
    }

    /// One exchange over one connection.
    async fn attempt(
        &self,
        mut upstream: Box<Upstream>,
        flight: Flight,
        record: &mut Record,
    ) -> Result<Response<Content>, Next> {
        let member = flight.member();
        self.count(member, record);
        let silences = member.silences();
        let silence_ms_max = self.tier.config.response_timeout_ms;
        let (mut written, mut moved) = (0, self.client.now());
        member.wait_begins(moved);
        let wait = Wait { member, client: self.client, answered: false };
        let outcome = upstream
            .exchange(self.request(), |written_now| {
                let now = self.client.now();
                if written_now != written {
                    (written, moved) = (written_now, now);
                }
                if member.silences() != silences {
                    Some(Impatience::MemberSilent)
                } else {
                    (now.saturating_sub(moved) >= silence_ms_max).then_some(Impatience::TimedOut)
                }
            })
            .await;
        match outcome {
            Ok(response) => {
                wait.answered();
                if let Some(source) = &self.source {
                    source.answered();
                }
                if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                    let id = record.id.as_str().to_owned();
                    let agreed = tunnel::agree(response, *upstream, flight, self.client, self.parts, id);
                    return agreed.map_err(|reason| {
                        record.cause = Some(reason.to_owned());
                        Next::GiveUp(Fault::MaybeDone)
                    });
                }
                let (mut parts, body) = response.into_parts();
                headers::clean_answer(&mut parts.headers);
                parts.version = Version::HTTP_11;
                let is_endless = headers::are_of_events(&parts.headers);
                let client = self.client.clone();
                let content = Content::relay(body, upstream, flight, client, silence_ms_max, is_endless);
                Ok(Response::from_parts(parts, content))
            }
            Err(failure) => {
                drop(wait);
                let broken = self.source.as_ref().and_then(|source| source.broken());
                let failure = broken.map_or(failure, Failure::BodyBroken);
                Err(self.failed(member, &failure, upstream.reused, record))
            }
        }
    }

    /// The request as sent in one attempt. Cloning a head copies no text, only references to it.
    fn request(&self) -> Request<Upload> {
        let mut request = Request::new(self.source.clone().map_or_else(Upload::none, Upload::of));
        *request.method_mut() = self.parts.method.clone();
        *request.uri_mut() = self.parts.uri.clone();
        *request.headers_mut() = self.parts.headers.clone();
        if let Some(source) = self.source.as_ref().filter(|_| self.expects_continue()) {
            source.await_continue();
            let source = source.clone();
            hyper::ext::on_informational(&mut request, move |informational| {
                if informational.status() == StatusCode::CONTINUE {
                    source.release();
                }
            });
        }
        request
    }

    fn is_safe(&self) -> bool {
        retry::is_safe(&self.parts.method)
    }

    fn expects_continue(&self) -> bool {
        self.parts
            .headers
            .get(EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    }

    fn count(&self, member: &Member, record: &mut Record) {
        record.tries += 1;
        member.counts.requests.fetch_add(1, Ordering::Relaxed);
        if record.tries > 1 {
            member.counts.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn failed(&self, member: &Member, failure: &Failure, reused: bool, record: &mut Record) -> Next {
        // A client that breaks off is no failure of the member.
        if !matches!(failure, Failure::BodyBroken(_)) {
            member.counts.failures.fetch_add(1, Ordering::Relaxed);
        }
        record.cause = Some(failure.to_string());
        let attempt = Attempt {
            safe: self.is_safe(),
            has_body: self.source.is_some(),
            body_begun: self.source.as_ref().is_some_and(|source| source.taken_bytes() > 0),
            reused,
        };
        retry::next(failure, attempt)
    }
}

/// A request waiting for the head of its answer, counted at the member however the wait ends.
struct Wait<'a> {
    member: &'a Member,
    client: &'a Client,
    answered: bool,
}

impl Wait<'_> {
    fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.member.wait_ends(self.client.now(), self.answered);
    }
}
