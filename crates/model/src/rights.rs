//! Permission bits: one integer per entity, its five dimensions, and what several of them amount to.
//!
//! `bits = folder | read << 7 | write << 14 | delete << 21 | admin << 28`, each dimension a scalar of seven
//! bits, not a mask. Source: the HTTP API's folder permissions.

use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::{GroupId, Refusal, UserId};

/// Who a permission is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// One user.
    User(UserId),
    /// Everybody in a group.
    Group(GroupId),
}

impl Entity {
    /// The id alone, as protocols and tables keep it beside a "is a group" flag.
    #[must_use]
    pub fn id(self) -> u32 {
        match self {
            Entity::User(id) => id.0,
            Entity::Group(id) => id.0,
        }
    }

    /// Whether the entity is a group.
    #[must_use]
    pub fn is_group(self) -> bool {
        matches!(self, Entity::Group(_))
    }

    /// The entity for an id and a "is a group" flag.
    #[must_use]
    pub fn new(id: u32, is_group: bool) -> Entity {
        if is_group { Entity::Group(GroupId(id)) } else { Entity::User(UserId(id)) }
    }
}

/// What one may do with the folder itself. Each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FolderRight {
    /// Nothing: the folder does not exist for the entity.
    None = 0,
    /// See it.
    See = 1,
    /// Create objects in it.
    CreateObjects = 2,
    /// Create folders below it.
    CreateSubfolders = 4,
    /// Whatever comes later as well.
    Maximum = 64,
}

/// On which of the folder's objects a dimension (read, write, delete) acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ObjectRight {
    /// On none.
    None = 0,
    /// On those the user created.
    Own = 1,
    /// On all.
    All = 2,
    /// Whatever comes later as well.
    Maximum = 64,
}

impl FolderRight {
    fn from_scalar(scalar: u32) -> Option<FolderRight> {
        Some(match scalar {
            0 => FolderRight::None,
            1 => FolderRight::See,
            2 => FolderRight::CreateObjects,
            4 => FolderRight::CreateSubfolders,
            64 => FolderRight::Maximum,
            _ => return None,
        })
    }
}

impl ObjectRight {
    fn from_scalar(scalar: u32) -> Option<ObjectRight> {
        Some(match scalar {
            0 => ObjectRight::None,
            1 => ObjectRight::Own,
            2 => ObjectRight::All,
            64 => ObjectRight::Maximum,
            _ => return None,
        })
    }

    /// Whether the dimension covers an object created by `creator` for `user`.
    #[must_use]
    pub fn covers(self, creator: UserId, user: UserId) -> bool {
        self >= ObjectRight::All || (self == ObjectRight::Own && creator == user)
    }
}

/// The five dimensions of one permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bits {
    /// The folder itself.
    pub folder: FolderRight,
    /// Reading its objects.
    pub read: ObjectRight,
    /// Changing its objects.
    pub write: ObjectRight,
    /// Deleting its objects.
    pub delete: ObjectRight,
    /// Changing its name, its place and its permissions, deleting it.
    pub admin: bool,
}

impl Bits {
    /// Nothing at all.
    pub const NONE: Bits = Bits {
        folder: FolderRight::None,
        read: ObjectRight::None,
        write: ObjectRight::None,
        delete: ObjectRight::None,
        admin: false,
    };
    /// See the folder and nothing in it.
    pub const SEE: Bits = Bits { folder: FolderRight::See, ..Bits::NONE };
    /// Make folders below it, nothing else.
    pub const SUBFOLDERS: Bits = Bits { folder: FolderRight::CreateSubfolders, ..Bits::NONE };
    /// See and read everything (257).
    pub const VIEWER: Bits = Bits { read: ObjectRight::All, ..Bits::SEE };
    /// Add folders and objects, read everything, change and delete one's own.
    pub const CONTRIBUTOR: Bits = Bits {
        folder: FolderRight::CreateSubfolders,
        read: ObjectRight::All,
        write: ObjectRight::Own,
        delete: ObjectRight::Own,
        admin: false,
    };
    /// Create, read, change and delete everything (4 227 332).
    pub const AUTHOR: Bits = Bits {
        folder: FolderRight::CreateSubfolders,
        read: ObjectRight::All,
        write: ObjectRight::All,
        delete: ObjectRight::All,
        admin: false,
    };
    /// What an owner has (403 710 016).
    pub const OWNER: Bits = Bits {
        folder: FolderRight::Maximum,
        read: ObjectRight::Maximum,
        write: ObjectRight::Maximum,
        delete: ObjectRight::Maximum,
        admin: true,
    };

    /// Reads the wire integer. A scalar that the API does not define, or a bit above the 29th, is refused:
    /// guessing would give somebody rights nobody meant.
    pub fn decode(bits: i64) -> Result<Bits, Refusal> {
        let bad = || Refusal::PermissionBitsInvalid { bits };
        let word = u32::try_from(bits).map_err(|_| bad())?;
        let scalar = |shift: u32| (word >> shift) & 0x7f;
        let admin = match word >> 28 {
            0 => false,
            1 => true,
            _ => return Err(bad()),
        };
        Ok(Bits {
            folder: FolderRight::from_scalar(scalar(0)).ok_or_else(bad)?,
            read: ObjectRight::from_scalar(scalar(7)).ok_or_else(bad)?,
            write: ObjectRight::from_scalar(scalar(14)).ok_or_else(bad)?,
            delete: ObjectRight::from_scalar(scalar(21)).ok_or_else(bad)?,
            admin,
        })
    }

    /// The wire integer.
    #[must_use]
    pub fn encode(self) -> u32 {
        self.folder as u32
            | (self.read as u32) << 7
            | (self.write as u32) << 14
            | (self.delete as u32) << 21
            | u32::from(self.admin) << 28
    }

    /// The maximum in each dimension: what two permissions that both apply amount to.
    #[must_use]
    pub fn join(self, other: Bits) -> Bits {
        Bits {
            folder: self.folder.max(other.folder),
            read: self.read.max(other.read),
            write: self.write.max(other.write),
            delete: self.delete.max(other.delete),
            admin: self.admin || other.admin,
        }
    }

    /// Whether the folder exists for its holder. An administrator of a folder always sees it.
    #[must_use]
    pub fn sees(self) -> bool {
        self.admin || self.folder >= FolderRight::See
    }

    /// Whether objects may be put in.
    #[must_use]
    pub fn creates_objects(self) -> bool {
        self.folder >= FolderRight::CreateObjects
    }

    /// Whether folders may be made below.
    #[must_use]
    pub fn creates_subfolders(self) -> bool {
        self.folder >= FolderRight::CreateSubfolders
    }
}

/// One entry of a folder's permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Permission {
    /// Who.
    pub entity: Entity,
    /// What.
    pub bits: Bits,
}

/// Who asks: the user, the groups that count for them (everybody included), and their module access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The user.
    pub user: UserId,
    /// The groups the user is in; [`GroupId::EVERYBODY`] need not be listed.
    pub groups: Vec<GroupId>,
    /// Which modules, interfaces and rights beside those of folders they have.
    pub access: Access,
}

impl Membership {
    /// Whether a permission for `entity` counts for this user.
    #[must_use]
    pub fn includes(&self, entity: Entity) -> bool {
        match entity {
            Entity::User(user) => user == self.user,
            Entity::Group(GroupId::EVERYBODY) => true,
            Entity::Group(group) => self.groups.contains(&group),
        }
    }

    /// The effective right: the maximum over all permissions that count.
    #[must_use]
    pub fn effective<'a>(&self, permissions: impl IntoIterator<Item = &'a Permission>) -> Bits {
        permissions
            .into_iter()
            .filter(|p| self.includes(p.entity))
            .fold(Bits::NONE, |sum, p| sum.join(p.bits))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn any_bits() -> impl Strategy<Value = Bits> {
        let object = || prop::sample::select(vec![0u32, 1, 2, 64]);
        (prop::sample::select(vec![0u32, 1, 2, 4, 64]), object(), object(), object(), any::<bool>()).prop_map(
            |(f, r, w, d, a)| {
                Bits::decode(i64::from(f | r << 7 | w << 14 | d << 21 | u32::from(a) << 28)).unwrap()
            },
        )
    }

    #[test]
    fn the_well_known_values_are_the_documented_ones() {
        let check = |bits: Bits, word: u32| {
            assert_eq!(bits.encode(), word);
            assert_eq!(Bits::decode(i64::from(word)).unwrap(), bits);
        };
        check(Bits::VIEWER, 257);
        check(Bits { write: ObjectRight::All, ..Bits::VIEWER }, 33_025);
        check(Bits::AUTHOR, 4_227_332);
        check(Bits { admin: true, ..Bits::AUTHOR }, 272_662_788);
        check(Bits::OWNER, 403_710_016);
    }

    #[test]
    fn a_value_the_api_does_not_define_is_refused() {
        for bad in [-1, 3, 5, 65, 3 << 7, 4 << 14, 127 << 21, 1 << 29, 1 << 40, i64::MAX] {
            assert!(Bits::decode(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn bits_survive_the_wire(bits in any_bits()) {
            prop_assert_eq!(Bits::decode(i64::from(bits.encode())).unwrap(), bits);
        }

        #[test]
        fn joining_is_commutative_idempotent_and_never_takes_away(a in any_bits(), b in any_bits()) {
            prop_assert_eq!(a.join(b), b.join(a));
            prop_assert_eq!(a.join(a), a);
            let both = a.join(b);
            prop_assert!(both.sees() >= a.sees() && both.creates_objects() >= a.creates_objects());
            prop_assert!(both.read >= a.read && both.write >= a.write && both.delete >= a.delete);
        }

        #[test]
        fn a_permission_of_somebody_else_changes_nothing(mine in any_bits(), theirs in any_bits()) {
            let me = Membership { user: UserId(3), groups: vec![GroupId(1)], access: Access::NONE };
            let own = Permission { entity: Entity::User(UserId(3)), bits: mine };
            let strangers = [
                Permission { entity: Entity::User(UserId(4)), bits: theirs },
                Permission { entity: Entity::Group(GroupId(2)), bits: theirs },
                // A group with the user's number is still another entity.
                Permission { entity: Entity::Group(GroupId(3)), bits: theirs },
            ];
            prop_assert_eq!(me.effective(strangers.iter().chain([&own])), mine);
        }
    }

    #[test]
    fn everybody_is_a_group_nobody_has_to_join() {
        let me = Membership { user: UserId(3), groups: vec![], access: Access::NONE };
        let all = Permission { entity: Entity::Group(GroupId::EVERYBODY), bits: Bits::VIEWER };
        assert_eq!(me.effective([&all]), Bits::VIEWER);
    }

    #[test]
    fn own_objects_are_those_one_created() {
        assert!(ObjectRight::Own.covers(UserId(3), UserId(3)));
        assert!(!ObjectRight::Own.covers(UserId(4), UserId(3)));
        assert!(ObjectRight::All.covers(UserId(4), UserId(3)));
        assert!(!ObjectRight::None.covers(UserId(3), UserId(3)));
    }
}
