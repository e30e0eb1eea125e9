//! The users of a context (`/ajax/user`): who there is to share with.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};
use zebu_app::{App, Caller, Result, directory};
use zebu_model::folder::fixed;
use zebu_model::pattern::matches;
use zebu_model::principal::User;
use zebu_model::{GroupId, Refusal, UserId, Version};

use crate::ajax::columns::{Column, Selection, column, object};
use crate::ajax::ids::{Id, bounded};
use crate::ajax::paging::arrange;
use crate::params::Params;
use crate::reply::Reply;
use crate::request::{Call, Request};

/// The groups somebody is in; costs a statement.
const GROUPS: u32 = 613;

/// A user with the groups, if their column is wanted.
struct UserRow {
    user: User,
    groups: Vec<GroupId>,
}

const COLUMNS: &[Column<UserRow>] = &[
    column(1, "id", |row| json!(row.user.id)),
    column(5, "last_modified", |row| json!(row.user.modified)),
    column(6, "last_modified_utc", |row| json!(row.user.modified)),
    column(20, "folder_id", |_| json!(fixed::SYSTEM_LDAP.to_string())),
    column(500, "display_name", |row| json!(row.user.display_name)),
    column(501, "first_name", |row| json!(row.user.given_name)),
    column(502, "last_name", |row| json!(row.user.surname)),
    column(555, "email1", |row| json!(row.user.email)),
    column(611, "timezone", |row| json!(row.user.timezone)),
    column(612, "locale", |row| json!(row.user.locale)),
    column(GROUPS, "groups", |row| json!(row.groups)),
    // The global address book shows each user as one contact.
    column(614, "contact_id", |row| json!(row.user.id)),
    column(615, "login_info", |row| json!(row.user.login)),
];

/// `user?action=all`. Parameters: `columns`, `sort` with `order`, limits.
pub(crate) async fn all(call: Call) -> Result<Reply> {
    let columns = Selection::of(call.params(), COLUMNS)?;
    let (users, version) = directory::users(call.app(), &call.caller).await?;
    rows(call.app(), &call.caller, call.params(), &columns, users, version).await
}

/// `user?action=list`. Parameter: `columns`. Body: ids, as numbers or as `{id}`. Unknown ones are left out.
pub(crate) async fn list(mut call: Call) -> Result<Reply> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Wanted {
        Bare(Id<UserId>),
        Named { id: Id<UserId> },
    }
    let columns = Selection::of(call.params(), COLUMNS)?;
    let wanted: Vec<Wanted> = bounded(call.request.json().await?)?;
    let ids: Vec<UserId> = wanted.into_iter().map(|(Wanted::Bare(id) | Wanted::Named { id })| id.0).collect();
    let (users, version) = directory::users_by_id(call.app(), &call.caller, &ids).await?;
    rows(call.app(), &call.caller, call.params(), &columns, users, version).await
}

/// `user?action=search`. Parameter: `columns`. Body: `{"pattern": …}`; `*` and `?` are wildcards.
pub(crate) async fn search(mut call: Call) -> Result<Reply> {
    let columns = Selection::of(call.params(), COLUMNS)?;
    let pattern = pattern(&mut call.request).await?;
    let (mut users, version) = directory::users(call.app(), &call.caller).await?;
    users.retain(|user| {
        [&user.display_name, &user.given_name, &user.surname, &user.email, &user.login]
            .into_iter()
            .any(|field| matches(&pattern, field))
    });
    rows(call.app(), &call.caller, call.params(), &columns, users, version).await
}

/// `user?action=get`. Parameter: `id`; without it the caller.
pub(crate) async fn get(call: Call) -> Result<Reply> {
    let id = call.params().parsed("id")?.unwrap_or(call.caller.user());
    let (users, version) = directory::users_by_id(call.app(), &call.caller, &[id]).await?;
    let user = users.into_iter().next().ok_or(Refusal::UserMissing { user: id.0 })?;
    let groups = directory::groups_of(call.app(), &call.caller, id).await?;
    Ok(Reply::versioned(object(COLUMNS, &UserRow { user, groups }), version))
}

/// Characters of a pattern. Each field of each user is compared with it.
const PATTERN_CHARS_MAX: usize = 256;

/// What is searched for: `{"pattern": …}`, refused if it is longer than anything it could match.
pub(super) async fn pattern(request: &mut Request) -> Result<String> {
    #[derive(Deserialize)]
    struct Search {
        pattern: String,
    }
    let Search { pattern } = request.json().await?;
    if pattern.chars().count() > PATTERN_CHARS_MAX {
        let reason = format!("the pattern is longer than {PATTERN_CHARS_MAX} characters");
        return Err(Refusal::BodyInvalid { reason }.into());
    }
    Ok(pattern)
}

async fn rows(
    app: &App,
    caller: &Caller,
    params: &Params,
    columns: &Selection<UserRow>,
    users: Vec<User>,
    version: Version,
) -> Result<Reply> {
    let mut memberships: HashMap<UserId, Vec<GroupId>> = HashMap::new();
    if columns.has(GROUPS) {
        for group in directory::groups(app, caller).await?.0 {
            for member in group.members {
                memberships.entry(member).or_default().push(group.id);
            }
        }
    }
    let rows = users
        .into_iter()
        .map(|user| UserRow { groups: memberships.remove(&user.id).unwrap_or_default(), user })
        .collect();
    let rows: Vec<Value> = columns.rows(&arrange(params, COLUMNS, rows)?);
    Ok(Reply::versioned(rows, version))
}
