//! The AJP13 side of a node: what Apache and mod_jk speak, beside HTTP and with the same edge behind it.
//!
//! `server` accepts the connections; each is served by [`serve`] here. One request at a time is on a connection, so one task
//! does everything: it hands the request to the edge, moves its body there as far as it is read, and writes the answer. Messages
//! are read and written by `zebu_ajp`; on any doubt the connection is closed.
//!
//! | step | module |
//! |---|---|
//! | which fronts, which secret, which attributes | [`config`], `admit` |
//! | packets on the socket | `wire` |
//! | a request, as HTTP has it | `translate` |
//! | its body, as far as somebody reads it | `feed` |
//! | the answer | `reply` |
//! | one after the other on a connection | `exchange` |
//!
//! What the front says of the client (address, TLS) is believed: only those connect who are listed. Its word on who somebody is
//! (`remote_user`) is not looked at.

mod admit;
mod config;
mod exchange;
mod feed;
mod reply;
mod translate;
mod wire;

pub use config::Config;
pub(crate) use config::Settings;
pub(crate) use exchange::serve;
pub(crate) use feed::Fed;
