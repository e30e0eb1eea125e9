//! Ids as newtypes, so that a folder's number can never be taken for a file's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            /// Decimal digits only: a sign or blanks would give one object two names.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if text.starts_with('+') {
                    return "".parse::<u32>().map($name);
                }
                text.parse().map($name)
            }
        }

        impl From<$name> for i64 {
            fn from(id: $name) -> i64 {
                i64::from(id.0)
            }
        }
    };
}

id! {
    /// A context: one tenant. Given by the operator (`createcontext -c`), unique in a deployment.
    ContextId
}
id! {
    /// A user, unique in a context. 2 is the context's administrator, ordinary users begin at 3.
    UserId
}
id! {
    /// A group, unique in a context. 0 is everybody, 1 the standard group.
    GroupId
}
id! {
    /// A folder, unique in a context. Below 20 the fixed tree, see [`crate::folder::fixed`].
    FolderId
}
id! {
    /// An item of the file module, unique in a context.
    FileId
}

impl UserId {
    /// The context's administrator.
    pub const ADMIN: UserId = UserId(2);
}

impl GroupId {
    /// All internal users; nobody edits its members.
    pub const EVERYBODY: GroupId = GroupId(0);
    /// The standard group every new user is put in.
    pub const STANDARD: GroupId = GroupId(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        assert_eq!("12".parse(), Ok(FolderId(12)));
        for bad in ["+12", "-1", " 12", "12 ", "", "4294967296", "0x1"] {
            assert!(bad.parse::<FolderId>().is_err(), "{bad:?}");
        }
    }
}
