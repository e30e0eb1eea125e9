//! Faults that are planted in a small server which speaks as a node behind a front does: each is seen by what counts and reads back, and
//! without them nothing is.

mod server;

use super::{Bears, Front, Part, Plan, Traffic, breaches};
use crate::wait::until;
use server::{Plant, Server};
use std::time::Duration;

/// A traffic through a server with this fault, until so many writes are answered; what was counted.
fn through(plant: Plant, writes: u64) -> Part {
    let server = Server::start(plant);
    let front = Front { address: server.address, tls: None };
    let plan = Plan {
        network: None,
        label: "planted".to_owned(),
        fronts: vec![front.clone()],
        nodes: vec![("OX-1".to_owned(), front)],
        people: ["anna", "ben", "carla", "dora"].map(str::to_owned).to_vec(),
        watchers: 2,
        password: "secret".to_owned(),
        seed: 1,
        // Short where it must pass, long where nothing may be lost.
        hear: Duration::from_secs(if plant == Plant::LosesEvents { 1 } else { 40 }),
    };
    let traffic = Traffic::start(plan).unwrap();
    traffic.turn("part");
    server.begin();
    let then = traffic.answered_writes();
    until("writes are answered", 120, || Ok((traffic.answered_writes() >= then + writes).then_some(())))
        .unwrap();
    server.end();
    let mut parts = traffic.finish().unwrap();
    assert_eq!(parts.len(), 1);
    parts.remove(0)
}

#[test]
fn where_nothing_is_planted_nothing_is_found() {
    let part = through(Plant::Nothing, 60);
    assert_eq!(breaches(&part.counts, Bears::Nothing), Vec::<String>::new(), "{:?}", part.counts);
    assert!(part.counts.requests > 60 && part.counts.streams_cut > 0, "{:?}", part.counts);
}

#[test]
fn an_answered_write_that_is_withheld_is_found_in_the_end() {
    let part = through(Plant::WithholdsWrites, 40);
    assert!(!part.counts.lost.is_empty(), "{:?}", part.counts);
    assert!(!breaches(&part.counts, Bears::Requests).is_empty());
}

#[test]
fn a_front_that_sends_an_upload_a_second_time_is_found_in_the_end() {
    let part = through(Plant::RepeatsUploads, 40);
    assert!(!part.counts.twice.is_empty(), "{:?}", part.counts);
    assert!(!breaches(&part.counts, Bears::Requests).is_empty());
}

#[test]
fn a_session_that_is_dropped_is_a_sign_out() {
    let part = through(Plant::DropsSessions, 40);
    let found = breaches(&part.counts, Bears::Requests);
    assert!(found.iter().any(|breach| breach.contains("sign-outs")), "{found:?}");
}

#[test]
fn an_event_that_is_lost_with_its_stream_is_found() {
    let part = through(Plant::LosesEvents, 40);
    assert!(!part.counts.events_lost.is_empty(), "{:?}", part.counts);
}

#[test]
fn a_look_that_shows_what_was_before_is_found() {
    let part = through(Plant::ShowsThePast, 60);
    assert!(!part.counts.stale.is_empty(), "{:?}", part.counts);
}

#[test]
fn what_a_front_says_may_have_been_done_is_borne_of_writes_where_a_node_dies_and_nowhere_else() {
    let part = through(Plant::LosesNodes, 40);
    assert!(breaches(&part.counts, Bears::Unrepeatable).is_empty(), "{:?}", part.counts);
    assert!(!breaches(&part.counts, Bears::Nothing).is_empty());
}
