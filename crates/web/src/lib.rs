//! The HTTP side of a node: the groupware's HTTP API under `/ajax/` and WebDAV under `/infostore/`.
//!
//! The binary calls it: [`Server::bind`], then [`Server::run`]. It translates requests to use cases of `zebu_app` and
//! their results to answers. It must never decide what somebody may do, hold a whole file in memory, or write a query
//! string to a log (session ids travel there).
//!
//! The way of a request, one module a step:
//!
//! | step | module | what it decides |
//! |---|---|---|
//! | accept | [`mod@server`] | how many connections, how long one may rest |
//! | open | `opening`, `h2` | who is behind a connection (PROXY), HTTP/1 or HTTP/2 |
//! | edge | `edge` | request id, which protocol, `JSESSIONID`, the one log line |
//! | route | `router` | which action, who may ask for it; all of the HTTP API on one page |
//! | sign in | `session` | who asks: session parameter and secret cookie |
//! | act | `ajax`, `dav` | one file an operation |
//! | answer | `reply`, `content` | envelope, or a file's bytes |
//!
//! The same edge serves AJP13 ([`ajp`]), which Apache and mod_jk speak. The admin daemon is a listener of its own with the same first step and everything else in [`admin`].

pub mod admin;
mod ajax;
pub mod ajp;
mod basic;
mod body;
mod config;
mod content;
mod cookies;
mod dav;
mod door;
mod drain;
mod edge;
mod error;
mod h2;
mod health;
mod jsessionid;
mod metrics;
mod networks;
mod opening;
mod origin;
mod params;
mod reply;
mod request;
mod request_id;
mod resting;
mod router;
mod server;
mod session;
mod source;

pub use config::Config;
pub use drain::{Drain, Left};
pub use error::Error;
pub use networks::Networks;
pub use router::{Known, routes};
pub use server::Server;
