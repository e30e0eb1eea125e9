//! WebDAV locks (RFC 4918 §6), and what a lock or a kept property is on.

use crate::{FileId, FolderId, UserId};

/// What a lock or a property is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A collection.
    Folder(FolderId),
    /// A file.
    File(FileId),
}

/// A lock (RFC 4918 §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// `urn:uuid:…`.
    pub token: String,
    /// What is locked.
    pub target: Target,
    /// Who holds it.
    pub user: UserId,
    /// Whether others may hold it too.
    pub shared: bool,
    /// Whether it covers everything below.
    pub deep: bool,
    /// What the client said of its owner: an XML fragment.
    pub owner: String,
    /// When it ends, ms since the epoch.
    pub expires: i64,
}
