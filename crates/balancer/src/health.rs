//! Watching the members: one small task each.
//!
//! A member that is down is asked `GET /health/ready` until it answers 200. One that is up is asked only when requests
//! wait for it and nothing comes back; a busy or an idle healthy member is never bothered. Started by `server`, it must
//! never send a member anything but that question.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, StatusCode};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::member::{Event, Member, Probe};
use crate::patience::Ms;
use crate::tier::Tier;
use crate::upload::Upload;
use crate::upstream::Upstream;

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
        let probe = probe(&tier, &member.address).await;
        if !matches!(probe, Probe::Failed(_)) {
            member.heard(tier.now());
        }
        member.observe(&Event::Probed(probe), tier.moment(&member));
    }
}

/// Asks a member once, over a connection of its own.
async fn probe(tier: &Tier, address: &str) -> Probe {
    let patience = tier.config.probe_timeout();
    let asked = timeout(patience, ask(tier, address));
    match asked.await {
        Ok(Ok(StatusCode::OK)) => Probe::Ready,
        Ok(Ok(status)) if status.is_server_error() => Probe::NotReady(status.as_u16()),
        Ok(Ok(status)) => Probe::Foreign(status.as_u16()),
        Ok(Err(reason)) => Probe::Failed(reason),
        Err(_) => Probe::Failed(format!("no answer within {} ms", patience.as_millis())),
    }
}

async fn ask(tier: &Tier, address: &str) -> Result<StatusCode, String> {
    let connected = Upstream::connect(address, &tier.upstream_http, tier.config.probe_timeout());
    let mut upstream = connected.await.map_err(|error| error.reason)?;
    let mut request = Request::new(Upload::none());
    *request.uri_mut() = http::Uri::from_static(READY_PATH);
    let host = HeaderValue::try_from(address).map_err(|error| error.to_string())?;
    request.headers_mut().insert(HOST, host);
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let response = upstream.exchange(request, |_| None).await.map_err(|failure| failure.to_string())?;
    Ok(response.status())
}
