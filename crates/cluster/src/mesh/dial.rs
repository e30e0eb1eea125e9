//! Connections that this node opens: a task for each address, which dials while whoever is there is not connected, and pauses longer
//! after each failure. The pauses of two nodes differ, and are the same in each run of a simulation.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::handshake::{self, Failure};
use super::network::{Network, Stream};
use super::settings::Limits;
use super::shared::Shared;
use crate::authority::Name;

/// A connection that stood for less than this did not go well: the pauses go on growing.
const LONG_LIFE: Duration = Duration::from_secs(5);
/// How far pauses grow for somebody who is there.
const SOON: u32 = 3;
/// An address that leads here is tried again after this time: it may be another machine's by then.
const MYSELF: Duration = Duration::from_secs(60);

/// Dials every address that is known, until aborted.
pub(super) async fn dial_all(shared: Arc<Shared>, addresses: watch::Receiver<BTreeSet<SocketAddr>>) {
    for_each(addresses, |address| keep(Arc::clone(&shared), address)).await;
}

/// Has a task for each address for as long as it is known, until aborted.
pub(super) async fn for_each<T: Future<Output = ()> + Send + 'static>(
    mut addresses: watch::Receiver<BTreeSet<SocketAddr>>,
    begin: impl Fn(SocketAddr) -> T,
) {
    let mut tasks = JoinSet::new();
    let mut dialled: BTreeMap<SocketAddr, AbortHandle> = BTreeMap::new();
    loop {
        let wanted = addresses.borrow_and_update().clone();
        dialled.retain(|address, task| {
            let stays = wanted.contains(address);
            if !stays {
                task.abort();
            }
            stays
        });
        for address in wanted {
            dialled.entry(address).or_insert_with(|| tasks.spawn(begin(address)));
        }
        while tasks.try_join_next().is_some() {}
        if addresses.changed().await.is_err() {
            // Nothing new will come; what is known is dialled on.
            while tasks.join_next().await.is_some() {}
            return;
        }
    }
}

/// Keeps an address connected.
async fn keep(shared: Arc<Shared>, address: SocketAddr) {
    let mut failures = 0;
    loop {
        let begun = Instant::now();
        match dial(&shared, address).await {
            Ok(name) | Err(Failure::Duplicate(name)) => {
                shared.complaints.forget(&address.to_string());
                shared.peers.gone(&name).await;
                // Two that dial each other at once, or one that knows later than the other what broke: no reason to wait long.
                failures = if begun.elapsed() >= LONG_LIFE { 0 } else { failures.min(SOON) };
            }
            Err(Failure::Myself) => sleep(MYSELF).await,
            Err(failure) => shared.complain(|| address.to_string(), &failure),
        }
        sleep(pause(&shared.settings.limits, &shared.settings.incarnation, address, failures)).await;
        failures = failures.saturating_add(1);
    }
}

async fn dial(shared: &Arc<Shared>, address: SocketAddr) -> Result<Name, Failure> {
    let limits = &shared.settings.limits;
    let shaking = |stream| handshake::dial(&shared.peers, &shared.security, stream, address);
    Ok(shared.live(connect(&*shared.network, limits, address, shaking).await?))
}

/// Opens a connection and carries a handshake out on it, each in its time.
pub(super) async fn connect<T, H: Future<Output = Result<T, Failure>>>(
    network: &dyn Network,
    limits: &Limits,
    address: SocketAddr,
    shake: impl FnOnce(Stream) -> H,
) -> Result<T, Failure> {
    let late = |limit: Duration, what: &str| {
        Failure::Other(None, "slow", format!("{what} within {} ms", limit.as_millis()))
    };
    let connected = timeout(limits.connect, network.connect(address)).await;
    let stream = connected.map_err(|_| late(limits.connect, "it did not accept a connection"))??;
    let shaken = timeout(limits.handshake, shake(stream)).await;
    shaken.map_err(|_| late(limits.handshake, "it accepted a connection and did not say who it is"))?
}

/// How long to wait before an address is dialled once more: from half of a time that doubles with each failure to the whole.
pub(super) fn pause(limits: &Limits, incarnation: &str, address: SocketAddr, failures: u32) -> Duration {
    let whole = limits.pause_min.saturating_mul(1 << failures.min(16)).min(limits.pause_max);
    let mut hash = blake3::Hasher::new();
    hash.update(incarnation.as_bytes())
        .update(address.to_string().as_bytes())
        .update(&failures.to_le_bytes());
    let byte = hash.finalize().as_bytes().first().copied().unwrap_or(0);
    whole.mul_f64(0.5 + f64::from(byte) / 510.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_limit_and_two_nodes_never_keep_step() {
        let address = "10.0.0.1:57462".parse().unwrap();
        let pauses = |incarnation: &str| -> Vec<Duration> {
            (0..40).map(|failures| pause(&Limits::default(), incarnation, address, failures)).collect()
        };
        let (one, other) = (pauses("a"), pauses("b"));
        assert_eq!(one, pauses("a"));
        assert!(one.iter().zip(&other).filter(|(one, other)| one == other).count() < 4);
        for (failures, pause) in one.iter().enumerate() {
            let whole = Duration::from_millis(100 * (1 << failures.min(6))).min(Duration::from_secs(5));
            assert!((whole / 2..=whole).contains(pause), "{failures}: {pause:?}");
        }
    }
}
