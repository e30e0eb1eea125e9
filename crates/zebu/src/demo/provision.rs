//! What a new demo is born with: one context, three users, a group, and a folder of sample files for all of them.
//!
//! Done once for a directory, before anything is started. A later start finds the context and changes nothing: what
//! people changed or deleted stays so, passwords included.

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use zebu_app::provisioning::{
    ContextSpec, Resources, UserSpec, act_as, add_member, context_exists, create_context, create_group,
    create_user,
};
use zebu_app::{App, Caller, Clock, NodeConfig, SessionConfig, files, folders};
use zebu_model::access;
use zebu_model::folder::fixed;
use zebu_model::quota::Quota;
use zebu_model::rights::{Bits, Entity, Permission};
use zebu_model::{ContextId, FolderId, GroupId, UserId};

use crate::demo::place::Place;
use crate::demo::samples::{FOLDER, SAMPLES, Sample};
use crate::failure::{Failure, Result};

pub(super) const CONTEXT: ContextId = ContextId(1);
pub(super) const MAPPING: &str = "defaultcontext";
pub(super) const PASSWORD: &str = "secret";

const ADMIN: &str = "oxadmin";
const USERS: [(UserId, &str, &str); 2] = [(UserId(3), "anna", "Anna"), (UserId(4), "ben", "Ben")];
const TEAM: GroupId = GroupId(2);

/// Makes what is missing.
///
/// # Errors
/// The databases or the file store cannot be written to, or an earlier first start was cut short.
pub(super) async fn ensure(place: &Place) -> Result<()> {
    let failed = |error: zebu_app::Error| {
        Failure::new(format!("cannot make the data in {}: {}", place.root(), error.cause_chain()))
    };
    let app = open(place).await.map_err(failed)?;
    let complete = place.path("db").join("complete");
    if context_exists(&app, CONTEXT).await.map_err(failed)? {
        if complete.exists() {
            return Ok(());
        }
        let root = place.root();
        return Err(Failure::new(format!(
            "the data in {root} are half made: its first start was cut short; remove it and start again"
        )));
    }
    make(&app, place).await.map_err(failed)?;
    let written = fs::write(complete, "All that a new demo has was made.\n");
    written.map_err(|error| Failure::new(format!("cannot write to {}: {error}", place.root())))
}

async fn open(place: &Place) -> zebu_app::Result<Arc<App>> {
    let config = zebu_app::Config {
        node: NodeConfig { name: "demo".to_owned(), route: None },
        store: zebu_store::Config::new(place.configdb()),
        sessions: SessionConfig::default(),
        operator_contexts: Vec::new(),
    };
    App::open(config, Clock::System).await
}

async fn make(app: &App, place: &Place) -> zebu_app::Result<()> {
    let on = Resources {
        server: "zebu".to_owned(),
        database: "shard".to_owned(),
        database_url: place.shards(),
        filestore_url: place.filestore(),
    };
    let context = ContextSpec {
        id: CONTEXT,
        name: MAPPING.to_owned(),
        mappings: vec![MAPPING.to_owned(), CONTEXT.to_string()],
        quota: Quota::Unlimited,
        admin: user(ADMIN, "Administrator"),
    };
    create_context(app, &on, &context).await?;
    create_group(app, CONTEXT, TEAM, "team", "Team").await?;
    for (id, login, name) in USERS {
        create_user(app, CONTEXT, id, &user(login, name)).await?;
        add_member(app, CONTEXT, TEAM, id).await?;
    }
    let caller = act_as(app, CONTEXT, ADMIN).await?;
    let folder = shared_folder(app, &caller).await?;
    for sample in &SAMPLES {
        upload(app, &caller, folder, sample).await?;
    }
    Ok(())
}

fn user(login: &str, name: &str) -> UserSpec {
    UserSpec {
        login: login.to_owned(),
        display_name: name.to_owned(),
        given_name: name.to_owned(),
        surname: String::new(),
        email: format!("{login}@example.org"),
        password: PASSWORD.to_owned(),
        access: access::ALL,
    }
}

/// The folder of the samples: the team works in it, everybody else reads.
async fn shared_folder(app: &App, caller: &Caller) -> zebu_app::Result<FolderId> {
    let permission = |entity, bits| Permission { entity, bits };
    let new = folders::NewFolder {
        parent: fixed::PUBLIC_INFOSTORE,
        title: FOLDER.to_owned(),
        module: None,
        permissions: Some(vec![
            permission(Entity::User(UserId::ADMIN), Bits::OWNER),
            permission(Entity::Group(TEAM), Bits::AUTHOR),
            permission(Entity::Group(GroupId::EVERYBODY), Bits::VIEWER),
        ]),
    };
    folders::create(app, caller, new).await.map(|(id, _)| id)
}

async fn upload(app: &App, caller: &Caller, folder: FolderId, sample: &Sample) -> zebu_app::Result<()> {
    let size = u64::try_from(sample.content.len()).ok();
    let mut upload = files::upload(app, caller, Some(folder), size).await?;
    upload.write(Bytes::from_static(sample.content)).await?;
    let new = files::NewFile {
        folder,
        fields: files::Fields {
            title: Some(sample.name.to_owned()),
            filename: Some(sample.name.to_owned()),
            mime: Some(sample.mime.to_owned()),
            description: Some(sample.description.to_owned()),
            ..files::Fields::default()
        },
        content: Some(upload.finish().await?),
    };
    files::create(app, caller, new).await.map(drop)
}
