//! The record of one request: counted while it runs, written as one log line when its answer is gone.
//!
//! Made by `tier`, filled on the way, dropped with the answer's body, or with everything else when the client
//! leaves. Only the path is logged: queries carry session ids. The line goes to the log with its fields apart, or to a
//! file of its own as text ([`file`]).

mod file;

use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) use file::AccessFile;
use file::Line;
use http::header::{REFERER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use crate::client::Client;
use crate::fault::Fault;
use crate::member::Member;
use crate::patience::Ms;
use crate::request_id::RequestId;
use crate::sticky;
use crate::tier::Tier;
use crate::upload::Source;

pub(crate) struct Record {
    tier: Arc<Tier>,
    pub(crate) client: Arc<Client>,
    pub(crate) id: RequestId,
    pub(crate) method: Method,
    target: Uri,
    /// Of the head, what only a file's line has: `Referer` and `User-Agent`. Boxed, and only if there is a file.
    said: Option<Box<(Option<HeaderValue>, Option<HeaderValue>)>>,
    began: Ms,
    /// None until there is an answer.
    pub(crate) status: Option<StatusCode>,
    /// Who answered, or was asked last.
    pub(crate) member: Option<Arc<Member>>,
    /// Attempts made with members.
    pub(crate) tries: u32,
    pub(crate) upload: Option<Arc<Source>>,
    pub(crate) bytes_out: u64,
    /// The whole answer was handed to the connection.
    pub(crate) complete: bool,
    pub(crate) fault: Option<Fault>,
    /// What went wrong last with a member.
    pub(crate) cause: Option<String>,
}

impl Record {
    pub(crate) fn begin(tier: Arc<Tier>, client: Arc<Client>, method: Method, target: Uri) -> Self {
        client.request_begins();
        tier.counts.requests.fetch_add(1, Ordering::Relaxed);
        tier.counts.in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            id: tier.ids.next(),
            began: client.now(),
            tier,
            client,
            method,
            target,
            said: None,
            status: None,
            member: None,
            tries: 0,
            upload: None,
            bytes_out: 0,
            complete: false,
            fault: None,
            cause: None,
        }
    }

    /// Keeps what only a file's line has.
    pub(crate) fn hear(&mut self, headers: &HeaderMap) {
        if self.tier.access_file.is_some() {
            self.said = Some(Box::new((headers.get(REFERER).cloned(), headers.get(USER_AGENT).cloned())));
        }
    }

    fn log(&self) {
        let path = self.target.path();
        // A request that was refused before its path was cleaned may still have its session id there.
        let path = sticky::before_parameter(path).map_or(path, |(path, _)| path);
        let request = self.id.as_str();
        let method = self.method.as_str();
        let status = self.status.map_or(0, |status| status.as_u16());
        let route = self.member.as_ref().map_or("-", |member| member.route.as_str());
        let bytes_in = self.upload.as_ref().map_or(0, |upload| upload.taken_bytes());
        let Self { tries, bytes_out, complete, .. } = *self;
        let ms = self.client.now().saturating_sub(self.began);
        let cause = self.cause.as_deref();
        let client = self.client.address.to_str().unwrap_or_default();
        let protocol = if self.client.is_http2() { "HTTP/2.0" } else { "HTTP/1.1" };
        let failed = self.fault.as_ref().filter(|fault| fault.status().is_server_error());
        if let Some(file) = &self.tier.access_file {
            let (referer, agent) =
                self.said.as_deref().map_or((None, None), |(a, b)| (a.as_ref(), b.as_ref()));
            let (referer, agent) = (referer.map(HeaderValue::as_bytes), agent.map(HeaderValue::as_bytes));
            let (address, at_ms) = (client, self.tier.wall_ms());
            file.write(&Line {
                address,
                at_ms,
                method,
                path,
                protocol,
                status,
                bytes_out,
                referer,
                agent,
                request,
                route,
                tries,
                ms,
            });
        }
        match failed {
            None if self.tier.access_file.is_some() => {}
            None => tracing::info!(
                target: "zebu_balancer::access",
                request, client, protocol, method, path, status, route, tries, bytes_in, bytes_out, ms, complete, cause,
                "request"
            ),
            Some(fault) => tracing::warn!(
                target: "zebu_balancer::access",
                request, client, protocol, method, path, status, route, tries, bytes_in, bytes_out, ms, complete, cause,
                code = fault.code(),
                "request failed"
            ),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.log();
        if let Some(member) = &self.member {
            let bytes_to = self.upload.as_ref().map_or(0, |upload| upload.taken_bytes());
            member.counts.bytes_to.fetch_add(bytes_to, Ordering::Relaxed);
            member.counts.bytes_from.fetch_add(self.bytes_out, Ordering::Relaxed);
        }
        self.tier.counts.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.client.request_ends();
    }
}
