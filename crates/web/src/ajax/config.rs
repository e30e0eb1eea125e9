//! `/ajax/config/…`: settings that clients read, a tree by path: what module access says of the modules, and below `gui` what
//! an operator preset of the web client, each a text by its key. No setting can be changed here.

use serde_json::{Value, json};
use zebu_app::{Result, directory};
use zebu_model::access::{Access, Flag};

use crate::params::invalid;
use crate::reply::Reply;
use crate::request::Call;

/// Where the tree begins.
const ROOT: &str = "/ajax/config";
/// The branch of what an operator preset.
const GUI: &str = "gui";

/// The leaf or the branch at the request's path; the whole tree without one.
pub(crate) async fn get(call: Call) -> Result<Reply> {
    let path = call.request.uri.path().strip_prefix(ROOT).unwrap_or_default();
    let mut tree = tree(call.caller.access());
    if matches!(path.split('/').find(|name| !name.is_empty()), None | Some(GUI)) {
        let preferences = directory::gui_preferences(call.app(), &call.caller).await?;
        tree.as_object_mut().map(|tree| tree.insert(GUI.to_owned(), json!(preferences)));
    }
    let found = at(&tree, path).cloned().ok_or_else(|| invalid("path", path))?;
    Ok(Reply::data(found))
}

fn at<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    let mut names = path.split('/').filter(|name| !name.is_empty());
    names.try_fold(tree, |branch, name| branch.get(name))
}

fn tree(access: Access) -> Value {
    let modules = [
        ("mail", access.has(Flag::Webmail)),
        ("calendar", access.has(Flag::Calendar)),
        ("contacts", access.has(Flag::Contacts)),
        ("tasks", access.has(Flag::Tasks)),
        ("infostore", access.has(Flag::Infostore)),
        ("portal", !access.has(Flag::DeniedPortal)),
    ];
    let available: Vec<&str> = modules.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    let mut branch: serde_json::Map<String, Value> =
        modules.iter().map(|(name, on)| ((*name).to_owned(), json!({"module": on}))).collect();
    let folder = json!({
        "public": access.has(Flag::EditPublicFolders),
        "shared": access.has(Flag::ReadCreateSharedFolders),
    });
    let interfaces = json!({
        "ical": access.has(Flag::Ical),
        "syncml": access.has(Flag::Syncml),
        "vcard": access.has(Flag::Vcard),
    });
    branch.extend([("folder".to_owned(), folder), ("interfaces".to_owned(), interfaces)]);
    json!({"availableModules": available, "modules": branch})
}

#[cfg(test)]
mod tests {
    use zebu_model::access;

    use super::*;

    #[test]
    fn a_path_leads_to_a_leaf_or_a_branch_or_nowhere() {
        let drive = tree(access::combination("drive").unwrap());
        let check =
            |path: &str, expected: Option<Value>| assert_eq!(at(&drive, path), expected.as_ref(), "{path}");
        check("/modules/infostore/module", Some(json!(true)));
        check("modules/mail", Some(json!({"module": false})));
        check("/modules/portal/module/", Some(json!(false)));
        check("/modules/folder/shared", Some(json!(false)));
        check("/modules/interfaces/vcard", Some(json!(false)));
        check("/availableModules", Some(json!(["contacts", "infostore"])));
        check("", Some(drive.clone()));
        for nowhere in ["/module", "/modules/x", "/modules/mail/module/x", "/availableModules/0/x"] {
            check(nowhere, None);
        }
    }
}
