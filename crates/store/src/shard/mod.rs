//! The statements of a shard, one file a subject. Reads take a [`crate::Tx`], writes a [`crate::WriteTx`].

pub mod accounts;
pub mod app_passwords;
pub mod dav;
pub mod estate;
pub mod files;
pub mod folder_writes;
pub mod folders;
pub mod groups;
mod homes;
pub mod listings;
pub mod origins;
pub mod principals;
pub mod resources;
pub mod scopes;
pub mod second_factors;
pub mod sequences;
pub mod sessions;
pub mod stored;
pub mod tables;
pub mod tenant;
pub mod tombstones;
pub mod unhashed;
pub mod usage;
