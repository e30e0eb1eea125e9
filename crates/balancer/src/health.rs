//! Watching the members: one small task each.
//!
//! A member that is down is asked `GET /health/ready` until it answers 200. One that is up is asked only when
//! requests wait for it and nothing comes back; a busy or an idle healthy member is never bothered. Started
//! by `server`, it must never send a member anything but that question.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, StatusCode, Uri};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::member::{Event, Member, Probe};
use crate::patience::Ms;
use crate::tier::Tier;
use crate::upload::Upload;
use crate::upstream::{Blame, ConnectError, Upstream};

const READY_PATH: &str = "/health/ready";

/// How often idle connections are looked through for old and closed ones.
const SWEEP_MS: Ms = 5_000;

/// Watches one member until dropped.
pub(crate) async fn watch(tier: Arc<Tier>, member: Arc<Member>) {
    let mut tick = interval(Duration::from_millis(tier.config.probe_interval_ms));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut swept = tier.now();
    loop {
        tick.tick().await;
        let now = tier.now();
        if now.saturating_sub(swept) >= SWEEP_MS {
            member.pool.sweep(now);
            swept = now;
        }
        if member.is_up() && member.quiet_ms(now) < tier.config.suspect_ms {
            member.observe(&Event::Lively, tier.moment(&member));
            continue;
        }
        if let Some(probe) = probe(&tier, &member.address).await {
            if !matches!(probe, Probe::Refused(_) | Probe::Silent(_)) {
                member.heard(tier.now());
            }
            member.observe(&Event::Probed(probe), tier.moment(&member));
        }
    }
}

/// Asks a member once, over a connection of its own. None if this machine cannot even ask.
async fn probe(tier: &Tier, address: &str) -> Option<Probe> {
    let patience = tier.config.probe_timeout();
    timeout(patience, ask(tier, address))
        .await
        .unwrap_or_else(|_| Some(Probe::Silent(format!("no answer within {} ms", patience.as_millis()))))
}

async fn ask(tier: &Tier, address: &str) -> Option<Probe> {
    let connected = Upstream::connect(address, &tier.upstream_http, tier.config.probe_timeout());
    let mut upstream = match connected.await {
        Ok(upstream) => upstream,
        Err(ConnectError { blame: Blame::Ours, .. }) => return None,
        Err(ConnectError { blame: Blame::Refused, reason }) => return Some(Probe::Refused(reason)),
        Err(ConnectError { blame: Blame::Silent, reason }) => return Some(Probe::Silent(reason)),
    };
    let mut request = Request::new(Upload::none());
    *request.uri_mut() = Uri::from_static(READY_PATH);
    request.headers_mut().insert(HOST, HeaderValue::try_from(address).ok()?);
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Some(match upstream.exchange(request, |_| None).await {
        Ok(response) if response.status() == StatusCode::OK => Probe::Ready,
        Ok(response) if response.status().is_server_error() => Probe::NotReady(response.status().as_u16()),
        Ok(response) => Probe::Foreign(response.status().as_u16()),
        Err(failure) => Probe::Refused(failure.to_string()),
    })
}
