//! What module access leaves of the rights in a folder, and what it forbids in the tree whatever the rights are.
//!
//! Pure: the store asks [`reach`] for every folder it hands out, the use cases ask the checks before they change one.

use super::{Access, Flag};
use crate::folder::{Folder, Module, Type, fixed};
use crate::rights::{Bits, Entity, FolderRight, Membership, ObjectRight, Permission};
use crate::tree::{Granted, Withheld};
use crate::{FolderId, Refusal, UserId};

impl Access {
    /// Refuses unless the flag is on: whoever needs a module, an interface or a right beside those of folders asks here.
    pub fn require(self, flag: Flag) -> Result<(), Refusal> {
        if self.has(flag) { Ok(()) } else { Err(Refusal::ModuleDenied { module: flag.name().to_owned() }) }
    }

    /// The flag without which folders of a module do not exist for a user. Those that hold only folders exist for all.
    #[must_use]
    pub fn flag_of(module: Module) -> Option<Flag> {
        match module {
            Module::Tasks => Some(Flag::Tasks),
            Module::Calendar => Some(Flag::Calendar),
            Module::Contacts => Some(Flag::Contacts),
            Module::Infostore => Some(Flag::Infostore),
            Module::System => None,
        }
    }

    /// Whether folders of a module exist for the user.
    #[must_use]
    pub fn has_module(self, module: Module) -> bool {
        Access::flag_of(module).is_none_or(|flag| self.has(flag))
    }

    /// Refuses what is in a module that the user has not.
    pub fn require_module(self, module: Module) -> Result<(), Refusal> {
        Access::flag_of(module).map_or(Ok(()), |flag| self.require(flag))
    }

    /// Refuses the views of what others share unless the user may see such folders.
    pub fn require_shared(self) -> Result<(), Refusal> {
        if self.has(Flag::ReadCreateSharedFolders) { Ok(()) } else { Err(Refusal::SharedFoldersDenied {}) }
    }

    /// Whether the user sees other users than themselves.
    #[must_use]
    pub fn sees_everybody(self) -> bool {
        !self.has(Flag::GlobalAddressBookDisabled)
    }
}

/// The folder with what module access leaves of the rights in it. Where it leaves nothing, the reason is kept for those
/// who would see the folder otherwise: they may know.
#[must_use]
pub fn reach(who: &Membership, granted: Granted) -> Granted {
    let Granted { folder, bits, .. } = &granted;
    let shared =
        folder.id == fixed::SHARED || (folder.kind == Type::Private && folder.created_by != who.user);
    if !who.access.has_module(folder.module) {
        let module = folder.module;
        return granted.withhold(Withheld::Module(module));
    }
    if folder.id == fixed::SYSTEM_LDAP && !who.access.sees_everybody() {
        return Granted::new(granted.folder, Bits::NONE);
    }
    if shared && !who.access.has(Flag::ReadCreateSharedFolders) {
        return granted.withhold(Withheld::Shared);
    }
    let bits = cap(who.access, folder, *bits);
    Granted { bits, ..granted }
}

/// Caps the rights in public folders, and those over the folders that each context has.
fn cap(access: Access, folder: &Folder, bits: Bits) -> Bits {
    let system = folder.kind == Type::System;
    let mut bits = Bits { admin: bits.admin && (!system || access.has(Flag::PublicFolderEditable)), ..bits };
    if access.has(Flag::EditPublicFolders) {
        return bits;
    }
    match folder.module {
        // Files stay: only the folder itself is public property. See `check_public`.
        Module::Infostore if system => bits.folder = bits.folder.min(FolderRight::CreateObjects),
        Module::Infostore => {}
        _ if folder.kind == Type::Public || is_public_root(folder.id) => {
            bits = Bits {
                folder: bits.folder.min(FolderRight::See),
                read: bits.read.min(ObjectRight::All),
                write: ObjectRight::None,
                delete: ObjectRight::None,
                admin: bits.admin && system,
            };
        }
        _ => {}
    }
    bits
}

fn is_public_root(id: FolderId) -> bool {
    [fixed::PUBLIC, fixed::SYSTEM_GLOBAL, fixed::SYSTEM_LDAP].contains(&id)
}

/// Whose a place is: the owner of the private folder or of the home that it is in; `None` if it is everybody's. `way`: the
/// folder and all above it, the folder first.
#[must_use]
pub fn owner_of(way: &[Granted]) -> Option<UserId> {
    let owned = |folder: &Folder| folder.kind == Type::Private || folder.parent == fixed::USERSTORE;
    way.iter().map(|granted| &granted.folder).find(|folder| owned(folder)).map(|folder| folder.created_by)
}

/// Whether the user may make or change a folder in a place. `owner`: see [`owner_of`]; `place` is named in the refusal.
pub fn check_public(access: Access, owner: Option<UserId>, place: FolderId) -> Result<(), Refusal> {
    if owner.is_some() || access.has(Flag::EditPublicFolders) {
        Ok(())
    } else {
        Err(Refusal::PublicFolderDenied { folder: place })
    }
}

/// Whether the context's administrator may change the permissions of a folder that each context has. Nobody else
/// administers one: see [`reach`].
pub fn check_fixed(who: &Membership, folder: &Folder) -> Result<(), Refusal> {
    let fixed = folder.kind == Type::System && who.user == UserId::ADMIN;
    if fixed && !who.access.has(Flag::PublicFolderEditable) {
        return Err(Refusal::PublicFolderDenied { folder: folder.id });
    }
    Ok(())
}

/// Whether the user may give these permissions in a place: sharing what is private needs its own flag. `owner`: see
/// [`owner_of`].
pub fn check_sharing(
    access: Access,
    owner: Option<UserId>,
    permissions: &[Permission],
) -> Result<(), Refusal> {
    let Some(owner) = owner else { return Ok(()) };
    let shares = permissions.iter().any(|p| p.entity != Entity::User(owner) && p.bits != Bits::NONE);
    if shares && !access.has(Flag::ReadCreateSharedFolders) {
        return Err(Refusal::SharingDenied {});
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::access::combination;
    use crate::{GroupId, Version};

    const ME: UserId = UserId(3);

    fn folder(id: u32, parent: FolderId, module: Module, kind: Type, owner: u32) -> Folder {
        Folder {
            id: FolderId(id),
            parent,
            title: format!("f{id}"),
            module,
            kind,
            standard: false,
            created_by: UserId(owner),
            created: 0,
            modified_by: UserId(owner),
            modified: Version(1),
        }
    }

    fn who(access: Access) -> Membership {
        Membership { user: ME, groups: vec![], access }
    }

    fn all() -> Access {
        combination("all").unwrap()
    }

    fn reached(access: Access, folder: Folder) -> Granted {
        reach(&who(access), Granted::new(folder, Bits::OWNER))
    }

    #[test]
    fn without_a_module_its_folders_do_not_exist() {
        for module in Module::ALL {
            let here = folder(30, FolderId(20), module, Type::Public, 3);
            assert_eq!(reached(all(), here.clone()).bits, Bits::OWNER);
            let Some(flag) = Access::flag_of(module) else { continue };
            let granted = reached(all().set(flag, false), here.clone());
            assert_eq!((granted.bits, granted.withheld), (Bits::NONE, Some(Withheld::Module(module))));
            let refusal = Granted::visible(Some(granted), here.id).unwrap_err();
            assert_eq!(refusal, Refusal::ModuleDenied { module: module.name().to_owned() });
            for other in Module::ALL.into_iter().filter(|other| *other != module) {
                let there = folder(31, FolderId(20), other, Type::Public, 3);
                assert_eq!(reached(all().set(flag, false), there).bits, Bits::OWNER, "{module:?} {other:?}");
            }
        }
    }

    #[test]
    fn who_would_not_see_a_folder_anyway_does_not_learn_why_not() {
        let hidden = Granted::new(folder(30, FolderId(20), Module::Tasks, Type::Public, 4), Bits::NONE);
        let granted = reach(&who(Access::NONE), hidden);
        assert_eq!(granted.withheld, None);
        let refusal = Granted::visible(Some(granted), FolderId(30)).unwrap_err();
        assert_eq!(refusal.code(), "FLD-0003");
    }

    #[test]
    fn what_others_share_needs_its_flag_and_what_is_ones_own_does_not() {
        let without = all().set(Flag::ReadCreateSharedFolders, false);
        let private = |owner| folder(30, fixed::PRIVATE, Module::Calendar, Type::Private, owner);
        assert_eq!(reached(without, private(3)).bits, Bits::OWNER);
        assert_eq!(reached(all(), private(4)).bits, Bits::OWNER);
        let granted = reached(without, private(4));
        assert_eq!((granted.bits, granted.withheld), (Bits::NONE, Some(Withheld::Shared)));
        assert_eq!(Granted::visible(Some(granted), FolderId(30)).unwrap_err().code(), "FLD-0004");
        let root = folder(3, fixed::ROOT, Module::System, Type::System, 2);
        assert_eq!(reached(without, root).bits, Bits::NONE);
    }

    #[test]
    fn without_the_global_address_book_it_is_not_there() {
        let book = folder(6, fixed::SYSTEM, Module::Contacts, Type::System, 2);
        let without = all().set(Flag::GlobalAddressBookDisabled, true);
        assert!(reached(all(), book.clone()).bits.sees());
        assert!(!reached(without, book).bits.sees());
    }

    #[test]
    fn without_public_folders_one_reads_them_and_changes_nothing() {
        let without = all().set(Flag::EditPublicFolders, false);
        let read_only = Bits { read: ObjectRight::All, ..Bits::SEE };
        let check = |here: Folder, expected: Bits| {
            assert_eq!(reached(without, here.clone()).bits, expected, "{here:?}");
            assert_eq!(reached(all(), here).bits, Bits::OWNER);
        };
        check(folder(30, fixed::PUBLIC, Module::Calendar, Type::Public, 3), read_only);
        let fixed_public = folder(2, fixed::ROOT, Module::System, Type::System, 2);
        check(fixed_public, Bits { admin: true, ..read_only });
        check(folder(31, fixed::PRIVATE, Module::Calendar, Type::Private, 3), Bits::OWNER);
        check(folder(1, fixed::ROOT, Module::System, Type::System, 2), Bits::OWNER);
        // Files stay what they are, but no folder is made beside the public ones.
        check(folder(32, fixed::PUBLIC_INFOSTORE, Module::Infostore, Type::Public, 3), Bits::OWNER);
        let files = folder(15, fixed::INFOSTORE, Module::Infostore, Type::System, 2);
        check(files, Bits { folder: FolderRight::CreateObjects, ..Bits::OWNER });
    }

    #[test]
    fn only_with_its_flag_one_administers_the_folders_each_context_has() {
        let without = all().set(Flag::PublicFolderEditable, false);
        let files = folder(15, fixed::INFOSTORE, Module::Infostore, Type::System, 2);
        let mine = folder(30, fixed::PUBLIC_INFOSTORE, Module::Infostore, Type::Public, 3);
        assert!(reached(all(), files.clone()).bits.admin && !reached(without, files.clone()).bits.admin);
        assert!(reached(without, mine.clone()).bits.admin);
        let admin = |access| Membership { user: UserId::ADMIN, groups: vec![], access };
        assert_eq!(check_fixed(&admin(without), &files).unwrap_err().code(), "FLD-0005");
        assert!(check_fixed(&admin(all()), &files).is_ok() && check_fixed(&admin(without), &mine).is_ok());
        assert!(check_fixed(&who(without), &files).is_ok(), "who is no administrator of it is told that");
    }

    #[test]
    fn a_place_belongs_to_the_owner_of_the_home_or_private_folder_it_is_in() {
        let files = |id, parent, owner| {
            Granted::new(folder(id, FolderId(parent), Module::Infostore, Type::Public, owner), Bits::NONE)
        };
        let userstore = files(10, 9, 2);
        let check = |way: &[Granted], owner: Option<u32>| assert_eq!(owner_of(way), owner.map(UserId));
        check(&[files(31, 30, 3), files(30, 10, 4), userstore.clone()], Some(4));
        check(&[files(30, 10, 4), userstore.clone()], Some(4));
        check(&[userstore], None);
        check(&[files(32, 15, 3), files(15, 9, 2)], None);
        let private = folder(40, fixed::PRIVATE, Module::Tasks, Type::Private, 5);
        check(&[Granted::new(private, Bits::NONE)], Some(5));
        check(&[], None);
    }

    #[test]
    fn each_check_asks_for_its_own_flag() {
        let (mine, theirs) = (Some(ME), Some(UserId(4)));
        let to_ben = [
            Permission { entity: Entity::User(ME), bits: Bits::OWNER },
            Permission { entity: Entity::User(UserId(4)), bits: Bits::VIEWER },
        ];
        let to_all = [Permission { entity: Entity::Group(GroupId::EVERYBODY), bits: Bits::VIEWER }];
        let nobody = [to_ben[0], Permission { entity: Entity::User(UserId(4)), bits: Bits::NONE }];
        let public = all().set(Flag::EditPublicFolders, false);
        let sharing = all().set(Flag::ReadCreateSharedFolders, false);
        let code = |result: Result<(), Refusal>| result.err().map(|refusal| refusal.code());
        for (access, owner, expected) in [
            (all(), None, None),
            (public, None, Some("FLD-0005")),
            (public, mine, None),
            (public, theirs, None),
            (sharing, None, None),
        ] {
            assert_eq!(code(check_public(access, owner, FolderId(15))), expected, "{access:?} {owner:?}");
        }
        for (access, owner, permissions, expected) in [
            (all(), mine, &to_ben[..], None),
            (sharing, mine, &to_ben, Some("FLD-0072")),
            (sharing, mine, &to_all, Some("FLD-0072")),
            (sharing, mine, &to_ben[..1], None),
            (sharing, mine, &nobody, None),
            (sharing, None, &to_ben, None),
            (public, mine, &to_ben, None),
        ] {
            assert_eq!(
                code(check_sharing(access, owner, permissions)),
                expected,
                "{access:?} {permissions:?}"
            );
        }
        for flag in Flag::ALL.iter().copied() {
            assert!(Access::of(&[flag]).require(flag).is_ok());
            let refusal = Access::of(Flag::ALL).set(flag, false).require(flag).unwrap_err();
            assert_eq!(refusal.code(), "FLD-0002");
            assert!(refusal.to_string().contains(flag.name()), "{refusal}");
        }
    }

    proptest! {
        #[test]
        fn module_access_never_gives_a_right(access in any::<i64>(), id in 1u32..40, parent in 0u32..40,
            module in prop::sample::select(Module::ALL.to_vec()),
            kind in prop::sample::select(vec![Type::Private, Type::Public, Type::System]),
            owner in 2u32..5, bits in crate::rights::tests::any_bits()) {
            let here = folder(id, FolderId(parent), module, kind, owner);
            let granted = reach(&who(Access::from_stored(access)), Granted::new(here, bits));
            prop_assert_eq!(granted.bits.join(bits), bits);
            prop_assert!(granted.withheld.is_none() || bits.sees());
        }
    }
}
