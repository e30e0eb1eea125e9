//! The groupware's types and pure decisions: ids, rights, folders, files, quota, and every reason to refuse.
//!
//! No I/O, no clock, no randomness: whatever depends on those is a parameter. `store` keeps these types,
//! `app` asks these decisions, the protocols only translate them.

pub mod access;
pub mod account;
pub mod estate;
pub mod file;
pub mod folder;
pub mod ids;
pub mod limits;
pub mod lock;
pub mod name;
pub mod pattern;
pub mod person;
pub mod placement;
pub mod principal;
pub mod quota;
pub mod refusal;
pub mod rights;
pub mod scope;
pub mod session;
pub mod tree;

pub use ids::{ContextId, FileId, FolderId, GroupId, UserId};
pub use refusal::{Category, Refusal};
pub use rights::{Bits, Entity, Permission};
pub use scope::{Scope, Version};
