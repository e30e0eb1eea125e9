//! A real MariaDB master with replicas under a store: what is read is never stale, whatever happens to them; writes go to the
//! one master or nowhere; and whoever fails is left out and comes back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests fail their test and say where"
)]

mod failings;
mod fresh;
mod promotion;
mod remembering;
mod support;
mod survival;
mod topology;
