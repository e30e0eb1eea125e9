//! The statements of a shard, one file a subject. Reads take a [`crate::Tx`], writes a [`crate::WriteTx`].

pub mod dav;
pub mod files;
pub mod folder_writes;
pub mod folders;
mod homes;
pub mod listings;
pub mod principals;
pub mod sequences;
pub mod sessions;
pub mod stored;
pub mod tables;
pub mod usage;
