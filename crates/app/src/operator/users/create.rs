//! `createuser`: the user, the folders each is born with, the memberships, the fields. One transaction.

use zebu_model::access::Access;
use zebu_model::folder::{Folder, Module, Type, fixed};
use zebu_model::rights::{Bits, Entity, Permission};
use zebu_model::{ContextId, FolderId, GroupId, Scope, UserId, Version};
use zebu_store::shard::accounts::{self, Account};
use zebu_store::shard::sequences::{self, Sequence};
use zebu_store::shard::{folder_writes, folders, principals, unhashed as waiting};
use zebu_store::{Place, Plan, Tx, WriteTx};

use super::super::error::{Denied, Result};
use super::super::{Made, groups, place};
use super::{NewUser, Prepared};
use crate::app::App;
use crate::settle::until_settled;
use crate::unhashed;

/// Folders each user is born with: one a module.
pub(super) const DEFAULT_FOLDERS: u32 = 4;

/// Creates a user; the first of a context has the id 3. `if_absent`: one of this login name is no error.
pub async fn create(app: &App, context: ContextId, new: &NewUser, if_absent: bool) -> Result<Made<UserId>> {
    let place = place(app, context).await?;
    super::prepare::check(new)?;
    // Looked at before the work of hashing, and again when it counts.
    {
        let mut tx = app.read(&place).await?;
        if let Some(known) = known(&mut tx, new, if_absent).await? {
            return Ok(known);
        }
    }
    let prepared = Prepared::of(app, new).await?;
    until_settled!(attempt(app, &place, &prepared, if_absent).await)
}

async fn attempt(app: &App, place: &Place, user: &Prepared, if_absent: bool) -> Result<Made<UserId>> {
    let mut tx = app.write(place, Plan::changing([Scope::Principals, Scope::Tree])).await?;
    if let Some(known) = known(&mut tx, &user.new, if_absent).await? {
        return Ok(known);
    }
    let id = insert_new(&mut tx, user, app.now_ms()).await?;
    tx.commit().await?;
    Ok(Made::now(id))
}

/// Whether the login name is taken; else refuses a display name that is.
pub(super) async fn known(tx: &mut Tx, new: &NewUser, if_absent: bool) -> Result<Option<Made<UserId>>> {
    if let Some(known) = accounts::by_login(tx, &new.login).await? {
        return match if_absent {
            true => Ok(Some(Made::before(known.id))),
            false => Err(Denied::LoginTaken { login: known.login }.into()),
        };
    }
    if accounts::by_display_name(tx, &new.display_name).await?.is_some() {
        return Err(Denied::DisplayNameTaken { display_name: new.display_name.clone() }.into());
    }
    Ok(None)
}

/// Creates a user under the next id, with what the administrator has unless something else is said.
pub(super) async fn insert_new(tx: &mut WriteTx, user: &Prepared, now_ms: i64) -> Result<UserId> {
    let inherited = inherited(tx).await?;
    let access = user.new.access.resolve(inherited)?;
    let id = UserId(sequences::take(tx, Sequence::Principals, 1).await?);
    insert(tx, id, user, access, now_ms).await?;
    Ok(id)
}

/// What new users have for whom nothing is said: what the context's administrator has.
pub(super) async fn inherited(tx: &mut Tx) -> Result<Access> {
    let admin = accounts::by_id(tx, UserId::ADMIN).await?;
    Ok(Access::of_new_user(None, admin.map_or_else(Access::of_new_context, |a| a.access)))
}

/// Creates a user of this id.
pub(in crate::operator) async fn insert(
    tx: &mut WriteTx,
    id: UserId,
    user: &Prepared,
    access: Access,
    now_ms: i64,
) -> Result<()> {
    let folders = sequences::take(tx, Sequence::Folders, DEFAULT_FOLDERS).await?;
    insert_with(tx, id, folders, user, access, now_ms).await?;
    principals::insert_member(tx, GroupId::STANDARD, id).await.map_err(Into::into)
}

/// The same with the ids of the folders, but not in the standard group yet.
pub(super) async fn insert_with(
    tx: &mut WriteTx,
    id: UserId,
    folders: u32,
    user: &Prepared,
    access: Access,
    now_ms: i64,
) -> Result<()> {
    let new = &user.new;
    let account = Account {
        id,
        login: new.login.clone(),
        display_name: new.display_name.clone(),
        given_name: new.given_name.clone(),
        surname: new.surname.clone(),
        email: new.email.clone(),
        timezone: user.timezone.clone(),
        locale: user.locale.clone(),
        enabled: new.enabled,
        access: access.as_held_by(id),
    };
    accounts::insert(tx, &account, &user.hash).await?;
    for (name, value) in new.fields.iter().chain(&new.attributes) {
        accounts::insert_attribute(tx, id, name, value).await?;
    }
    if unhashed::is_sealed(&user.hash) {
        waiting::insert(tx, id).await?;
    }
    for group in &new.groups {
        let group = groups::find(tx, group).await?;
        if group == GroupId::EVERYBODY || group == GroupId::STANDARD {
            continue;
        }
        principals::insert_member(tx, group, id).await?;
    }
    insert_folders(tx, id, folders, &new.display_name, now_ms).await
}

async fn insert_folders(
    tx: &mut WriteTx,
    id: UserId,
    first: u32,
    display_name: &str,
    now_ms: i64,
) -> Result<()> {
    let own = [Permission { entity: Entity::User(id), bits: Bits::OWNER }];
    let plans = [
        (Module::Calendar, fixed::PRIVATE, Type::Private, "Calendar"),
        (Module::Contacts, fixed::PRIVATE, Type::Private, "Contacts"),
        (Module::Tasks, fixed::PRIVATE, Type::Private, "Tasks"),
        (Module::Infostore, fixed::USERSTORE, Type::Public, display_name),
    ];
    for (folder_id, (module, parent, kind, title)) in (first..).zip(plans) {
        // A display name may be longer than a folder's title, and hold what no path can.
        let title: String =
            title.chars().take(TITLE_CHARS_MAX).map(|c| if c == '/' { '_' } else { c }).collect();
        let mut folder = Folder {
            id: FolderId(folder_id),
            parent,
            title: title.clone(),
            module,
            kind,
            standard: true,
            created_by: id,
            created: now_ms,
            modified_by: id,
            modified: Version::NONE,
        };
        let mut number = 2u32;
        // A user's private folders meet nobody else's.
        while kind == Type::Public && folders::title_taken(tx, &folder, parent, &folder.title).await? {
            folder.title = format!("{title} ({number})");
            number = number.saturating_add(1);
        }
        folder_writes::insert(tx, &folder, &own).await?;
    }
    Ok(())
}

/// Characters of a file folder's title: room is left for the number that keeps two of one name apart.
const TITLE_CHARS_MAX: usize = 240;
