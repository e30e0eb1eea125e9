//! Sessions over two nodes: who gets one, what it takes to use it, and what ends it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests fail their test"
)]

#[path = "../fixture/mod.rs"]
mod fixture;

mod guessing;
mod limits;
mod renewal;
mod second_factors;
mod signing;
