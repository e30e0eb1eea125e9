//! Items of the file module and their versions.

use crate::{FileId, FolderId, UserId, Version};

/// An item: metadata with 0 to n versions of content. Without content it is a note or a bookmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Unique in the context.
    pub id: FileId,
    /// The folder it is in.
    pub folder: FolderId,
    /// Who made it: decides what "own" means.
    pub created_by: UserId,
    /// When it was made, ms since the epoch.
    pub created: i64,
    /// Who changed it last.
    pub modified_by: UserId,
    /// The stamp of its last change.
    pub modified: Version,
    /// Shown name, free text.
    pub title: String,
    /// Free text.
    pub description: String,
    /// Bookmark, or empty.
    pub url: String,
    /// Until when the item is locked, ms since the epoch; 0 if it is not.
    pub locked_until: i64,
    /// How many versions with content there are.
    pub versions: u32,
    /// The current version; `None` for a note or a bookmark.
    pub content: Option<Content>,
}

impl File {
    /// The name it has in its folder; notes and bookmarks have none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.content.as_ref().map_or("", |c| &c.name)
    }
}

/// One version's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// 1 for the first.
    pub version: u32,
    /// File name; that of the current version is unique in its folder.
    pub name: String,
    /// MIME type.
    pub mime: String,
    /// Bytes.
    pub size: u64,
    /// MD5 of the content, lower-case hex: what the HTTP API shows.
    pub md5: String,
    /// BLAKE3 of the content, lower-case hex: what the scrubber checks, and the ETag.
    pub blake3: String,
    /// The stored file's key in the context's file store.
    pub key: String,
    /// What its author said about it.
    pub comment: String,
    /// Who made this version.
    pub created_by: UserId,
    /// When, ms since the epoch.
    pub created: i64,
}
