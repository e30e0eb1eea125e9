//! Moving and deleting: everything arrives, nothing stays, whoever dies at whatever moment.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests fail their test, and say what they measured"
)]

#[path = "../fixture/mod.rs"]
mod fixture;

mod crash;
mod databases;
mod deletion;
mod downloads;
mod estate;
mod filestores;
mod filestores_crash;
mod filestores_load;
mod followers;
mod ground;
mod load;
mod shelves;
mod users;
mod users_crash;
