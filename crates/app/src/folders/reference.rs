//! How a folder is named from outside: its id, or `u:<user id>` for the view of somebody's shared private folders.

use std::fmt;
use std::str::FromStr;

use zebu_model::{FolderId, UserId};

/// A folder or a person's node below "shared folders".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FolderRef {
    /// A folder of the tree, fixed or made.
    Id(FolderId),
    /// The view of one owner's private folders that the caller sees.
    Owner(UserId),
}

impl fmt::Display for FolderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FolderRef::Id(id) => write!(f, "{id}"),
            FolderRef::Owner(user) => write!(f, "u:{user}"),
        }
    }
}

impl FromStr for FolderRef {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("u:") {
            Some(user) => user.parse().map(FolderRef::Owner),
            None => text.parse().map(FolderRef::Id),
        }
    }
}

impl From<FolderId> for FolderRef {
    fn from(id: FolderId) -> FolderRef {
        FolderRef::Id(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_written_as_it_is_read() {
        for text in ["12", "u:3", "0"] {
            assert_eq!(text.parse::<FolderRef>().unwrap().to_string(), text);
        }
        for bad in ["", "u:", "u:x", "x:3", "U:3", "-1"] {
            assert!(bad.parse::<FolderRef>().is_err(), "{bad}");
        }
    }
}
