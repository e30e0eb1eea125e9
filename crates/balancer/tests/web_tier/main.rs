//! The web tier as its clients and nodes see it: a real server on a free port, nodes in the same process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails; clippy sees that for test functions, not for their helpers"
)]

mod acme;
mod ajp;
mod ajp_faults;
mod balancing;
mod container;
mod failover;
mod framing;
mod headers;
mod http2;
mod lifecycle;
mod log;
mod manager;
mod node;
mod pebble;
mod reload;
mod resting;
mod secure;
mod silent_node;
mod static_files;
mod sticky;
mod streaming;
mod tier;
mod websocket;
