//! Folders: the fixed tree, modules, types, and the record that is stored.

use crate::rights::{Bits, Entity, Permission};
use crate::{FolderId, GroupId, UserId, Version};

/// The folders every context has, by their fixed ids.
pub mod fixed {
    use crate::FolderId;

    /// The invisible root.
    pub const ROOT: FolderId = FolderId(0);
    /// Parent of everybody's private calendars, contacts and tasks.
    pub const PRIVATE: FolderId = FolderId(1);
    /// Parent of public calendars, contacts and tasks.
    pub const PUBLIC: FolderId = FolderId(2);
    /// View: other people's private folders, below one node an owner.
    pub const SHARED: FolderId = FolderId(3);
    /// Container of system folders.
    pub const SYSTEM: FolderId = FolderId(4);
    /// The old shared address book.
    pub const SYSTEM_GLOBAL: FolderId = FolderId(5);
    /// The global address book: all users.
    pub const SYSTEM_LDAP: FolderId = FolderId(6);
    /// The original's "user" folder.
    pub const USER: FolderId = FolderId(7);
    /// Root of the file module.
    pub const INFOSTORE: FolderId = FolderId(9);
    /// Parent of every user's own files.
    pub const USERSTORE: FolderId = FolderId(10);
    /// View: visible task folders whose parents are not visible.
    pub const OTHER_TASKS: FolderId = FolderId(11);
    /// View: visible calendars whose parents are not visible.
    pub const OTHER_CALENDARS: FolderId = FolderId(12);
    /// View: visible address books whose parents are not visible.
    pub const OTHER_CONTACTS: FolderId = FolderId(13);
    /// View: visible file folders whose parents are not visible.
    pub const OTHER_FILES: FolderId = FolderId(14);
    /// Files of everybody.
    pub const PUBLIC_INFOSTORE: FolderId = FolderId(15);
    /// The first id for folders people make.
    pub const FIRST_FREE: FolderId = FolderId(20);
}

/// What a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Module {
    /// Tasks.
    Tasks,
    /// Appointments.
    Calendar,
    /// Contacts.
    Contacts,
    /// Nothing but folders.
    System,
    /// Files.
    Infostore,
}

impl Module {
    /// All of them.
    pub const ALL: [Module; 5] =
        [Module::Tasks, Module::Calendar, Module::Contacts, Module::System, Module::Infostore];

    /// The name protocols use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Module::Tasks => "tasks",
            Module::Calendar => "calendar",
            Module::Contacts => "contacts",
            Module::System => "system",
            Module::Infostore => "infostore",
        }
    }

    /// The module of a name; `files` is the newer name of `infostore`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Module> {
        if name == "files" {
            return Some(Module::Infostore);
        }
        Module::ALL.into_iter().find(|m| m.name() == name)
    }

    /// The number tables keep.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Module::Tasks => 1,
            Module::Calendar => 2,
            Module::Contacts => 3,
            Module::System => 5,
            Module::Infostore => 8,
        }
    }

    /// The module of a number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Module> {
        Module::ALL.into_iter().find(|m| m.number() == number)
    }

    /// Calendar, contacts or tasks: the modules with private folders.
    #[must_use]
    pub fn is_pim(self) -> bool {
        matches!(self, Module::Tasks | Module::Calendar | Module::Contacts)
    }
}

/// Whose a folder is. How another user's private folder appears (type 3, "shared") is a view, not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// One user's.
    Private,
    /// The context's.
    Public,
    /// The fixed tree's.
    System,
}

impl Type {
    /// The number tables keep.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Type::Private => 1,
            Type::Public => 2,
            Type::System => 5,
        }
    }

    /// The type of a number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Type> {
        [Type::Private, Type::Public, Type::System].into_iter().find(|t| t.number() == number)
    }

    /// The number the HTTP API shows `viewer`: somebody else's private folder is "shared" (3).
    #[must_use]
    pub fn seen_by(self, owner: UserId, viewer: UserId) -> i64 {
        if self == Type::Private && owner != viewer { 3 } else { self.number() }
    }
}

/// A folder as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Unique in the context.
    pub id: FolderId,
    /// The folder it is in.
    pub parent: FolderId,
    /// Its name, unique within the parent.
    pub title: String,
    /// What it holds.
    pub module: Module,
    /// Whose it is.
    pub kind: Type,
    /// A user's default folder for its module: can't be renamed, moved or deleted.
    pub standard: bool,
    /// Who made it; the owner of a private folder.
    pub created_by: UserId,
    /// When it was made, ms since the epoch.
    pub created: i64,
    /// Who changed it last.
    pub modified_by: UserId,
    /// The stamp of its last change.
    pub modified: Version,
}

/// One folder of the fixed tree, as a new context gets it.
#[derive(Clone, Debug)]
pub struct FixedFolder {
    /// Its fixed id.
    pub id: FolderId,
    /// Its parent.
    pub parent: FolderId,
    /// Its name.
    pub title: &'static str,
    /// What it holds.
    pub module: Module,
    /// Who may do what in it. The context's administrator is administrator of each, which the invariant
    /// "every folder has an administrator" asks for.
    pub permissions: Vec<Permission>,
}

/// The fixed tree of a new context, parents before children. Source: the original's default permissions for
/// "all users" (entity 0), except that in the two public file folders people also see what is there and keep hold of
/// what they put there: the right to create folders includes creating files, and a file its own author can't see is
/// a trap.
#[must_use]
pub fn fixed_tree() -> Vec<FixedFolder> {
    let everybody = Entity::Group(GroupId::EVERYBODY);
    let admin = Entity::User(UserId::ADMIN);
    let caretaker = Permission { entity: admin, bits: Bits { admin: true, ..Bits::SEE } };
    let node = |id, parent, title, module, bits| FixedFolder {
        id,
        parent,
        title,
        module,
        permissions: vec![caretaker, Permission { entity: everybody, bits }],
    };
    let owned = |id, parent, title, module, bits| FixedFolder {
        id,
        parent,
        title,
        module,
        permissions: vec![
            Permission { entity: admin, bits: Bits::OWNER },
            Permission { entity: everybody, bits },
        ],
    };
    vec![
        node(fixed::PRIVATE, fixed::ROOT, "Private folders", Module::System, Bits::SUBFOLDERS),
        node(fixed::PUBLIC, fixed::ROOT, "Public folders", Module::System, Bits::SUBFOLDERS),
        node(fixed::SHARED, fixed::ROOT, "Shared folders", Module::System, Bits::SEE),
        node(fixed::SYSTEM, fixed::ROOT, "System folders", Module::System, Bits::SEE),
        owned(fixed::SYSTEM_GLOBAL, fixed::SYSTEM, "Shared address book", Module::Contacts, Bits::AUTHOR),
        node(fixed::SYSTEM_LDAP, fixed::SYSTEM, "Global address book", Module::Contacts, Bits::VIEWER),
        node(fixed::USER, fixed::SYSTEM, "User", Module::System, Bits::SEE),
        owned(fixed::INFOSTORE, fixed::ROOT, "Infostore", Module::Infostore, Bits::CONTRIBUTOR),
        node(fixed::USERSTORE, fixed::INFOSTORE, "Userstore", Module::Infostore, Bits::SEE),
        owned(
            fixed::PUBLIC_INFOSTORE,
            fixed::INFOSTORE,
            "Public infostore",
            Module::Infostore,
            Bits::CONTRIBUTOR,
        ),
    ]
}

/// The views that list visible folders of a module whose parents are not visible, with their titles.
pub const OTHER_FOLDERS: [(FolderId, FolderId, Module, &str); 4] = [
    (fixed::OTHER_TASKS, fixed::PUBLIC, Module::Tasks, "Other task folders"),
    (fixed::OTHER_CALENDARS, fixed::PUBLIC, Module::Calendar, "Other calendar folders"),
    (fixed::OTHER_CONTACTS, fixed::PUBLIC, Module::Contacts, "Other contact folders"),
    (fixed::OTHER_FILES, fixed::INFOSTORE, Module::Infostore, "Other infostore folders"),
];

/// Whether a folder is one of the views: it can be listed, but nothing is stored in it.
#[must_use]
pub fn is_view(id: FolderId) -> bool {
    id == fixed::ROOT || id == fixed::SHARED || OTHER_FOLDERS.iter().any(|(view, ..)| *view == id)
}

/// Whether a view is shown below `parent` under this title: a folder beside it would hide behind it.
#[must_use]
pub fn is_view_title(parent: FolderId, title: &str) -> bool {
    OTHER_FOLDERS.iter().any(|(_, place, _, of_view)| *place == parent && *of_view == title)
}

/// The `standard_folder_type` the HTTP API shows for a user's default folder of a module.
#[must_use]
pub fn standard_type(module: Module, standard: bool) -> i64 {
    match (standard, module) {
        (true, Module::Tasks) => 1,
        (true, Module::Calendar) => 2,
        (true, Module::Contacts) => 3,
        (true, Module::Infostore) => 8,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fixed_folder_has_an_administrator_and_comes_after_its_parent() {
        let mut known = vec![fixed::ROOT];
        for folder in fixed_tree() {
            assert!(folder.permissions.iter().any(|p| p.bits.admin), "{}", folder.title);
            assert!(known.contains(&folder.parent), "{}", folder.title);
            assert!(folder.id < fixed::FIRST_FREE);
            known.push(folder.id);
        }
    }

    #[test]
    fn names_and_numbers_lead_back_to_the_module() {
        for module in Module::ALL {
            assert_eq!(Module::from_name(module.name()), Some(module));
            assert_eq!(Module::from_number(module.number()), Some(module));
        }
        assert_eq!(Module::from_name("files"), Some(Module::Infostore));
        assert_eq!(Module::from_name("mail"), None);
    }

    #[test]
    fn a_private_folder_looks_shared_to_others_only() {
        assert_eq!(Type::Private.seen_by(UserId(3), UserId(3)), 1);
        assert_eq!(Type::Private.seen_by(UserId(3), UserId(4)), 3);
        assert_eq!(Type::Public.seen_by(UserId(3), UserId(4)), 2);
    }
}
