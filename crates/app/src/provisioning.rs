//! Contexts, users and groups: what the operator's commands do. The commands themselves come with the data tier.

use zebu_model::access::Access;
use zebu_model::folder::{Folder, Module, Type, fixed, fixed_tree};
use zebu_model::principal::User;
use zebu_model::quota::Quota;
use zebu_model::rights::{Bits, Entity, Permission};
use zebu_model::{ContextId, FolderId, GroupId, Refusal, Scope, UserId, Version};
use zebu_store::configdb::contexts::{self, NewContext};
use zebu_store::configdb::databases::{self, DatabaseServer};
use zebu_store::configdb::resources;
use zebu_store::shard::sequences::{self, Sequence};
use zebu_store::shard::{folder_writes, folders, principals, usage};
use zebu_store::{Place, Plan, WriteTx};

use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};

/// Where contexts are put.
#[derive(Clone, Debug)]
pub struct Resources {
    /// The cluster's name.
    pub server: String,
    /// The database server's name; the schemas on it are called after it.
    pub database: String,
    /// Its URL: `sqlite:/directory`, or `mysql://user@host:port`.
    pub database_url: String,
    /// The file store's URL.
    pub filestore_url: String,
}

/// A context to create, with its administrator.
#[derive(Clone, Debug)]
pub struct ContextSpec {
    /// Its id.
    pub id: ContextId,
    /// Its name.
    pub name: String,
    /// Its login mappings.
    pub mappings: Vec<String>,
    /// How much it may store.
    pub quota: Quota,
    /// Its administrator.
    pub admin: UserSpec,
}

/// A user to create.
#[derive(Clone, Debug)]
pub struct UserSpec {
    /// The login name.
    pub login: String,
    /// The name others see.
    pub display_name: String,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub surname: String,
    /// Primary address.
    pub email: String,
    /// The password, in clear; only its hash is kept.
    pub password: String,
    /// Module access; only as much is kept as such a user can hold.
    pub access: Access,
}

/// Whether a context exists.
pub async fn context_exists(app: &App, id: ContextId) -> Result<bool> {
    let mut tx = app.store.config().await?;
    Ok(contexts::by_id(&mut tx, id).await?.is_some())
}

async fn place(app: &App, id: ContextId) -> Result<Place> {
    let mut tx = app.store.config().await?;
    let found = contexts::by_id(&mut tx, id).await?;
    found.ok_or_else(|| Error::Internal(format!("context {id} does not exist")))
}

/// Creates a context with its fixed tree, the standard groups and its administrator. Until the last step it is being
/// created, so that nobody meets it half made.
pub async fn create_context(app: &App, on: &Resources, spec: &ContextSpec) -> Result<()> {
    let (database, schema) = schema_on(app, on).await?;
    let mut tx = app.store.config_write().await?;
    let server = resources::ensure_server(&mut tx, &on.server).await?;
    let filestore = resources::ensure_filestore(&mut tx, &on.filestore_url, 1 << 40).await?;
    let new = NewContext {
        id: spec.id,
        name: spec.name.clone(),
        server,
        database,
        schema: schema.clone(),
        filestore,
        quota: spec.quota,
        mappings: spec.mappings.clone(),
    };
    contexts::insert(&mut tx, &new).await?;
    databases::count_contexts(&mut tx, &schema, 1).await?;
    tx.commit().await?;
    let place = place(app, spec.id).await?;
    app.storage.filestore(&place).await?;
    let hash = app.passwords.hash(&spec.admin.password).await?;
    let mut tx =
        app.store.found(&place, Plan::changing([Scope::Principals, Scope::Tree]), app.now_ms()).await?;
    let first = sequences::take(&mut tx, Sequence::Folders, DEFAULT_FOLDERS as u32).await?;
    let mut ids = [FolderId(0); DEFAULT_FOLDERS];
    for (id, number) in ids.iter_mut().zip(first..) {
        *id = FolderId(number);
    }
    usage::insert_slots(&mut tx).await?;
    principals::insert_group(&mut tx, GroupId::EVERYBODY, "users", "All users").await?;
    principals::insert_group(&mut tx, GroupId::STANDARD, "standard", "Standard group").await?;
    let now = app.now_ms();
    for f in fixed_tree() {
        let folder = Folder {
            id: f.id,
            parent: f.parent,
            title: f.title.to_owned(),
            module: f.module,
            kind: Type::System,
            standard: false,
            created_by: UserId::ADMIN,
            created: now,
            modified_by: UserId::ADMIN,
            modified: Version::NONE,
        };
        folder_writes::insert(&mut tx, &folder, &f.permissions).await?;
    }
    insert_user(&mut tx, UserId::ADMIN, &spec.admin, &hash, ids, now).await?;
    tx.commit().await?;
    let mut tx = app.store.config_write().await?;
    contexts::set_state(&mut tx, spec.id, contexts::State::Ready).await?;
    Ok(tx.commit().await?)
}

/// A schema with tables on the database that `on` names, which is registered if it is new.
async fn schema_on(app: &App, on: &Resources) -> Result<(i64, String)> {
    let mut tx = app.store.config_write().await?;
    let server = match databases::by_name(&mut tx, &on.database).await? {
        Some(server) => server,
        None => {
            let new = DatabaseServer {
                id: 0,
                name: on.database.clone(),
                url: on.database_url.clone(),
                login: String::new(),
                password: String::new(),
                master: 0,
                weight: 100,
                contexts_max: 1_000,
                pool_hard_limit: true,
                pool_max: 16,
                pool_initial: 0,
            };
            let id = databases::insert(&mut tx, &new).await?;
            DatabaseServer { id, ..new }
        }
    };
    if let Some(schema) = databases::schemas_on(&mut tx, server.id).await?.into_iter().next() {
        tx.commit().await?;
        return Ok((server.id, schema.name));
    }
    let name = databases::insert_schema(&mut tx, &server).await?;
    tx.commit().await?;
    app.store.ensure_schema(server.id, &name).await?;
    let mut tx = app.store.config_write().await?;
    databases::set_schema_ready(&mut tx, &name).await?;
    tx.commit().await?;
    Ok((server.id, name))
}

/// Enables or disables a context. When this returns, its users are in or out on every node.
pub async fn set_context_enabled(app: &App, id: ContextId, enabled: bool) -> Result<()> {
    let mut tx = app.store.config_write().await?;
    contexts::set_enabled(&mut tx, id, enabled).await?;
    Ok(tx.commit().await?)
}

/// Sets how much a context may store.
pub async fn set_quota(app: &App, id: ContextId, quota: Quota) -> Result<()> {
    let mut tx = app.store.config_write().await?;
    contexts::set_quota(&mut tx, id, quota).await?;
    Ok(tx.commit().await?)
}

const DEFAULT_FOLDERS: usize = 4;

/// Ids for a new user's default folders. Taken before the user's transaction: on SQLite a second write would wait
/// for the first.
async fn default_folder_ids(app: &App, place: &Place) -> Result<[FolderId; DEFAULT_FOLDERS]> {
    let mut ids = [FolderId(0); DEFAULT_FOLDERS];
    for id in &mut ids {
        *id = FolderId(app.store.next_id(place, Sequence::Folders, app.now_ms()).await?);
    }
    Ok(ids)
}

/// Creates a user with default folders, in the standard group.
pub async fn create_user(app: &App, context: ContextId, id: UserId, spec: &UserSpec) -> Result<()> {
    let place = place(app, context).await?;
    let hash = app.passwords.hash(&spec.password).await?;
    let ids = default_folder_ids(app, &place).await?;
    let mut tx = app.write(&place, Plan::changing([Scope::Principals, Scope::Tree])).await?;
    insert_user(&mut tx, id, spec, &hash, ids, app.now_ms()).await?;
    Ok(tx.commit().await?)
}

async fn insert_user(
    tx: &mut WriteTx,
    id: UserId,
    spec: &UserSpec,
    hash: &str,
    folder_ids: [FolderId; DEFAULT_FOLDERS],
    now_ms: i64,
) -> Result<()> {
    let user = User {
        id,
        login: spec.login.clone(),
        display_name: spec.display_name.clone(),
        given_name: spec.given_name.clone(),
        surname: spec.surname.clone(),
        email: spec.email.clone(),
        timezone: "Europe/Berlin".to_owned(),
        locale: "en_US".to_owned(),
        access: spec.access.as_held_by(id),
        modified: Version::NONE,
    };
    principals::insert_user(tx, &user, hash).await?;
    principals::insert_member(tx, GroupId::STANDARD, id).await?;
    let own = [Permission { entity: Entity::User(id), bits: Bits::OWNER }];
    let plans = [
        (Module::Calendar, fixed::PRIVATE, Type::Private, "Calendar"),
        (Module::Contacts, fixed::PRIVATE, Type::Private, "Contacts"),
        (Module::Tasks, fixed::PRIVATE, Type::Private, "Tasks"),
        (Module::Infostore, fixed::USERSTORE, Type::Public, spec.display_name.as_str()),
    ];
    for (folder_id, (module, parent, kind, title)) in folder_ids.into_iter().zip(plans) {
        let mut folder = Folder {
            id: folder_id,
            parent,
            title: title.to_owned(),
            module,
            kind,
            standard: true,
            created_by: id,
            created: now_ms,
            modified_by: id,
            modified: Version::NONE,
        };
        let mut number = 2u32;
        while folders::title_taken(tx, &folder, parent, &folder.title).await? {
            folder.title = format!("{title} ({number})");
            number = number.saturating_add(1);
        }
        folder_writes::insert(tx, &folder, &own).await?;
    }
    Ok(())
}

/// Creates a group.
pub async fn create_group(
    app: &App,
    context: ContextId,
    id: GroupId,
    name: &str,
    display_name: &str,
) -> Result<()> {
    let place = place(app, context).await?;
    let mut tx = app.write(&place, Plan::changing([Scope::Principals])).await?;
    principals::insert_group(&mut tx, id, name, display_name).await?;
    Ok(tx.commit().await?)
}

/// Puts a user into a group.
pub async fn add_member(app: &App, context: ContextId, group: GroupId, user: UserId) -> Result<()> {
    let place = place(app, context).await?;
    let mut tx = app.write(&place, Plan::changing([Scope::Principals, Scope::Tree])).await?;
    principals::insert_member(&mut tx, group, user).await?;
    Ok(tx.commit().await?)
}

/// Takes a user out of a group.
pub async fn remove_member(app: &App, context: ContextId, group: GroupId, user: UserId) -> Result<()> {
    let place = place(app, context).await?;
    let mut tx = app.write(&place, Plan::changing([Scope::Principals, Scope::Tree])).await?;
    principals::delete_member(&mut tx, group, user).await?;
    Ok(tx.commit().await?)
}

/// Enables or disables a user.
pub async fn set_user_enabled(app: &App, context: ContextId, user: UserId, enabled: bool) -> Result<()> {
    let place = place(app, context).await?;
    let mut tx = app.write(&place, Plan::changing([Scope::Principals, Scope::Tree])).await?;
    principals::set_enabled(&mut tx, user, enabled).await?;
    Ok(tx.commit().await?)
}

/// The module access of a user.
pub async fn access_of(app: &App, context: ContextId, user: UserId) -> Result<Access> {
    let mut tx = app.read(&place(app, context).await?).await?;
    let found = principals::users_by_id(&mut tx, &[user]).await?.into_iter().next();
    found.map(|user| user.access).ok_or_else(|| Refusal::UserMissing { user: user.0 }.into())
}

/// Gives a user other module access. When this returns it holds on every node, for requests under way too. Only the
/// context's administrator can hold `publicfoldereditable`; from others it is left out.
pub async fn set_access(app: &App, context: ContextId, user: UserId, access: Access) -> Result<()> {
    let place = place(app, context).await?;
    let mut tx = app.write(&place, Plan::changing([Scope::Principals, Scope::Tree])).await?;
    if !principals::set_access(&mut tx, user, access.as_held_by(user)).await? {
        return Err(Refusal::UserMissing { user: user.0 }.into());
    }
    Ok(tx.commit().await?)
}

/// A user as a caller, for the operator's own work on a user's behalf (sample data). No session is made.
pub async fn act_as(app: &App, context: ContextId, login: &str) -> Result<Caller> {
    let place = place(app, context).await?;
    let mut tx = app.read(&place).await?;
    let found = principals::credential(&mut tx, login).await?;
    let found = found.ok_or_else(|| Error::Internal(format!("user {login} does not exist")))?;
    drop(tx);
    Ok(Caller {
        place,
        who: found.who,
        login: login.to_owned(),
        locale: found.locale,
        session: None,
        needs: &[],
    })
}
