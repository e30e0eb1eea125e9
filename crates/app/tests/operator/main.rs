//! The operator's use cases, each group in a file of its own; on both engines.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

#[path = "../fixture/mod.rs"]
mod fixture;

mod auth;
mod contexts;
mod databases;
mod filestores;
mod groups;
mod import;
mod place;
mod servers;
mod support;
mod users;
