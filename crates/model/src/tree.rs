//! What may be done to the folder tree: creating, changing permissions, renaming, moving, deleting.
//!
//! All pure: `app` fetches the records, asks here, and writes what is allowed.

use std::collections::HashSet;

use crate::folder::{Folder, Module, Type, fixed, is_view};
use crate::limits::{DEPTH_MAX, PERMISSIONS_MAX};
use crate::rights::{Bits, Entity, Membership, Permission};
use crate::{FolderId, Refusal, UserId};

/// A folder together with what the caller may do in it: the proof that rights were looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The record.
    pub folder: Folder,
    /// The caller's effective right.
    pub bits: Bits,
    /// Why the caller has no right, if the folder's permissions would give one: see [`crate::access::reach`].
    pub withheld: Option<Withheld>,
}

/// Why module access leaves nothing of a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// The folder's module is not the caller's.
    Module(Module),
    /// The folder is shared by somebody else.
    Shared,
}

impl Granted {
    /// A folder with what its permissions give the caller.
    #[must_use]
    pub fn new(folder: Folder, bits: Bits) -> Granted {
        Granted { folder, bits, withheld: None }
    }

    /// The folder without any right. The reason is kept only where permissions would show it.
    #[must_use]
    pub fn withhold(self, why: Withheld) -> Granted {
        Granted { withheld: self.bits.sees().then_some(why), bits: Bits::NONE, ..self }
    }

    /// The folder if the caller sees it. A folder that does not exist gives the same answer as one whose permissions hide
    /// it: nobody learns which ids are taken.
    pub fn visible(found: Option<Granted>, folder: FolderId) -> Result<Granted, Refusal> {
        let granted = found.ok_or(Refusal::FolderNotVisible { folder })?;
        match granted.withheld {
            _ if granted.bits.sees() => Ok(granted),
            None => Err(Refusal::FolderNotVisible { folder }),
            Some(Withheld::Module(module)) => Err(Refusal::ModuleDenied { module: module.name().to_owned() }),
            Some(Withheld::Shared) => Err(Refusal::SharedFoldersDenied {}),
        }
    }

    /// The folder if the caller administers it.
    pub fn administered(&self) -> Result<&Folder, Refusal> {
        if self.bits.admin {
            Ok(&self.folder)
        } else {
            Err(Refusal::FolderNoAdmin { folder: self.folder.id })
        }
    }
}

/// Which folder a new one becomes: its type, if module and place fit.
pub fn plan_create(parent: &Granted, module: Module) -> Result<Type, Refusal> {
    let place = &parent.folder;
    if is_view(place.id) {
        return Err(Refusal::NoSubfolders { folder: place.id });
    }
    if !parent.bits.creates_subfolders() {
        return Err(Refusal::NoSubfolders { folder: place.id });
    }
    let fits = match place.id {
        fixed::PRIVATE | fixed::PUBLIC => module.is_pim(),
        _ if place.module.is_pim() => module.is_pim(),
        _ => place.module == module && module == Module::Infostore,
    };
    if !fits {
        return Err(Refusal::FolderModuleWrong { module: module.name().to_owned() });
    }
    Ok(if place.id == fixed::PRIVATE || place.kind == Type::Private { Type::Private } else { Type::Public })
}

/// The permissions a new folder has when its maker names none: all for the maker (in a private folder of
/// somebody else: for that owner, and as author for the maker).
#[must_use]
pub fn default_permissions(kind: Type, owner: UserId, maker: UserId) -> Vec<Permission> {
    let full = |user| Permission { entity: Entity::User(user), bits: Bits::OWNER };
    if kind == Type::Private && owner != maker {
        return vec![full(owner), Permission { entity: Entity::User(maker), bits: Bits::AUTHOR }];
    }
    vec![full(maker)]
}

/// The invariants of one folder's permissions. That the entities exist is for `app` to see.
pub fn check_permissions(kind: Type, owner: UserId, permissions: &[Permission]) -> Result<(), Refusal> {
    if permissions.len() > PERMISSIONS_MAX {
        return Err(Refusal::PermissionsTooMany { limit: PERMISSIONS_MAX });
    }
    let mut named = HashSet::with_capacity(permissions.len());
    for permission in permissions {
        if !named.insert(permission.entity) {
            return Err(Refusal::EntityTwice { entity: permission.entity.id() });
        }
    }
    let admins: Vec<Entity> = permissions.iter().filter(|p| p.bits.admin).map(|p| p.entity).collect();
    if admins.is_empty() {
        return Err(Refusal::AdminMissing {});
    }
    if kind == Type::Private {
        if admins.iter().any(|a| a.is_group()) {
            return Err(Refusal::PrivateNoGroupAdmin {});
        }
        if admins.len() > 1 {
            return Err(Refusal::PrivateOneAdmin {});
        }
        if admins.first() != Some(&Entity::User(owner)) {
            return Err(Refusal::PrivateOwnerAdmin {});
        }
    }
    Ok(())
}

/// Whether the caller may give the folder another name.
pub fn check_rename(target: &Granted) -> Result<(), Refusal> {
    let folder = target.administered()?;
    if folder.kind == Type::System {
        return Err(Refusal::SystemFolderChange { folder: folder.id });
    }
    if folder.standard {
        return Err(Refusal::DefaultFolderRename { folder: folder.id });
    }
    Ok(())
}

/// Whether the caller may put the folder below `parent`. `path` is the way from `parent` up to the root,
/// beginning with `parent` itself; `height` is how many levels of folders lie below the one that moves.
pub fn check_move(
    who: &Membership,
    target: &Granted,
    parent: &Granted,
    path: &[FolderId],
    height: usize,
) -> Result<(), Refusal> {
    let folder = &target.folder;
    if folder.kind == Type::System {
        return Err(Refusal::SystemFolderChange { folder: folder.id });
    }
    if folder.kind == Type::Private && folder.created_by != who.user {
        return Err(Refusal::SharedFolderMove {});
    }
    target.administered()?;
    if folder.standard {
        return Err(Refusal::DefaultFolderMove { folder: folder.id });
    }
    if folder.parent == parent.folder.id {
        return Err(Refusal::MoveSamePlace {});
    }
    if path.contains(&folder.id) {
        return Err(Refusal::MoveIntoItself {});
    }
    if path.len() + 1 + height > DEPTH_MAX {
        return Err(Refusal::FolderTooDeep { limit: DEPTH_MAX });
    }
    if parent.folder.kind == Type::Private && parent.folder.created_by != who.user {
        return Err(Refusal::SharedFolderTarget {});
    }
    let kind = plan_create(parent, folder.module).map_err(|refusal| match refusal {
        Refusal::FolderModuleWrong { .. } => Refusal::ModuleMove {},
        other => other,
    })?;
    match (folder.kind, kind) {
        (a, b) if a == b => Ok(()),
        (Type::Private, _) => Err(Refusal::PrivateMove {}),
        _ => Err(Refusal::PublicMove {}),
    }
}

/// Whether all that a folder carries along may be moved by the caller. Names the folder itself: which of those below stands
/// in the way may be hidden.
pub fn check_carried<'a>(top: FolderId, below: impl IntoIterator<Item = &'a Granted>) -> Result<(), Refusal> {
    if below.into_iter().all(|granted| granted.bits.admin) {
        Ok(())
    } else {
        Err(Refusal::SubfolderMove { folder: top })
    }
}

/// One folder of a subtree that is to be deleted.
#[derive(Clone, Debug)]
pub struct Doomed {
    /// The folder and the caller's rights in it.
    pub granted: Granted,
    /// Objects in it.
    pub objects: u64,
    /// Of these, how many the caller did not create.
    pub foreign_objects: u64,
}

/// Whether the caller may delete a folder (the first) with all that is below it. A refusal names no folder that the
/// caller does not see.
pub fn check_delete(who: &Membership, subtree: &[Doomed]) -> Result<(), Refusal> {
    let top = subtree.first().map_or(fixed::ROOT, |first| first.granted.folder.id);
    for doomed in subtree {
        let folder = &doomed.granted.folder;
        if !doomed.granted.bits.sees() {
            return Err(Refusal::ObjectsNotDeletable { folder: top });
        }
        if folder.kind == Type::System {
            return Err(Refusal::SystemFolderChange { folder: folder.id });
        }
        if folder.kind == Type::Private && folder.created_by != who.user {
            return Err(Refusal::SharedFolderDelete {});
        }
        doomed.granted.administered()?;
        if folder.standard {
            return Err(Refusal::DefaultFolderDelete { folder: folder.id });
        }
        let right = doomed.granted.bits.delete;
        let deletes_own = right.covers(who.user, who.user);
        let deletes_all = right.covers(UserId(u32::MAX), who.user);
        let allowed = doomed.objects == 0 || deletes_all || (deletes_own && doomed.foreign_objects == 0);
        if !allowed {
            return Err(Refusal::ObjectsNotDeletable { folder: folder.id });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::access::Access;
    use crate::rights::{FolderRight, ObjectRight};
    use crate::{GroupId, Version};

    fn folder(id: u32, parent: u32, module: Module, kind: Type, owner: u32) -> Folder {
        Folder {
            id: FolderId(id),
            parent: FolderId(parent),
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

    fn owned(folder: Folder) -> Granted {
        Granted::new(folder, Bits::OWNER)
    }

    fn me() -> Membership {
        Membership { user: UserId(3), groups: vec![], access: Access::NONE }
    }

    fn any_permissions() -> impl Strategy<Value = Vec<Permission>> {
        let object = || prop::sample::select(vec![ObjectRight::None, ObjectRight::Own, ObjectRight::All]);
        let one = (1u32..6, any::<bool>(), object(), any::<bool>()).prop_map(|(id, group, read, admin)| {
            Permission {
                entity: Entity::new(id, group),
                bits: Bits { folder: FolderRight::See, read, admin, ..Bits::NONE },
            }
        });
        prop::collection::vec(one, 0..6)
    }

    proptest! {
        #[test]
        fn permissions_that_pass_keep_every_invariant(permissions in any_permissions(), private in any::<bool>()) {
            let kind = if private { Type::Private } else { Type::Public };
            let owner = UserId(3);
            let accepted = check_permissions(kind, owner, &permissions).is_ok();
            let admins: Vec<_> = permissions.iter().filter(|p| p.bits.admin).collect();
            let unique = permissions.iter().map(|p| p.entity).collect::<HashSet<_>>().len() == permissions.len();
            let holds = unique && !admins.is_empty()
                && (!private || (admins.len() == 1 && admins[0].entity == Entity::User(owner)));
            prop_assert_eq!(accepted, holds);
        }

        #[test]
        fn default_permissions_always_pass(private in any::<bool>(), owner in 2u32..6, maker in 2u32..6) {
            let kind = if private { Type::Private } else { Type::Public };
            let owner = if private { UserId(owner) } else { UserId(maker) };
            let permissions = default_permissions(kind, owner, UserId(maker));
            prop_assert!(check_permissions(kind, owner, &permissions).is_ok());
        }
    }

    #[test]
    fn a_group_with_an_owners_number_is_not_the_owner() {
        let group = Permission { entity: Entity::Group(GroupId(3)), bits: Bits::OWNER };
        assert_eq!(
            check_permissions(Type::Private, UserId(3), &[group]),
            Err(Refusal::PrivateNoGroupAdmin {})
        );
    }

    #[test]
    fn modules_only_go_where_they_belong() {
        let root = |id, module| owned(folder(id, 0, module, Type::System, 2));
        let check = |parent: &Granted, module, expected: Option<Type>| {
            assert_eq!(plan_create(parent, module).ok(), expected, "{module:?} in {}", parent.folder.id);
        };
        check(&root(1, Module::System), Module::Calendar, Some(Type::Private));
        check(&root(2, Module::System), Module::Tasks, Some(Type::Public));
        check(&root(1, Module::System), Module::Infostore, None);
        check(&root(3, Module::System), Module::Calendar, None);
        check(&root(4, Module::System), Module::Calendar, None);
        check(&root(9, Module::Infostore), Module::Infostore, Some(Type::Public));
        check(&root(14, Module::Infostore), Module::Infostore, None);
        check(&root(9, Module::Infostore), Module::Contacts, None);
        let mine = owned(folder(30, 1, Module::Calendar, Type::Private, 3));
        check(&mine, Module::Contacts, Some(Type::Private));
        check(&mine, Module::System, None);
    }

    #[test]
    fn without_the_right_to_create_nothing_is_created() {
        let mut parent = owned(folder(30, 10, Module::Infostore, Type::Public, 3));
        parent.bits.folder = FolderRight::CreateObjects;
        assert!(matches!(plan_create(&parent, Module::Infostore), Err(Refusal::NoSubfolders { .. })));
    }

    #[test]
    fn a_folder_moves_only_where_it_may() {
        let file_folder = owned(folder(30, 20, Module::Infostore, Type::Public, 3));
        let target = owned(folder(40, 20, Module::Infostore, Type::Public, 3));
        let path = [FolderId(40), FolderId(20), FolderId(10), FolderId(9)];
        let check = |what: &Granted, to: &Granted, path: &[FolderId], code: Option<&str>| {
            let got = check_move(&me(), what, to, path, 0);
            assert_eq!(got.as_ref().err().map(Refusal::code), code, "{got:?}");
        };
        check(&file_folder, &target, &path, None);
        check(&file_folder, &target, &[FolderId(40), FolderId(30)], Some("FLD-0045"));
        let same = owned(folder(20, 10, Module::Infostore, Type::Public, 3));
        check(&file_folder, &same, &[FolderId(20)], Some("FLD-0028"));
        let mut default = file_folder.clone();
        default.folder.standard = true;
        check(&default, &target, &path, Some("FLD-0021"));
        let mut mere_author = file_folder.clone();
        mere_author.bits = Bits::AUTHOR;
        check(&mere_author, &target, &path, Some("FLD-0010"));
        let mut no_room = target.clone();
        no_room.bits = Bits::VIEWER;
        check(&file_folder, &no_room, &path, Some("FLD-0006"));
        check(&owned(folder(5, 4, Module::Contacts, Type::System, 2)), &target, &path, Some("FLD-0025"));
        let calendar = owned(folder(50, 1, Module::Calendar, Type::Private, 3));
        let public = owned(folder(2, 0, Module::System, Type::System, 2));
        check(&calendar, &public, &[FolderId(2)], Some("FLD-0026"));
        check(&calendar, &target, &path, Some("FLD-0049"));
        let somebodys = owned(folder(60, 1, Module::Calendar, Type::Private, 4));
        check(&somebodys, &public, &[FolderId(2)], Some("FLD-0023"));
        check(&calendar, &somebodys, &[FolderId(60)], Some("FLD-0024"));
        let public_calendar = owned(folder(70, 2, Module::Calendar, Type::Public, 3));
        let private = owned(folder(1, 0, Module::System, Type::System, 2));
        check(&public_calendar, &private, &[FolderId(1)], Some("FLD-0027"));
    }

    #[test]
    fn a_move_can_not_nest_folders_past_the_limit() {
        let what = owned(folder(30, 20, Module::Infostore, Type::Public, 3));
        let to = owned(folder(40, 20, Module::Infostore, Type::Public, 3));
        let path: Vec<FolderId> = (100..100 + 60).map(FolderId).collect();
        assert!(check_move(&me(), &what, &to, &path, 3).is_ok());
        assert!(matches!(check_move(&me(), &what, &to, &path, 4), Err(Refusal::FolderTooDeep { .. })));
    }

    #[test]
    fn deleting_needs_a_right_on_every_object_below() {
        let doomed = |delete, objects, foreign_objects| Doomed {
            granted: Granted::new(
                folder(30, 20, Module::Infostore, Type::Public, 3),
                Bits { delete, ..Bits::OWNER },
            ),
            objects,
            foreign_objects,
        };
        let check = |d: Doomed, code: Option<&str>| {
            assert_eq!(check_delete(&me(), &[d]).as_ref().err().map(Refusal::code), code);
        };
        check(doomed(ObjectRight::None, 0, 0), None);
        check(doomed(ObjectRight::None, 1, 0), Some("FLD-0032"));
        check(doomed(ObjectRight::Own, 5, 0), None);
        check(doomed(ObjectRight::Own, 5, 1), Some("FLD-0032"));
        check(doomed(ObjectRight::All, 5, 5), None);
        let mut default = doomed(ObjectRight::All, 0, 0);
        default.granted.folder.standard = true;
        check(default, Some("FLD-0031"));
        let mut author = doomed(ObjectRight::All, 0, 0);
        author.granted.bits.admin = false;
        check(author, Some("FLD-0010"));
    }
}
