//! The flags of module access: what each is called in lists and in the commands' options, and its bit where it is stored.

macro_rules! flags {
    ($($(#[$doc:meta])* $flag:ident = $bit:literal, $name:literal, $option:literal;)*) => {
        /// One thing that an operator lets a user do, or not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Flag {
            $($(#[$doc])* $flag = $bit,)*
        }

        impl Flag {
            /// All of them, in the order of their bits.
            pub const ALL: &[Flag] = &[$(Flag::$flag,)*];

            /// The name in the definitions of combinations and in listings: lower case, nothing but letters and digits.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Flag::$flag => $name,)* }
            }

            /// The long option of the commands without its dashes: `access-webdav-xml`.
            #[must_use]
            pub fn option(self) -> &'static str {
                match self { $(Flag::$flag => concat!("access-", $option),)* }
            }
        }
    };
}

// The bits are what databases hold: a number is never given to another flag, and a new flag gets the next one.
// The options are the original's, the capital in `read-create-shared-Folders` among them.
flags! {
    /// Mail.
    Webmail = 0, "webmail", "webmail";
    /// The module calendar.
    Calendar = 1, "calendar", "calendar";
    /// The module contacts.
    Contacts = 2, "contacts", "contacts";
    /// The module infostore: files.
    Infostore = 3, "infostore", "infostore";
    /// The module tasks.
    Tasks = 4, "tasks", "tasks";
    /// WebDAV.
    Webdav = 5, "webdav", "webdav";
    /// The original's WebDAV/XML interface.
    WebdavXml = 6, "webdavxml", "webdav-xml";
    /// iCalendar, in and out.
    Ical = 7, "ical", "ical";
    /// vCard, in and out.
    Vcard = 8, "vcard", "vcard";
    /// SyncML.
    Syncml = 9, "syncml", "syncml";
    /// The original's universal synchronisation.
    Usm = 10, "usm", "usm";
    /// The original's second connector for Outlook.
    Olox20 = 11, "olox20", "olox20";
    /// Exchange ActiveSync.
    ActiveSync = 12, "activesync", "active-sync";
    /// Sharing private folders, and seeing those that others share.
    ReadCreateSharedFolders = 13, "readcreatesharedfolders", "read-create-shared-Folders";
    /// Giving tasks to others.
    DelegateTask = 14, "delegatetask", "delegate-tasks";
    /// Making and changing public folders.
    EditPublicFolders = 15, "editpublicfolders", "edit-public-folder";
    /// Making and changing groups.
    EditGroup = 16, "editgroup", "edit-group";
    /// Making and changing resources.
    EditResource = 17, "editresource", "edit-resource";
    /// Changing one's own password.
    EditPassword = 18, "editpassword", "edit-password";
    /// Takes away: no global address book.
    GlobalAddressBookDisabled = 19, "globaladdressbookdisabled", "global-address-book-disabled";
    /// Of the context's administrator: changing the permissions of the public folders that each context has.
    PublicFolderEditable = 20, "publicfoldereditable", "public-folder-editable";
    /// Collecting the addresses of mail read and sent.
    CollectEmailAddresses = 21, "collectemailaddresses", "collect-email-addresses";
    /// More mail accounts than one.
    MultipleMailAccounts = 22, "multiplemailaccounts", "multiple-mail-accounts";
    /// Subscribing to what is published elsewhere.
    Subscription = 23, "subscription", "subscription";
    /// Publishing to people outside.
    Publication = 24, "publication", "publication";
    /// Takes away: no portal.
    DeniedPortal = 25, "deniedportal", "denied-portal";
}

impl Flag {
    /// The flag of a name, as [`Flag::name`] gives it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Flag> {
        Flag::ALL.iter().copied().find(|flag| flag.name() == name)
    }

    /// The flag of an option, as [`Flag::option`] gives it.
    #[must_use]
    pub fn from_option(option: &str) -> Option<Flag> {
        Flag::ALL.iter().copied().find(|flag| flag.option() == option)
    }

    /// The flag's bit, alone.
    #[must_use]
    pub(super) const fn bit(self) -> i64 {
        1 << (self as u8)
    }
}
