//! The use cases: one function each, the same for every protocol.
//!
//! `web` translates requests to these functions; they look up rights, open transactions, ask `model` what is allowed and
//! have `store` and `files` keep it. Nothing here knows HTTP, JSON or XML.

mod app;
pub mod caller;
pub mod clock;
pub mod cluster;
mod copying;
pub mod databases;
pub mod dav;
pub mod directory;
pub mod drain;
pub mod error;
pub mod files;
pub mod folders;
pub mod gauge;
mod history;
mod host;
pub mod jobs;
pub mod live;
pub mod maintenance;
mod membership;
pub mod operator;
mod passwords;
pub mod push;
mod random;
pub mod sessions;
mod settle;
mod storage;
mod to_sweep;
pub mod unhashed;

pub use app::{App, Config, Identity, Node, NodeConfig};
pub use caller::{Caller, Client};
pub use clock::Clock;
pub use error::{Error, Result};
pub use jobs::JobConfig;
pub use membership::Membership;
pub use push::PushConfig;
pub use sessions::SessionConfig;
// tidy-allow(arrow): counts a request's statements for its log line; nothing can be done with it.
pub use zebu_store::meter;
