//! The operator's use cases, each group in a file of its own; on both engines.

#![allow(unreachable_pub, reason = "shared by the files of this test")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail their test, and say on which engine"
)]

#[path = "../fixture/mod.rs"]
mod fixture;

mod auth;
mod checks;
mod contexts;
mod databases;
mod filestores;
mod groups;
mod import;
mod left;
mod place;
mod servers;
mod support;
mod users;
