//! Who serves: what a web tier hears of nodes in their beacons. It sends none itself, and connects with nobody.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::beacon::{BYTES_MAX, Beacon, Keys, Rejected};
use super::multicast::{MISSED_MAX, Multicast};
use super::replay::Replay;
use super::seen::{AllServing, Serving, publish};
use crate::authority::{Name, Now};
use crate::mesh::Complaints;

/// The search under way. Dropped, it ends.
pub struct Observer {
    _tasks: JoinSet<()>,
}

impl Observer {
    /// Begins to listen for the beacons of a cluster.
    ///
    /// # Errors
    /// The socket cannot be had.
    pub fn start(
        settings: &Multicast,
        cluster: Name,
        keys: Keys,
        now: Now,
    ) -> io::Result<(Self, watch::Receiver<AllServing>)> {
        let socket = settings.socket()?;
        let every = settings.every;
        let (told, seen) = watch::channel(AllServing::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let complaints = Complaints::default();
            let mut heard = Heard::new(cluster, keys, every);
            let mut ticks = interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut bytes = vec![0; BYTES_MAX + 1];
            loop {
                tokio::select! {
                    _ = ticks.tick() => heard.forget_the_silent(),
                    came = socket.recv_from(&mut bytes) => match came {
                        Ok((length, from)) => {
                            let beacon = bytes.get(..length).unwrap_or_default();
                            if let Err(sentence) = heard.hear(beacon, from, now()) {
                                complaints.say(&from.ip().to_string(), "beacon", &sentence);
                            }
                        }
                        Err(error) => {
                            complaints.say("beacons", "receive", &format!("they cannot be received: {error}"));
                        }
                    },
                }
                publish(&told, heard.all());
            }
        });
        Ok((Self { _tasks: tasks }, seen))
    }
}

/// What was heard, and when.
struct Heard {
    cluster: Name,
    keys: Keys,
    replay: Replay,
    nodes: BTreeMap<Name, (Serving, Instant)>,
    silent_max: Duration,
}

impl Heard {
    fn new(cluster: Name, keys: Keys, every: Duration) -> Self {
        let silent_max = every.saturating_mul(MISSED_MAX);
        Self { cluster, keys, replay: Replay::default(), nodes: BTreeMap::new(), silent_max }
    }

    /// Takes in what came. A node that serves no more says so, and is gone at once.
    ///
    /// # Errors
    /// A sentence for the log. What is none of our business is no error.
    fn hear(&mut self, bytes: &[u8], from: SocketAddr, now_ms: i64) -> Result<(), String> {
        let beacon = match Beacon::open(bytes, &self.cluster, &self.keys.all()) {
            Ok(beacon) => beacon,
            Err(Rejected::Foreign | Rejected::Elsewhere(_)) => return Ok(()),
            Err(rejected) => return Err(rejected.to_string()),
        };
        self.replay.take(&beacon, now_ms).map_err(|stale| stale.to_string())?;
        let node = beacon.from.node;
        let Some(serves) = beacon.serves else {
            self.nodes.remove(&node);
            return Ok(());
        };
        let serving = Serving::from_here(node.clone(), serves, from).inspect_err(|_| {
            self.nodes.remove(&node);
        })?;
        self.nodes.insert(node, (serving, Instant::now()));
        Ok(())
    }

    fn forget_the_silent(&mut self) {
        let silent_max = self.silent_max;
        self.nodes.retain(|_, (_, heard)| heard.elapsed() <= silent_max);
    }

    fn all(&self) -> Vec<Serving> {
        self.nodes.values().map(|(serving, _)| serving.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::beacon::Serves;
    use super::super::beacon::tests::announcement;
    use super::*;
    use crate::mesh::Security;

    const NOW_MS: i64 = 1_795_651_200_000;

    fn heard() -> (Heard, impl Fn(&str, u64, Option<Serves>) -> Vec<u8>) {
        let cluster = announcement("OX-1").cluster;
        let keys = Keys::of(&Security::Plain, &cluster);
        let key = keys.all()[0];
        let sealed = move |node: &str, sequence: u64, serves: Option<Serves>| {
            Beacon { from: announcement(node), serves, time_ms: NOW_MS, sequence }.seal(&key)
        };
        (Heard::new(cluster, keys, Duration::from_secs(2)), sealed)
    }

    fn serves(route: &str, http: &str, ajp: Option<&str>) -> Option<Serves> {
        let ajp = ajp.map(|ajp| ajp.parse().unwrap());
        Some(Serves { route: route.into(), http: http.parse().unwrap(), ajp })
    }

    fn routes(heard: &Heard) -> Vec<String> {
        let line = |one: Serving| format!("{} {} {} {:?}", one.node, one.route, one.http, one.ajp);
        heard.all().into_iter().map(line).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn nodes_that_serve_are_known_until_they_say_otherwise_or_are_not_heard_for_long() {
        let (mut heard, sealed) = heard();
        let from: SocketAddr = "192.0.2.9:6780".parse().unwrap();
        let two = serves("OX-2", "0.0.0.0:8090", Some("0.0.0.0:8009"));
        heard.hear(&sealed("two", 1, two.clone()), from, NOW_MS).unwrap();
        heard.hear(&sealed("one", 1, serves("OX-1", "192.0.2.1:80", None)), from, NOW_MS).unwrap();
        let both = ["one OX-1 192.0.2.1:80 None", "two OX-2 192.0.2.9:8090 Some(192.0.2.9:8009)"];
        assert_eq!(routes(&heard), both);
        heard.hear(&sealed("one", 2, None), from, NOW_MS).unwrap();
        assert_eq!(routes(&heard), both[1..]);
        heard.hear(&sealed("one", 1, serves("OX-1", "192.0.2.1:80", None)), from, NOW_MS).unwrap_err();
        assert_eq!(routes(&heard), both[1..], "who repeats an old one brings nobody back");
        tokio::time::advance(Duration::from_secs(20)).await;
        heard.forget_the_silent();
        assert_eq!(routes(&heard), both[1..]);
        tokio::time::advance(Duration::from_secs(1)).await;
        heard.forget_the_silent();
        assert_eq!(routes(&heard), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_node_that_only_its_own_machine_can_reach_is_no_member_elsewhere() {
        let (mut heard, sealed) = heard();
        let own = || serves("OX-1", "127.0.0.1:8090", Some("127.0.0.1:8009"));
        let refused = heard.hear(&sealed("one", 1, own()), "192.0.2.9:6780".parse().unwrap(), NOW_MS);
        assert!(refused.unwrap_err().contains("127.0.0.1:8090 alone"));
        assert_eq!(routes(&heard), Vec::<String>::new());
        heard.hear(&sealed("one", 2, own()), "127.0.0.1:6780".parse().unwrap(), NOW_MS).unwrap();
        assert_eq!(routes(&heard), ["one OX-1 127.0.0.1:8090 Some(127.0.0.1:8009)"]);
    }

    #[tokio::test]
    async fn forged_beacons_and_those_of_other_clusters_name_nobody() {
        let (mut heard, sealed) = heard();
        let from = "192.0.2.9:6780".parse().unwrap();
        let mut forged = sealed("one", 1, serves("OX-1", "192.0.2.1:80", None));
        let last = forged.len() - 1;
        forged[last] ^= 1;
        assert!(heard.hear(&forged, from, NOW_MS).is_err());
        heard.cluster = Name::new("cluster", "another").unwrap();
        heard.hear(&sealed("one", 2, serves("OX-1", "192.0.2.1:80", None)), from, NOW_MS).unwrap();
        assert_eq!(routes(&heard), Vec::<String>::new());
    }
}
