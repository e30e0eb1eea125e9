//! A list of places, given by the operator: addresses, or names that are looked up again and again. A name that cannot be looked up
//! keeps the addresses it had.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Addresses;
use super::found::Found;
use crate::mesh::{Complaints, Later};

/// Looks a place up: `host:port` to its addresses.
pub type Resolve = Arc<dyn Fn(String) -> Later<'static, Vec<SocketAddr>> + Send + Sync>;

/// The resolver of this machine.
#[must_use]
pub fn resolver() -> Resolve {
    Arc::new(|place| Box::pin(async move { Ok(tokio::net::lookup_host(place).await?.collect()) }))
}

pub(super) async fn run(places: Vec<String>, every: Duration, resolve: Resolve, found: Arc<Found>) {
    let complaints = Complaints::default();
    let mut known: BTreeMap<String, Vec<SocketAddr>> = BTreeMap::new();
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for place in &places {
            match resolve(place.clone()).await {
                Ok(addresses) if !addresses.is_empty() => {
                    complaints.forget(place);
                    known.insert(place.clone(), addresses);
                }
                Ok(_) => {
                    complaints.say(place, "resolve", "the name has no address");
                }
                Err(error) => {
                    complaints.say(place, "resolve", &format!("the name cannot be looked up: {error}"));
                }
            }
            found.set("peers", known.values().flatten().copied().collect::<Addresses>());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_name_is_looked_up_again_and_keeps_its_addresses_while_it_cannot_be() {
        let answers: Vec<io::Result<Vec<SocketAddr>>> = vec![
            Ok(vec!["10.0.0.1:1".parse().unwrap()]),
            Err(io::ErrorKind::TimedOut.into()),
            Ok(vec!["10.0.0.2:1".parse().unwrap(), "[fd00::2]:1".parse().unwrap()]),
        ];
        let answers = Mutex::new(answers.into_iter());
        let resolve: Resolve = Arc::new(move |place| {
            assert_eq!(place, "cluster.example.org:1");
            let answer = answers.lock().unwrap().next();
            Box::pin(async { answer.unwrap_or(Ok(Vec::new())) })
        });
        let (found, mut seen) = Found::new();
        let every = Duration::from_secs(30);
        let _task =
            tokio::spawn(run(vec!["cluster.example.org:1".to_owned()], every, resolve, Arc::new(found)));
        let begun = tokio::time::Instant::now();
        seen.changed().await.unwrap();
        assert_eq!(seen.borrow_and_update().len(), 1);
        seen.changed().await.unwrap();
        assert_eq!(seen.borrow_and_update().len(), 2);
        assert_eq!(begun.elapsed().as_secs(), 60, "the second look changed nothing");
    }

    #[tokio::test]
    async fn this_machine_s_resolver_knows_addresses_and_its_own_name() {
        let resolve = resolver();
        assert_eq!(resolve("[::1]:7".to_owned()).await.unwrap(), ["[::1]:7".parse().unwrap()]);
        assert!(
            resolve("localhost:7".to_owned()).await.unwrap().iter().all(|address| address.ip().is_loopback())
        );
    }
}
