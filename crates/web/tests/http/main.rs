//! The HTTP side of a node as its clients meet it: whole clusters in this process, asked over HTTP. Files mirror URLs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod access;
mod admin;
mod ajp;
mod completeness;
mod connection;
mod cookies;
mod dav;
mod folders;
mod infostore;
mod log;
mod login;
mod multifactor;
mod push;
mod session_management;
mod sharing;
mod support;
