//! Partitions on a simulated network and clock: noticed in time, healed by itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use turmoil::net::{TcpListener, TcpStream};
use zebu_cluster::mesh::{Broken, Event, GROUPWARE_PORT, Later, Limits, Listener, Network, Security, Stream};

use super::node::Make;

struct Simulated;

struct Accepting(TcpListener);

impl Network for Simulated {
    fn listen(&self, address: SocketAddr) -> Later<'_, Box<dyn Listener>> {
        Box::pin(
            async move { Ok(Box::new(Accepting(TcpListener::bind(address).await?)) as Box<dyn Listener>) },
        )
    }

    fn connect(&self, address: SocketAddr) -> Later<'_, Stream> {
        Box::pin(async move { Ok(Box::new(TcpStream::connect(address).await?) as Stream) })
    }
}

impl Listener for Accepting {
    fn address(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn accept(&mut self) -> Later<'_, (Stream, SocketAddr)> {
        Box::pin(async move {
            let (stream, from) = self.0.accept().await?;
            Ok((Box::new(stream) as Stream, from))
        })
    }
}

type Told = Arc<Mutex<Vec<(Duration, Event)>>>;

/// A node of the simulation that notes what it is told and when, for ever.
async fn run(node: &'static str, others: &'static [&'static str], told: Told) -> turmoil::Result {
    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, GROUPWARE_PORT));
    let make = Make { listen, limits: Limits::default(), network: Arc::new(Simulated), ..Make::default() };
    let node = make.node(node, Security::Plain).await;
    node.dials_at(
        others.iter().map(|other| SocketAddr::new(turmoil::lookup(*other), GROUPWARE_PORT)).collect(),
    );
    let mut taken = 0;
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    loop {
        ticks.tick().await;
        let events = node.events.lock().unwrap();
        let now = turmoil::elapsed();
        told.lock().unwrap().extend(events.iter().skip(taken).map(|event| (now, event.clone())));
        taken = events.len();
    }
}

#[test]
fn a_partition_is_noticed_within_the_limit_on_both_sides_and_the_mesh_heals_by_itself() {
    let mut sim = turmoil::Builder::new().simulation_duration(Duration::from_secs(120)).rng_seed(7).build();
    let (one, two) = (Told::default(), Told::default());
    let (kept_one, kept_two) = (Arc::clone(&one), Arc::clone(&two));
    sim.host("one", move || run("OX-1", &["two"], Arc::clone(&kept_one)));
    sim.host("two", move || run("OX-2", &["one"], Arc::clone(&kept_two)));
    sim.client("operator", async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(10));
        ticks.tick().await;
        ticks.tick().await;
        turmoil::partition("one", "two");
        ticks.tick().await;
        turmoil::repair("one", "two");
        ticks.tick().await;
        ticks.tick().await;
        Ok(())
    });
    sim.run().unwrap();
    for (told, name) in [(one, "OX-1"), (two, "OX-2")] {
        let told = told.lock().unwrap();
        let short: Vec<String> = told
            .iter()
            .map(|(at, event)| match event {
                Event::Connected { connection, .. } => format!("{} connected {connection}", at.as_secs()),
                Event::Disconnected { connection, why: Broken::Silent { .. }, .. } => {
                    format!("{} silent {connection}", at.as_secs())
                }
                other => format!("{} {other:?}", at.as_secs()),
            })
            .collect();
        assert_eq!(short.len(), 3, "{name}: {short:?}");
        assert_eq!(short[0], "0 connected 1", "{name}: {short:?}");
        assert!(
            ["11 silent 1", "12 silent 1", "13 silent 1"].contains(&short[1].as_str()),
            "{name}: {short:?}"
        );
        let (again, _) = &told[2];
        assert!(
            short[2].ends_with("connected 2") && (20..27).contains(&again.as_secs()),
            "{name}: {short:?}"
        );
    }
}
