//! Nodes behind the web servers of others: the real Apache with the guide's lines, with mod_jk, and what `zebu front config`
//! prints for HAProxy, nginx and Apache; and our own web tier with the guide's lines, in front of nodes and of a Tomcat. Each is driven through a person's day: sign-in, stickiness, large files, events, a node
//! that dies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

#[cfg(test)]
mod apache;
#[cfg(test)]
mod day;
#[cfg(test)]
mod draining;
#[cfg(test)]
mod printed;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tomcat;
#[cfg(test)]
mod web_tier;
