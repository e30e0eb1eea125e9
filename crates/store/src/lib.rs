//! Every SQL statement of Zebu: configdb, the shards, their pools, transactions and migrations.
//!
//! `app` calls it. A read takes a [`Tx`], a write a [`WriteTx`], which names the scopes it changes before its first
//! statement; a write through a read transaction does not compile. Nothing here decides what is allowed.

mod cache;
pub mod config;
mod config_tx;
pub mod configdb;
mod engine;
pub mod error;
mod group;
pub mod home;
mod ids;
pub mod initial;
mod known;
pub mod meter;
mod migrate;
mod place;
#[cfg(test)]
mod plans;
mod reads;
mod sample;
pub mod shard;
mod statement;
mod store;
mod tx;
mod value;
mod vault;
mod view;

pub use cache::{CacheState, Hits, is_of_a_context, scope_key};
pub use config::{Config, RequestComments};
pub use config_tx::{ConfigTx, ConfigWriteTx};
pub use error::{Error, Result};
pub use group::state::{Role, ServerState};
pub use known::Known;
pub use place::{Filestores, Place};
pub use reads::Reads;
pub use sample::Sample;
pub use store::{Login, Store};
pub use tx::{Plan, ReadTx, Tx, WriteTx};
