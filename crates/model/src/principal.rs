//! Users and groups as the directory shows them.

use crate::access::Access;
use crate::{GroupId, UserId, Version};

/// A user's directory entry. No credential is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Unique in the context.
    pub id: UserId,
    /// The login name, unique in the context.
    pub login: String,
    /// The name others see, unique in the context.
    pub display_name: String,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub surname: String,
    /// Primary address; may be empty.
    pub email: String,
    /// IANA name.
    pub timezone: String,
    /// `en_US` form.
    pub locale: String,
    /// Which modules, interfaces and rights beside those of folders the user has.
    pub access: Access,
    /// When it was last changed.
    pub modified: Version,
}

impl User {
    /// The user with nothing but id and shown name.
    #[must_use]
    pub fn name_only(&self) -> User {
        User {
            id: self.id,
            display_name: self.display_name.clone(),
            login: String::new(),
            given_name: String::new(),
            surname: String::new(),
            email: String::new(),
            timezone: String::new(),
            locale: String::new(),
            access: Access::NONE,
            modified: self.modified,
        }
    }
}

/// A group with its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Unique in the context.
    pub id: GroupId,
    /// Short name, unique in the context.
    pub name: String,
    /// The name others see.
    pub display_name: String,
    /// Its members; for [`GroupId::EVERYBODY`] all users.
    pub members: Vec<UserId>,
    /// When it was last changed.
    pub modified: Version,
}
