//! The other end of `watchers`: whoever is no member hears what a node tells.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::complaints::Complaints;
use super::dial::{connect, for_each, pause};
use super::handshake::{self, Failure};
use super::hello::{Hello, VERSIONS};
use super::network::{Network, Stream};
use super::secure::Security;
use super::settings::Limits;
use super::watchers::TOLD_BYTES_MAX;
use crate::authority::Name;

/// Somebody who hears, and is no member.
pub(crate) struct Spectator {
    /// The cluster.
    pub(crate) cluster: Name,
    /// Who it is: with TLS the name in its file.
    pub(crate) name: Name,
    pub(crate) security: Security,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) limits: Limits,
}

/// What a node said, at an address.
pub(crate) type Spoke<'a> = (SocketAddr, &'a Name, Bytes);

impl Spectator {
    /// Hears whoever is at these addresses, until aborted. An address that cannot be reached is tried again, ever more seldom.
    pub(crate) async fn hear(
        self: Arc<Self>,
        addresses: watch::Receiver<std::collections::BTreeSet<SocketAddr>>,
        on: impl Fn(Spoke<'_>) + Send + Sync + 'static,
    ) {
        let complaints = Arc::new(Complaints::default());
        let on = Arc::new(on);
        let begin = |address| keep(Arc::clone(&self), address, Arc::clone(&complaints), Arc::clone(&on));
        for_each(addresses, begin).await;
    }

    fn hello(&self) -> Hello {
        let (cluster, node) = (self.cluster.clone(), self.name.clone());
        // It has no life that anybody would follow.
        Hello { versions: VERSIONS, cluster, node, incarnation: "watches".into() }
    }
}

async fn keep(
    spectator: Arc<Spectator>,
    address: SocketAddr,
    complaints: Arc<Complaints>,
    on: Arc<impl Fn(Spoke<'_>)>,
) {
    let mut failures = 0;
    loop {
        let begun = Instant::now();
        let whom = address.to_string();
        match hear_one(&spectator, address, &complaints, &*on).await {
            Failure::Other(_, kind, sentence) => {
                complaints.say(&whom, kind, &sentence);
            }
            // It says goodbye, or is no member: a web tier beside a node may come upon itself.
            Failure::Mute | Failure::Stopping | Failure::Myself | Failure::Duplicate(_) => {}
        }
        // A connection that stood is worth a new one soon.
        failures = if begun.elapsed() >= spectator.limits.dead { 0u32 } else { failures };
        sleep(pause(&spectator.limits, spectator.name.as_str(), address, failures)).await;
        failures = failures.saturating_add(1);
    }
}

/// Hears one node, from the connect to the end of the connection.
async fn hear_one(
    spectator: &Spectator,
    address: SocketAddr,
    complaints: &Complaints,
    on: &impl Fn(Spoke<'_>),
) -> Failure {
    let Spectator { security, network, limits, .. } = spectator;
    let shake = |stream| handshake::watch(spectator.hello(), security, stream);
    let (mut stream, node) = match connect(&**network, limits, address, shake).await {
        Ok(met) => met,
        Err(failure) => return failure,
    };
    loop {
        match timeout(limits.dead, next(&mut stream)).await {
            Ok(Ok(told)) => {
                complaints.forget(&address.to_string());
                on((address, &node, told));
            }
            Ok(Err(failure)) => return failure,
            Err(_) => {
                let ms = limits.dead.as_millis();
                return Failure::Other(Some(node), "silent", format!("nothing was heard for {ms} ms"));
            }
        }
    }
}

async fn next(stream: &mut Stream) -> Result<Bytes, Failure> {
    let length = usize::from(stream.read_u16().await?);
    if length > TOLD_BYTES_MAX {
        let sentence = format!("it tells {length} bytes, at most {TOLD_BYTES_MAX} are possible");
        return Err(Failure::Other(None, "protocol", sentence));
    }
    let mut told = vec![0; length];
    stream.read_exact(&mut told).await?;
    Ok(told.into())
}
