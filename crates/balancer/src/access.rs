//! The record of one request: counted while it runs, written as one log line when its answer is gone.
//!
//! Made by `tier`, filled on the way, dropped with the answer's body, or with everything else when the client
//! leaves. Only the path is logged: queries carry session ids.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{Method, StatusCode, Uri};

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
        match self.fault.as_ref().filter(|fault| fault.status().is_server_error()) {
            None => tracing::info!(
                target: "zebu_balancer::access",
                request, method, path, status, route, tries, bytes_in, bytes_out, ms, complete, cause,
                "request"
            ),
            Some(fault) => tracing::warn!(
                target: "zebu_balancer::access",
                request, method, path, status, route, tries, bytes_in, bytes_out, ms, complete, cause,
                code = fault.code(),
                "request failed"
            ),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.log();
        self.tier.counts.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.client.request_ends();
    }
}
