//! What becomes of a user's estate, all that refers to somebody who is being deleted: folders and their permissions. Pure: the
//! job that deletes users fetches the records, asks here, and carries it out.

use crate::folder::{Folder, Type, fixed};
use crate::rights::{Bits, Entity, Permission};
use crate::{FolderId, UserId};

/// What the operator wants of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// What others may have a use for is handed over to the heir.
    HandOver,
    /// What is the user's goes.
    Delete,
}

/// A folder of the estate, as it is when it is decided upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The record.
    pub folder: Folder,
    /// Its permissions.
    pub permissions: Vec<Permission>,
    /// Whether files are in it.
    pub has_files: bool,
    /// Whether folders are below it.
    pub has_folders: bool,
    /// Whether it goes with everything in it, whoever made that: it is, or is in, the home of somebody whose estate is to be
    /// deleted.
    pub doomed: bool,
}

/// What becomes of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It becomes the heir's.
    HandedOver,
    /// It goes.
    Deleted,
    /// Something in it has to go first.
    Later,
    /// It is none of the user's, or not any more.
    Untouched,
}

/// What becomes of one folder of `user`'s.
///
/// Handed over is what others may have a use for: public folders, homes in which there is something, and of the private
/// folders those that somebody else sees. If the estate is to be deleted, only a public folder stays in which something of
/// other people's is left: it goes to the heir, because a folder has an owner.
#[must_use]
pub fn fate(wish: Wish, user: UserId, left: &Left) -> Fate {
    let folder = &left.folder;
    let empty = !left.has_files && !left.has_folders;
    if left.doomed {
        return if empty { Fate::Deleted } else { Fate::Later };
    }
    if folder.created_by != user || folder.kind == Type::System {
        return Fate::Untouched;
    }
    let private = folder.kind == Type::Private;
    let kept = match wish {
        Wish::HandOver if private => is_seen_by_others(user, &left.permissions),
        Wish::HandOver if is_home(user, folder) => !empty,
        Wish::HandOver => true,
        Wish::Delete => !private && !empty,
    };
    match (kept, empty) {
        (true, _) => Fate::HandedOver,
        (false, true) => Fate::Deleted,
        (false, false) => Fate::Later,
    }
}

/// Whether a folder is the user's home, or one that the user inherited.
#[must_use]
pub fn is_home(user: UserId, folder: &Folder) -> bool {
    folder.parent == fixed::USERSTORE && folder.created_by == user
}

fn is_seen_by_others(user: UserId, permissions: &[Permission]) -> bool {
    permissions.iter().any(|p| p.entity != Entity::User(user) && p.bits.sees())
}

/// A folder's permissions without the user's. The heir gets what the user had, and all, if the folder becomes the heir's;
/// and if nobody would administer it any more, whosever it is.
#[must_use]
pub fn without(user: UserId, heir: UserId, handed_over: bool, permissions: &[Permission]) -> Vec<Permission> {
    let had = |id: UserId| permissions.iter().find(|p| p.entity == Entity::User(id)).map(|p| p.bits);
    let mut rest: Vec<Permission> =
        permissions.iter().copied().filter(|p| p.entity != Entity::User(user)).collect();
    if !handed_over && rest.iter().any(|p| p.bits.admin) {
        return rest;
    }
    let inherited = had(user).unwrap_or(Bits::NONE).join(had(heir).unwrap_or(Bits::NONE));
    let bits = if handed_over { inherited.join(Bits::OWNER) } else { Bits { admin: true, ..inherited } };
    rest.retain(|p| p.entity != Entity::User(heir));
    rest.push(Permission { entity: Entity::User(heir), bits });
    rest
}

/// Where a private folder goes that is handed over: it stays if its parent is the heir's already, or nobody's; else the
/// parent goes, and it comes to lie among the heir's own.
#[must_use]
pub fn private_parent(folder: &Folder, heir: UserId, parent: Option<&Folder>) -> FolderId {
    let stays = parent.is_some_and(|p| p.kind == Type::Private && p.created_by == heir);
    if stays { folder.parent } else { fixed::PRIVATE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Module;
    use crate::{GroupId, Version};

    const ANNA: UserId = UserId(3);
    const BEN: UserId = UserId(4);
    const HEIR: UserId = UserId(2);

    fn folder(parent: FolderId, kind: Type, owner: UserId) -> Folder {
        Folder {
            id: FolderId(100),
            parent,
            title: "x".to_owned(),
            module: Module::Infostore,
            kind,
            standard: false,
            created_by: owner,
            created: 0,
            modified_by: owner,
            modified: Version(1),
        }
    }

    fn user(id: UserId, bits: Bits) -> Permission {
        Permission { entity: Entity::User(id), bits }
    }

    fn left(folder: Folder, others: bool, has_files: bool, has_folders: bool) -> Left {
        let mut permissions = vec![user(ANNA, Bits::OWNER)];
        permissions.extend(others.then_some(user(BEN, Bits::VIEWER)));
        Left { folder, permissions, has_files, has_folders, doomed: false }
    }

    #[test]
    fn a_folder_s_fate_follows_from_whose_it_is_who_sees_it_and_what_is_in_it() {
        let (private, public) = (Type::Private, Type::Public);
        let (mine, home, other) = (fixed::PRIVATE, fixed::USERSTORE, fixed::PUBLIC_INFOSTORE);
        let check = |parent, kind, owner, others, files, folders, handing: Fate, deleting: Fate| {
            let left = left(folder(parent, kind, owner), others, files, folders);
            assert_eq!(fate(Wish::HandOver, ANNA, &left), handing, "hand over {left:?}");
            assert_eq!(fate(Wish::Delete, ANNA, &left), deleting, "delete {left:?}");
        };
        check(mine, private, ANNA, false, false, false, Fate::Deleted, Fate::Deleted);
        check(mine, private, ANNA, true, false, false, Fate::HandedOver, Fate::Deleted);
        check(mine, private, ANNA, false, false, true, Fate::Later, Fate::Later);
        check(home, public, ANNA, false, false, false, Fate::Deleted, Fate::Deleted);
        check(home, public, ANNA, false, true, false, Fate::HandedOver, Fate::HandedOver);
        check(other, public, ANNA, true, false, false, Fate::HandedOver, Fate::Deleted);
        check(other, public, ANNA, false, false, true, Fate::HandedOver, Fate::HandedOver);
        check(other, public, BEN, true, true, true, Fate::Untouched, Fate::Untouched);
        check(mine, Type::System, ANNA, true, true, true, Fate::Untouched, Fate::Untouched);
        let doomed = |files| Left { doomed: true, ..left(folder(home, public, BEN), true, files, false) };
        assert_eq!(fate(Wish::Delete, ANNA, &doomed(true)), Fate::Later);
        assert_eq!(fate(Wish::Delete, ANNA, &doomed(false)), Fate::Deleted);
    }

    #[test]
    fn somebody_administers_every_folder_afterwards() {
        let group = Permission { entity: Entity::Group(GroupId(1)), bits: Bits::OWNER };
        let check = |handed_over, permissions: &[Permission], expected: &[Permission]| {
            assert_eq!(without(ANNA, HEIR, handed_over, permissions), expected);
        };
        let anna = user(ANNA, Bits::OWNER);
        check(true, &[anna, user(BEN, Bits::SEE)], &[user(BEN, Bits::SEE), user(HEIR, Bits::OWNER)]);
        check(true, &[anna, user(HEIR, Bits::SEE)], &[user(HEIR, Bits::OWNER)]);
        check(true, &[user(BEN, Bits::SEE)], &[user(BEN, Bits::SEE), user(HEIR, Bits::OWNER)]);
        check(false, &[anna, user(BEN, Bits::OWNER)], &[user(BEN, Bits::OWNER)]);
        check(false, &[anna, group], &[group]);
        check(false, &[anna, user(BEN, Bits::SEE)], &[user(BEN, Bits::SEE), user(HEIR, Bits::OWNER)]);
        let admin = Bits { admin: true, ..Bits::SEE };
        check(
            false,
            &[user(ANNA, admin), user(HEIR, Bits::VIEWER)],
            &[user(HEIR, Bits { admin: true, ..Bits::VIEWER })],
        );
    }

    #[test]
    fn a_private_folder_stays_below_a_parent_that_is_handed_over_too() {
        let folder = |parent: u32, owner| folder(FolderId(parent), Type::Private, owner);
        let check = |parent: Option<Folder>, expected: u32| {
            assert_eq!(private_parent(&folder(50, ANNA), HEIR, parent.as_ref()), FolderId(expected));
        };
        check(Some(folder(1, HEIR)), 50);
        check(Some(folder(1, ANNA)), 1);
        check(None, 1);
    }
}
