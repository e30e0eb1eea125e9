//! The named combinations of module access: what an operator gives with `--access-combination-name`.

use super::{Access, Flag};

/// A combination: its name and its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Combination {
    /// The name in the commands.
    pub name: &'static str,
    /// The flags that are on; all others are off.
    pub access: Access,
}

const fn named(name: &'static str, access: Access) -> Combination {
    Combination { name, access }
}

/// What a new context's administrator has if the operator names nothing.
pub(super) const WEBMAIL_PLUS: Access = Access::of(&[Flag::Contacts, Flag::Webmail]);

const PIM_PLUS: Access = WEBMAIL_PLUS.with(Access::of(&[Flag::Calendar, Flag::Tasks]));

const GROUPWARE_PLUS: Access = PIM_PLUS.with(Access::of(&[
    Flag::DelegateTask,
    Flag::EditPublicFolders,
    Flag::Infostore,
    Flag::PublicFolderEditable,
    Flag::ReadCreateSharedFolders,
]));

const PREMIUM: Access =
    GROUPWARE_PLUS.with(Access::of(&[Flag::Ical, Flag::Vcard, Flag::Webdav, Flag::WebdavXml]));

const WEBMAIL: Access = WEBMAIL_PLUS.with(Access::of(&[
    Flag::GlobalAddressBookDisabled,
    Flag::CollectEmailAddresses,
    Flag::EditPassword,
]));

const PIM: Access = WEBMAIL.with(Access::of(&[
    Flag::Calendar,
    Flag::Tasks,
    Flag::MultipleMailAccounts,
    Flag::Subscription,
    Flag::Publication,
]));

const GROUPWARE_STANDARD: Access = Access::of(&[
    Flag::Webmail,
    Flag::Calendar,
    Flag::Contacts,
    Flag::Infostore,
    Flag::Tasks,
    Flag::Webdav,
    Flag::Ical,
    Flag::Vcard,
    Flag::ReadCreateSharedFolders,
    Flag::DelegateTask,
    Flag::EditPublicFolders,
    Flag::EditGroup,
    Flag::EditResource,
    Flag::EditPassword,
    Flag::CollectEmailAddresses,
    Flag::MultipleMailAccounts,
    Flag::Subscription,
    Flag::Publication,
]);

const GROUPWARE_PREMIUM: Access = GROUPWARE_STANDARD.with(Access::of(&[
    Flag::WebdavXml,
    Flag::Syncml,
    Flag::Usm,
    Flag::Olox20,
    Flag::ActiveSync,
]));

/// The combination `all`: everything that is given, and nothing that is taken away.
pub const ALL: Access = GROUPWARE_PREMIUM.with(Access::of(&[Flag::PublicFolderEditable]));

/// The combinations. Source: the original's `ModuleAccessDefinitions.properties`; the first four are deprecated there,
/// and kept because the default for new contexts is one of them.
pub const COMBINATIONS: &[Combination] = &[
    named("webmail_plus", WEBMAIL_PLUS),
    named("pim_plus", PIM_PLUS),
    named("groupware_plus", GROUPWARE_PLUS),
    named("premium", PREMIUM),
    named("webmail", WEBMAIL),
    named("pim", PIM),
    named("pim_infostore", PIM.with(Access::of(&[Flag::Infostore, Flag::Webdav]))),
    named("pim_mobility", PIM.with(Access::of(&[Flag::Syncml, Flag::Usm, Flag::ActiveSync]))),
    named("groupware_standard", GROUPWARE_STANDARD),
    named("groupware_premium", GROUPWARE_PREMIUM),
    named("groupware", GROUPWARE_STANDARD.with(Access::of(&[Flag::WebdavXml, Flag::PublicFolderEditable]))),
    named(
        "drive",
        Access::of(&[Flag::Infostore, Flag::DeniedPortal, Flag::Contacts, Flag::CollectEmailAddresses]),
    ),
    named("all", ALL),
];

/// The access of a combination's name. `None`: there is no such combination.
#[must_use]
pub fn combination(name: &str) -> Option<Access> {
    COMBINATIONS.iter().find(|c| c.name == name).map(|c| c.access)
}

/// The combination that is exactly this access, for `getaccesscombinationnameforcontext`.
#[must_use]
pub fn combination_name(access: Access) -> Option<&'static str> {
    COMBINATIONS.iter().find(|c| c.access == access).map(|c| c.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_combinations_are_the_documented_ones() {
        let check = |name: &str, expected: &str| {
            assert_eq!(combination(name), Some(expected.parse().unwrap()), "{name}");
        };
        let webmail = "webmail,contacts,globaladdressbookdisabled,collectemailaddresses,editpassword";
        let pim = format!("{webmail},calendar,tasks,multiplemailaccounts,subscription,publication");
        let standard = "webmail,calendar,contacts,infostore,tasks,webdav,ical,vcard,readcreatesharedfolders,\
                        delegatetask,editpublicfolders,editgroup,editresource,editpassword,collectemailaddresses,\
                        multiplemailaccounts,subscription,publication";
        let groupware_plus = "contacts,webmail,calendar,delegatetask,tasks,editpublicfolders,infostore,\
                              publicfoldereditable,readcreatesharedfolders";
        let premium = format!("{standard},webdavxml,syncml,usm,olox20,activesync");
        check("webmail_plus", "contacts,webmail");
        check("pim_plus", "contacts,webmail,calendar,tasks");
        check("groupware_plus", groupware_plus);
        check("premium", &format!("{groupware_plus},ical,vcard,webdav,webdavxml"));
        check("webmail", webmail);
        check("pim", &pim);
        check("pim_infostore", &format!("{pim},infostore,webdav"));
        check("pim_mobility", &format!("{pim},syncml,usm,activesync"));
        check("groupware_standard", standard);
        check("groupware_premium", &premium);
        check("groupware", &format!("{standard},webdavxml,publicfoldereditable"));
        check("drive", "infostore,deniedportal,contacts,collectemailaddresses");
        check("all", &format!("{premium},publicfoldereditable"));
        assert_eq!(COMBINATIONS.len(), 13);
    }

    #[test]
    fn each_combination_is_found_by_its_flags_and_no_other_set_is() {
        for known in COMBINATIONS {
            assert_eq!(combination_name(known.access), Some(known.name));
        }
        assert_eq!(combination_name(Access::NONE), None);
        assert_eq!(combination_name(Access::from_stored(-1)), None);
        for unknown in ["", "ALL", "all ", "none"] {
            assert_eq!(combination(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn all_is_what_an_administrator_has_beyond_the_premium_users() {
        let all = combination("all").unwrap();
        assert_eq!(combination_name(all.set(Flag::PublicFolderEditable, false)), Some("groupware_premium"));
        assert!(!all.has(Flag::GlobalAddressBookDisabled) && !all.has(Flag::DeniedPortal));
    }
}
