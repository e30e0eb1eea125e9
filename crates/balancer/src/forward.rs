//! A request's way to a node and the head of its answer back.
//!
//! Called by `tier`. Phases: prepare (what the node sees), choose (its own member, else by the balancer's method), attempt
//! (one exchange), decide (`retry`: again, elsewhere, or an error). Each member is tried at most once, on a
//! new connection a second time if the first was a pooled one that turned out closed.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::{EXPECT, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Response, StatusCode, Version, request};
use http_body::Body as _;
use hyper::body::Incoming;

use crate::access::Record;
use crate::answer::Content;
use crate::client::Client;
use crate::fault::Fault;
use crate::flight::Flight;
use crate::headers::{self, X_ZEBU_ASKS, X_ZEBU_DRAINING, X_ZEBU_TENANT};
use crate::life::Event;
use crate::member::Member;
use crate::members::{Members, Owner};
use crate::params::member::{Ping, Protocol};
use crate::patience::Ms;
use crate::request_id::RequestId;
use crate::retry::{self, Attempt, Failure, Next};
use crate::seal::{self, Shown};
use crate::sticky;
use crate::tier::Tier;
use crate::tunnel;
use crate::upload::{Source, Upload};
use crate::upstream::{Blame, Impatience, Said, Upstream};

/// Shortest pause between two looks for a member, when none can take a request that may wait.
const LOOK_EVERY_MS_MIN: Ms = 10;

/// Hands a request to a member of a balancer. `id` is the session id from the path, for clients without cookies.
pub(crate) async fn forward(
    tier: &Arc<Tier>,
    balancer: &Members,
    client: &Arc<Client>,
    parts: &mut request::Parts,
    body: Incoming,
    id: Option<&str>,
    record: &mut Record,
) -> Result<Response<Content>, Fault> {
    let admitted = tier.rates.admit(client.peer, parts, client.now()).map_err(Fault::TooFast)?;
    let source = (!body.is_end_stream()).then(|| Source::new(body, client.clone()));
    record.upload = source.clone();
    prepare(parts, source.as_deref());
    if admitted.asks_for.is_some() {
        parts.headers.insert(X_ZEBU_ASKS, HeaderValue::from_static("tenant"));
    }
    let mut own = match owner(tier, balancer, client, parts, id) {
        Owner::Is(member) => Some(member),
        Owner::Nobody => None,
        Owner::Refused => return Err(Fault::OwnMemberGone),
    };
    // A session that may not move is not moved by an attempt that fails either.
    let tries_max = if own.is_some() && balancer.config.nofailover { 1 } else { balancer.tries_max() };
    let session = id.map(|id| session_in_path(tier, balancer, id));
    let errand = Errand { tier, balancer, client, parts, source, session, asks_for: admitted.asks_for };

    let mut tried = Vec::new();
    let mut fault = Fault::NoMember;
    while tried.len() < tries_max {
        let mut member = own.take().or_else(|| balancer.next(&tried, client.now()));
        if member.is_none() && tried.is_empty() && balancer.config.wait_ms > 0 {
            member = Box::pin(wait_for_member(tier, balancer)).await;
        }
        let Some(member) = member else { break };
        match errand.run(&member, record).await {
            Ok(response) => return Ok(response),
            Err(Next::GiveUp(fault)) => return Err(fault),
            Err(Next::SameMember(reason) | Next::OtherMember(reason)) => {
                tried.push(member.number);
                fault = reason;
            }
        }
    }
    Err(fault)
}

/// Looks for a member again and again for as long as the balancer's `timeout` says.
async fn wait_for_member(tier: &Tier, balancer: &Members) -> Option<Arc<Member>> {
    let end = tier.now().saturating_add(balancer.config.wait_ms);
    let pause = Duration::from_millis((balancer.config.wait_ms / 100).max(LOOK_EVERY_MS_MIN));
    while tier.now() < end {
        tokio::time::sleep(pause).await;
        if let Some(member) = balancer.next(&[], tier.now()) {
            return Some(member);
        }
    }
    None
}

/// Makes the head what the node is to see, but for what is said of the client ([`Said`]).
fn prepare(parts: &mut request::Parts, source: Option<&Source>) {
    let asks_for_tunnel = tunnel::asked(parts);
    let headers = &mut parts.headers;
    headers::clean_request(headers);
    if asks_for_tunnel {
        tunnel::ask(headers);
    }
    if source.is_some_and(|source| !source.has_length()) {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// Whom a request belongs to. The id in the address counts before cookies. A route that is not signed, where it should be,
/// is cut off, so that the member names its own anew.
fn owner(
    tier: &Tier,
    balancer: &Members,
    client: &Client,
    parts: &mut request::Parts,
    id: Option<&str>,
) -> Owner {
    let Some(sticky) = &balancer.config.sticky else { return Owner::Nobody };
    let in_target = match parts.uri.path_and_query() {
        _ if sticky.parameter.eq_ignore_ascii_case("jsessionid") => id,
        Some(target) => sticky::id_in_target(target.as_str(), sticky),
        None => None,
    };
    let ids = in_target.into_iter().chain(sticky::ids_in_cookies(&parts.headers, &sticky.cookie));
    let Some(seal) = tier.seal(balancer) else {
        return balancer.owner(ids.filter_map(|id| sticky::route_of(id, sticky.separator)));
    };
    let mut is_forged = false;
    // Verified before the balancer is asked: nobody waits for it under its lock.
    let mut ids = ids;
    let route = ids.find_map(|id| match seal.shown(id, sticky, &client.session) {
        Shown::Signed(route) => Some(route),
        // Nobody signs what another server writes into its pages.
        Shown::Forged => {
            let bare = sticky::route_of(id, sticky.separator);
            if let Some(route) = bare.filter(|route| balancer.is_foreign(route)) {
                return Some(route);
            }
            is_forged = true;
            None
        }
        Shown::Nothing => None,
    });
    drop(ids);
    let owner = balancer.owner(route.into_iter());
    if is_forged && !matches!(owner, Owner::Is(_)) {
        seal::change_cookies(&mut parts.headers, sticky, seal::Change::Unroute);
    }
    owner
}

/// The session id from the path as a member knows it: as it made it.
fn session_in_path<'a>(tier: &Tier, balancer: &Members, id: &'a str) -> Cow<'a, str> {
    match (&tier.seal, balancer.config.sticky.as_ref().and_then(|sticky| sticky.separator)) {
        (Some(_), Some(separator)) => seal::unsigned(id, separator),
        _ => Cow::Borrowed(id),
    }
}

/// One request, ready to be sent to one member after another.
struct Errand<'a> {
    tier: &'a Arc<Tier>,
    balancer: &'a Members,
    client: &'a Arc<Client>,
    parts: &'a request::Parts,
    source: Option<Arc<Source>>,
    /// The session id that stood in the path.
    session: Option<Cow<'a, str>>,
    /// The session whose tenant is asked for.
    asks_for: Option<u64>,
}

impl Errand<'_> {
    /// Tries one member.
    async fn run(&self, member: &Arc<Member>, record: &mut Record) -> Result<Response<Content>, Next> {
        record.member = Some(member.clone());
        if member.config.protocol == Protocol::Ajp && self.parts.headers.contains_key(UPGRADE) {
            return Err(Next::GiveUp(Fault::NoTunnel));
        }
        let flight = self.begin(member, record).await?;
        let sure = !self.is_safe() || member.config.ping != Ping::Off;
        let flight = match member.pool.take(self.client.lane, self.client.now(), sure) {
            None => flight,
            Some(upstream) => match self.attempt(upstream, flight, record).await {
                Err(Next::SameMember(_)) => self.begin(member, record).await?,
                answered_or_not => return answered_or_not,
            },
        };
        // Boxed: connecting is rare, and its state would be carried around by every request.
        let upstream = Box::pin(self.connect(member, record)).await?;
        self.attempt(upstream, flight, record).await
    }

    /// Counts the request in, waiting for room if the member may have only so many.
    async fn begin(&self, member: &Arc<Member>, record: &mut Record) -> Result<Flight, Next> {
        let flight = match Flight::begin(member) {
            None if member.config.acquire_ms > 0 => Box::pin(Flight::wait(member)).await,
            begun => begun,
        };
        flight.ok_or_else(|| {
            record.cause = Some("the member has as many requests as it may".to_owned());
            Next::OtherMember(Fault::AllBusy)
        })
    }

    async fn connect(&self, member: &Member, record: &mut Record) -> Result<Box<Upstream>, Next> {
        let Member { address, terms, .. } = member;
        let connected =
            Upstream::connect(address, &terms.speech, terms.connect, terms.tuning, self.client.lane).await;
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
        if let Ping::Within(ms) = member.config.ping
            && let Err(failure) = upstream.ping(Duration::from_millis(ms)).await
        {
            if !upstream.reused {
                member.condemn(failure.to_string(), self.client.now());
            }
            return Err(self.failed(member, &failure, upstream.reused, record));
        }
        let silences = member.silences();
        let silence_ms_max = member.terms.silence_ms;
        let began = self.client.now();
        let (mut written, mut moved) = (0, began);
        member.waits.begin(began);
        let wait = Wait { member, client: self.client, answered: false };
        let impatience = |written_now| {
            let now = self.client.now();
            if written_now != written {
                (written, moved) = (written_now, now);
            }
            if member.silences() != silences {
                Some(Impatience::MemberSilent)
            } else {
                (now.saturating_sub(moved) >= silence_ms_max).then_some(Impatience::TimedOut)
            }
        };
        let exchange = upstream.exchange(
            &self.head(member),
            self.upload(member),
            &self.said(member, &record.id),
            impatience,
        );
        match exchange.await {
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
                self.answered(member, &mut parts, began);
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
                let next = self.failed(member, &failure, upstream.reused, record);
                if failure.is_of_the_request() && member.config.reuse {
                    member.pool.put(upstream, self.client.now());
                }
                Err(next)
            }
        }
    }

    /// Counts the head of an answer, and heeds what it says of the member.
    fn answered(&self, member: &Member, parts: &mut http::response::Parts, began: Ms) {
        let now = self.client.now();
        let status = parts.status.as_u16();
        member.answered(status, now.saturating_sub(began));
        if parts.headers.remove(X_ZEBU_DRAINING).is_some() {
            member.told(true, None, now);
        }
        if let Some(session) = self.asks_for
            && let Some(tenant) = parts.headers.remove(X_ZEBU_TENANT)
        {
            self.tier.rates.learn(session, tenant.as_bytes(), now);
        }
        if let (Some(seal), Some(sticky)) = (self.tier.seal(self.balancer), &self.balancer.config.sticky)
            && !member.is_foreign()
        {
            seal.sign_answer(&mut parts.headers, sticky);
        }
        if self.balancer.config.fail_on_status.contains(&status) {
            member.condemn(format!("answered {status}"), now);
        }
    }

    /// The head as a member is to see it: what is no node of ours knows its session ids without our signature.
    fn head(&self, member: &Member) -> Cow<'_, request::Parts> {
        let sticky = self.balancer.config.sticky.as_ref().filter(|_| self.tier.seal(self.balancer).is_some());
        let Some(sticky) = sticky.filter(|_| !member.is_ours()) else { return Cow::Borrowed(self.parts) };
        let mut parts = self.parts.clone();
        seal::change_cookies(&mut parts.headers, sticky, seal::Change::Unsign);
        Cow::Owned(parts)
    }

    /// The body as it is sent in one attempt.
    fn upload(&self, member: &Member) -> Upload {
        let Some(source) = &self.source else { return Upload::none() };
        // Of AJP the member asks for each part of a body anyway, but for the first of one whose length it knows.
        if self.expects_continue() && member.config.protocol == Protocol::Http {
            source.await_continue();
        }
        Upload::of(source.clone())
    }

    /// What a member is told beside the head.
    fn said<'s>(&'s self, member: &Member, id: &'s RequestId) -> Said<'s> {
        let said = Said { client: Some(self.client), request_id: Some(id.value()), ..Said::default() };
        if member.config.protocol != Protocol::Ajp {
            return said;
        }
        let session = self.session.as_deref();
        let route = self.balancer.config.sticky.as_ref().and_then(|sticky| {
            let mut ids =
                session.into_iter().chain(sticky::ids_in_cookies(&self.parts.headers, &sticky.cookie));
            ids.find_map(|id| sticky::route_of(id, sticky.separator))
        });
        Said { route, session, ..said }
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
        if *failure == Failure::TimedOut && self.balancer.config.fail_on_timeout {
            member.condemn(failure.to_string(), self.client.now());
        }
        // A client that breaks off is no failure of the member, nor is one that asks too much.
        if !matches!(failure, Failure::BodyBroken(_)) && !failure.is_of_the_request() {
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
        self.member.waits.end(self.client.now(), self.answered);
    }
}
