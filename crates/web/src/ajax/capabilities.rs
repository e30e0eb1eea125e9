//! `capabilities?action=all`: what this user has, so that a client shows no more.

use serde_json::json;
use zebu_app::{Result, cluster};
use zebu_model::access::{Access, Flag};

use crate::reply::Reply;
use crate::request::Call;

/// What each flag of module access is called here: the original's names. The two that take something away are shown as
/// what they take.
const NAMES: &[(Flag, &str)] = &[
    (Flag::Webmail, "webmail"),
    (Flag::Calendar, "calendar"),
    (Flag::Contacts, "contacts"),
    (Flag::Infostore, "infostore"),
    (Flag::Tasks, "tasks"),
    (Flag::Webdav, "webdav"),
    (Flag::WebdavXml, "webdav_xml"),
    (Flag::Ical, "ical"),
    (Flag::Vcard, "vcard"),
    (Flag::Syncml, "mobility"),
    (Flag::Usm, "usm"),
    (Flag::Olox20, "olox20"),
    (Flag::ActiveSync, "active_sync"),
    (Flag::ReadCreateSharedFolders, "read_create_shared_folders"),
    (Flag::DelegateTask, "delegate_tasks"),
    (Flag::EditPublicFolders, "edit_public_folders"),
    (Flag::EditGroup, "edit_group"),
    (Flag::EditResource, "edit_resource"),
    (Flag::EditPassword, "edit_password"),
    (Flag::GlobalAddressBookDisabled, "gab"),
    (Flag::PublicFolderEditable, "public_folder_editable"),
    (Flag::CollectEmailAddresses, "collect_email_addresses"),
    (Flag::MultipleMailAccounts, "multiple_mail_accounts"),
    (Flag::Subscription, "subscription"),
    (Flag::Publication, "publication"),
    (Flag::DeniedPortal, "portal"),
];

/// No parameters. `cluster` is among them for operators only.
pub(crate) async fn all(call: Call) -> Result<Reply> {
    let mut ids = names(call.caller.access());
    if cluster::may_see(call.app(), &call.caller) {
        ids.push("cluster");
    }
    Ok(Reply::data(ids.into_iter().map(|id| json!({"id": id})).collect::<Vec<_>>()))
}

fn names(access: Access) -> Vec<&'static str> {
    let takes_away = |flag| matches!(flag, Flag::GlobalAddressBookDisabled | Flag::DeniedPortal);
    let shown = NAMES.iter().filter(|(flag, _)| access.has(*flag) != takes_away(*flag));
    shown.map(|(_, name)| *name).collect()
}

#[cfg(test)]
mod tests {
    use zebu_model::access;

    use super::*;

    #[test]
    fn each_flag_is_told_in_its_order_and_what_is_taken_away_is_not() {
        let flags: Vec<Flag> = NAMES.iter().map(|(flag, _)| *flag).collect();
        assert_eq!(flags, Flag::ALL);
        assert_eq!(names(access::ALL).len(), NAMES.len());
        assert_eq!(names(Access::NONE), ["gab", "portal"]);
        let drive = access::combination("drive").unwrap();
        assert_eq!(names(drive), ["contacts", "infostore", "gab", "collect_email_addresses"]);
    }
}
