//! The groups of a context (`/ajax/group`). This module answers whole objects, it has no columns.

use serde_json::{Value, json};
use zebu_app::{Result, directory};
use zebu_model::pattern::matches;
use zebu_model::principal::Group;
use zebu_model::{GroupId, Refusal, Version};

use crate::ajax::ids::{Id, bounded};
use crate::ajax::user;
use crate::reply::Reply;
use crate::request::Call;

/// `group?action=all`.
pub(crate) async fn all(call: Call) -> Result<Reply> {
    let (groups, version) = directory::groups(call.app(), &call.caller).await?;
    Ok(reply(groups, version))
}

/// `group?action=list`. Body: `[{id}, …]`. Unknown ones are left out.
pub(crate) async fn list(mut call: Call) -> Result<Reply> {
    #[derive(serde::Deserialize)]
    struct Wanted {
        id: Id<GroupId>,
    }
    let wanted: Vec<Wanted> = bounded(call.request.json().await?)?;
    let (mut groups, version) = directory::groups(call.app(), &call.caller).await?;
    groups.retain(|group| wanted.iter().any(|wanted| wanted.id.0 == group.id));
    Ok(reply(groups, version))
}

/// `group?action=get`. Parameter: `id`.
pub(crate) async fn get(call: Call) -> Result<Reply> {
    let id: GroupId = call.params().required_parsed("id")?;
    let (groups, version) = directory::groups(call.app(), &call.caller).await?;
    let group = groups.iter().find(|group| group.id == id).ok_or(Refusal::GroupMissing { group: id.0 })?;
    Ok(Reply::versioned(object(group), version))
}

/// `group?action=search`. Body: `{"pattern": …}`; `*` and `?` are wildcards.
pub(crate) async fn search(mut call: Call) -> Result<Reply> {
    let pattern = user::pattern(&mut call.request).await?;
    let (mut groups, version) = directory::groups(call.app(), &call.caller).await?;
    groups.retain(|group| matches(&pattern, &group.display_name) || matches(&pattern, &group.name));
    Ok(reply(groups, version))
}

fn reply(groups: Vec<Group>, version: Version) -> Reply {
    Reply::versioned(groups.iter().map(object).collect::<Vec<_>>(), version)
}

fn object(group: &Group) -> Value {
    json!({
        "id": group.id,
        "display_name": group.display_name,
        "name": group.name,
        "members": group.members,
        "last_modified": group.modified,
        "last_modified_utc": group.modified,
    })
}
