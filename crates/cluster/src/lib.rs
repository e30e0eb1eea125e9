//! What makes many nodes one cluster: who is a member, who may answer from memory, and how each member hears of a write
//! before that write is answered. `docs/COHERENCE.md` has the protocol and why each rule of it is needed.
//!
//! The rules are a synchronous core without a clock, a socket or a database of its own, so that a model checker and a
//! simulation run the very code that nodes run. Around it stand the mesh (the members' connections) and the coherent
//! cache. This crate must never know a word of groupware, nor SQL.

mod announce;
pub mod authority;
pub mod cache;
mod changes;
mod clock;
pub mod config;
pub mod core;
pub mod discovery;
pub mod mesh;
pub mod node;
mod told;
mod validity;

pub use announce::{Announced, Announcer, Coherence, Fenced, Outcome, Waiting};
pub use changes::{Change, Changes, Listener};
pub use clock::Clock;
pub use core::fence::Token;
pub use told::Told;
pub use validity::{ScopeKey, Validity};
