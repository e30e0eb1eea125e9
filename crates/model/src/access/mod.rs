//! Module access: which modules and interfaces a user has, and which rights beside those of folders.
//!
//! A set of flags, given by the operator, by name or in named combinations. Stored as one number in the user's row.

mod combinations;
mod flag;
mod reach;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::UserId;

pub use combinations::{ALL, COMBINATIONS, Combination, combination, combination_name};
pub use flag::Flag;
pub use reach::{check_fixed, check_public, check_sharing, owner_of, reach};

/// A set of flags. Printed and read as their names with commas between: `contacts,webmail`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct Access(i64);

impl Access {
    /// No flag.
    pub const NONE: Access = Access(0);

    /// These flags.
    #[must_use]
    pub const fn of(flags: &[Flag]) -> Access {
        let mut bits = 0;
        let mut rest = flags;
        while let [flag, more @ ..] = rest {
            bits |= flag.bit();
            rest = more;
        }
        Access(bits)
    }

    /// Reads the stored number. Bits that no flag has are left out: nobody could say what they allow.
    #[must_use]
    pub fn from_stored(bits: i64) -> Access {
        Access(bits & Access::of(Flag::ALL).0)
    }

    /// The number to store: the bit of each flag, as [`Flag`] numbers them.
    #[must_use]
    pub fn to_stored(self) -> i64 {
        self.0
    }

    /// Whether the flag is on.
    #[must_use]
    pub fn has(self, flag: Flag) -> bool {
        self.0 & flag.bit() != 0
    }

    /// The same with a flag on or off.
    #[must_use]
    pub fn set(self, flag: Flag, on: bool) -> Access {
        if on { Access(self.0 | flag.bit()) } else { Access(self.0 & !flag.bit()) }
    }

    /// The same with all of these flags on.
    #[must_use]
    pub const fn with(self, more: Access) -> Access {
        Access(self.0 | more.0)
    }

    /// The same with all of these flags off.
    #[must_use]
    pub fn without(self, fewer: Access) -> Access {
        Access(self.0 & !fewer.0)
    }

    /// The flags that are on, in the order of their bits.
    pub fn flags(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.iter().copied().filter(move |flag| self.has(*flag))
    }

    /// What a new context's administrator has if the operator names nothing: the combination `webmail_plus`.
    #[must_use]
    pub fn of_new_context() -> Access {
        combinations::WEBMAIL_PLUS
    }

    /// What a new user has: what the operator names, else what the context's administrator has.
    #[must_use]
    pub fn of_new_user(named: Option<Access>, admin: Access) -> Access {
        named.unwrap_or(admin)
    }

    /// What of an access a user can hold: only the context's administrator can hold `publicfoldereditable`. So `all` is
    /// `groupware_premium` for everybody else.
    #[must_use]
    pub fn as_held_by(self, user: UserId) -> Access {
        if user == UserId::ADMIN { self } else { self.set(Flag::PublicFolderEditable, false) }
    }
}

impl From<i64> for Access {
    fn from(bits: i64) -> Access {
        Access::from_stored(bits)
    }
}

impl From<Access> for i64 {
    fn from(access: Access) -> i64 {
        access.to_stored()
    }
}

impl FromIterator<Flag> for Access {
    fn from_iter<T: IntoIterator<Item = Flag>>(flags: T) -> Access {
        flags.into_iter().fold(Access::NONE, |access, flag| access.set(flag, true))
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, flag) in self.flags().enumerate() {
            f.write_str(if i == 0 { "" } else { "," })?;
            f.write_str(flag.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access({self})")
    }
}

/// A list of flags that names one which does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagUnknown(pub String);

impl fmt::Display for FlagUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no module access \"{}\"", self.0)
    }
}

impl std::error::Error for FlagUnknown {}

impl FromStr for Access {
    type Err = FlagUnknown;

    /// Blanks around a name are no part of it; an empty text is the empty set.
    fn from_str(text: &str) -> Result<Access, FlagUnknown> {
        let names = text.split(',').map(str::trim);
        let named = |name: &str| Flag::from_name(name).ok_or_else(|| FlagUnknown(name.to_owned()));
        if text.trim().is_empty() { Ok(Access::NONE) } else { names.map(named).collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_flag_has_the_bit_the_name_and_the_option_that_were_given_out() {
        // A database holds these numbers: a line here never changes.
        let given_out = [
            (0, "webmail", "access-webmail"),
            (1, "calendar", "access-calendar"),
            (2, "contacts", "access-contacts"),
            (3, "infostore", "access-infostore"),
            (4, "tasks", "access-tasks"),
            (5, "webdav", "access-webdav"),
            (6, "webdavxml", "access-webdav-xml"),
            (7, "ical", "access-ical"),
            (8, "vcard", "access-vcard"),
            (9, "syncml", "access-syncml"),
            (10, "usm", "access-usm"),
            (11, "olox20", "access-olox20"),
            (12, "activesync", "access-active-sync"),
            (13, "readcreatesharedfolders", "access-read-create-shared-Folders"),
            (14, "delegatetask", "access-delegate-tasks"),
            (15, "editpublicfolders", "access-edit-public-folder"),
            (16, "editgroup", "access-edit-group"),
            (17, "editresource", "access-edit-resource"),
            (18, "editpassword", "access-edit-password"),
            (19, "globaladdressbookdisabled", "access-global-address-book-disabled"),
            (20, "publicfoldereditable", "access-public-folder-editable"),
            (21, "collectemailaddresses", "access-collect-email-addresses"),
            (22, "multiplemailaccounts", "access-multiple-mail-accounts"),
            (23, "subscription", "access-subscription"),
            (24, "publication", "access-publication"),
            (25, "deniedportal", "access-denied-portal"),
        ];
        assert_eq!(Flag::ALL.len(), given_out.len());
        for (bit, name, option) in given_out {
            let flag = Flag::from_name(name).unwrap();
            assert_eq!(Flag::from_option(option), Some(flag));
            assert_eq!(Access::NONE.set(flag, true).to_stored(), 1 << bit, "{name}");
            assert_eq!((flag.name(), flag.option()), (name, option));
        }
        assert_eq!(Flag::from_name("WebDAV"), None);
        assert_eq!(Flag::from_option("webdav"), None);
    }

    #[test]
    fn a_list_of_names_is_read_and_an_unknown_one_is_named() {
        let check = |text: &str, expected: Result<&[Flag], &str>| {
            let expected = expected.map(|flags| flags.iter().copied().collect::<Access>());
            assert_eq!(text.parse::<Access>(), expected.map_err(|name| FlagUnknown(name.to_owned())));
        };
        check("", Ok(&[]));
        check(" ", Ok(&[]));
        check("webmail", Ok(&[Flag::Webmail]));
        check("webmail, contacts", Ok(&[Flag::Webmail, Flag::Contacts]));
        check("contacts,contacts", Ok(&[Flag::Contacts]));
        check("contacts,mail", Err("mail"));
        check("contacts,", Err(""));
        check("Contacts", Err("Contacts"));
        assert_eq!("mail".parse::<Access>().unwrap_err().to_string(), "there is no module access \"mail\"");
    }

    #[test]
    fn a_bit_that_no_flag_has_is_left_out() {
        assert_eq!(Access::from_stored(-1), Flag::ALL.iter().copied().collect());
        assert_eq!(Access::from_stored(1 << 40 | 1), Access::NONE.set(Flag::Webmail, true));
    }

    #[test]
    fn who_is_new_has_what_was_named_else_what_the_administrator_has() {
        let (drive, all) = (combination("drive").unwrap(), combination("all").unwrap());
        assert_eq!(Access::of_new_user(Some(drive), all), drive);
        assert_eq!(Access::of_new_user(None, all), all);
        assert_eq!(Some(Access::of_new_context()), combination("webmail_plus"));
        assert_eq!(all.as_held_by(UserId::ADMIN), all);
        assert_eq!(combination_name(all.as_held_by(UserId(3))), Some("groupware_premium"));
    }

    proptest! {
        #[test]
        fn any_access_survives_storage_and_print(bits in any::<i64>(), other in any::<i64>()) {
            let (access, other) = (Access::from_stored(bits), Access::from_stored(other));
            prop_assert_eq!(Access::from_stored(access.to_stored()), access);
            prop_assert_eq!(access.to_string().parse::<Access>().unwrap(), access);
            for flag in Flag::ALL.iter().copied() {
                prop_assert_eq!(access.with(other).has(flag), access.has(flag) || other.has(flag));
                prop_assert_eq!(access.without(other).has(flag), access.has(flag) && !other.has(flag));
            }
        }
    }
}
