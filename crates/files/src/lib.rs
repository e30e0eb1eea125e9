//! The file store: contents of files under names that are never used twice, in a directory that all nodes
//! share.
//!
//! Called by `app` alone, as the middle step of a two-step write: `app` reserves a [`Key`] in the database,
//! this crate writes the content under it and returns when it is durable, and a metadata transaction turns
//! the reservation into a file version. A crash between the steps leaves a reservation, whose sweeper calls
//! [`FileStore::delete`]. This crate must never know SQL, users, folders or quotas, and must never overwrite
//! a name that has content.
//!
//! Why it works on NFS without locks: a content is published by renaming a complete, synced file, a name is
//! never looked up before it is published (so no node caches its absence), and content never changes once it
//! has a name.

mod config;
mod digests;
mod error;
mod jobs;
mod key;
mod list;
mod moving;
mod read;
mod store;
mod sweep;
mod upload;
mod verify;

pub use config::Config;
pub use error::{BoxedError, Error, Failure, Result};
pub use key::{BadKey, Key};
pub use list::Entry;
pub use moving::parse_blake3;
pub use read::Reader;
pub use store::FileStore;
pub use upload::{Stored, Upload};
pub use verify::Verdict;
