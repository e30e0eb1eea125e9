//! Clusters for tests, in one process: nodes with their HTTP listeners, the web tier in front, two tenants inside, and
//! HTTP clients with cookies.
//!
//! Tests of `web` (and whoever needs a whole system) use it: [`Cluster::start`], then [`Cluster::client`]. Every cluster
//! has its own directory, ports and clock, so tests never meet. It must never be used outside tests: it fails by
//! panicking, and knows everybody's password.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "support of tests: a panic is how a test fails"
)]

mod answer;
mod client;
mod cluster;
mod events;
mod jar;
mod node;
mod people;

pub use answer::Answer;
pub use client::{Client, Sent};
pub use cluster::Cluster;
pub use events::{Events, Heard};
pub use jar::Jar;
pub use node::Node;
pub use people::{ANNA, BEN, CONTEXT, EVE, OTHER_CONTEXT, PASSWORD, TEAM};
