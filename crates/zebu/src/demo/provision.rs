//! What a new demo is born with: one context, three users, a group, and a folder of sample files for all of them.
//!
//! Done once for a directory, before anything is started. A later start finds the context and changes nothing: what
//! people changed or deleted stays so, passwords included.

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use zebu_app::operator::contexts::{self, NewContext};
use zebu_app::operator::databases::NewDatabase;
use zebu_app::operator::filestores::NewFilestore;
use zebu_app::operator::groups::{self, NewGroup};
use zebu_app::operator::users::{self, NewUser};
use zebu_app::operator::{self, AccessSpec, Foundation, Named};
use zebu_app::{App, Caller, Clock, NodeConfig, SessionConfig, files, folders};
use zebu_model::folder::fixed;
use zebu_model::rights::{Bits, Entity, Permission};
use zebu_model::{ContextId, FolderId, GroupId, UserId};

use crate::demo::place::Place;
use crate::demo::samples::{FOLDER, SAMPLES, Sample};
use crate::failure::{Failure, Result};

pub(super) const CONTEXT: ContextId = ContextId(1);
pub(super) const MAPPING: &str = "defaultcontext";
pub(super) const PASSWORD: &str = "secret";

const ADMIN: &str = "oxadmin";
const USERS: [(&str, &str); 2] = [("anna", "Anna"), ("ben", "Ben")];
/// What the demo's file store may hold, MB: as much as there is room, for all that Zebu is concerned.
const SIZE_MB: i64 = 1 << 20;

/// Makes what is missing.
///
/// # Errors
/// The databases or the file store cannot be written to, or an earlier first start was cut short.
pub(super) async fn ensure(place: &Place) -> Result<()> {
    let failed = |error: operator::Error| {
        Failure::new(format!("cannot make the data in {}: {}", place.root(), error.cause_chain()))
    };
    let app = open(place).await.map_err(|error| failed(error.into()))?;
    let complete = place.path("db").join("complete");
    if contexts::exists(&app, &Named::Id(CONTEXT)).await.map_err(failed)? {
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
        node: NodeConfig { name: "demo".to_owned(), route: None, server: None },
        store: zebu_store::Config::new(place.configdb()),
        sessions: SessionConfig::default(),
        operator_contexts: Vec::new(),
        operator: operator::Settings::default(),
        jobs: zebu_app::JobConfig::default(),
        push: zebu_app::PushConfig::default(),
    };
    App::open(config, Clock::System).await
}

async fn make(app: &App, place: &Place) -> operator::Result<()> {
    let on = Foundation {
        server: "zebu".to_owned(),
        filestore: NewFilestore { size_mb: SIZE_MB, ..NewFilestore::at(&place.filestore()) },
        database: NewDatabase {
            name: "shard".to_owned(),
            hostname: place.shards(),
            ..NewDatabase::default()
        },
    };
    operator::lay(app, &on).await?;
    let context = NewContext {
        name: Some(MAPPING.to_owned()),
        access: AccessSpec::combination("all"),
        ..NewContext::of(CONTEXT, -1, user(ADMIN, "Administrator"))
    };
    contexts::create(app, &context, false).await?;
    let mut members = Vec::new();
    for (login, name) in USERS {
        members.push(Named::Id(users::create(app, CONTEXT, &user(login, name), false).await?.id));
    }
    let team = NewGroup { name: "team".to_owned(), display_name: "Team".to_owned(), members };
    let team = groups::create(app, CONTEXT, &team, false).await?.id;
    let caller = users::act_as(app, CONTEXT, ADMIN).await?;
    let folder = shared_folder(app, &caller, team).await?;
    for sample in &SAMPLES {
        upload(app, &caller, folder, sample).await?;
    }
    Ok(())
}

fn user(login: &str, name: &str) -> NewUser {
    let user = NewUser::of(login, name, &format!("{login}@example.org"), PASSWORD);
    NewUser { surname: "Example".to_owned(), ..user }
}

/// The folder of the samples: the team works in it, everybody else reads.
async fn shared_folder(app: &App, caller: &Caller, team: GroupId) -> zebu_app::Result<FolderId> {
    let permission = |entity, bits| Permission { entity, bits };
    let new = folders::NewFolder {
        parent: fixed::PUBLIC_INFOSTORE,
        title: FOLDER.to_owned(),
        module: None,
        permissions: Some(vec![
            permission(Entity::User(UserId::ADMIN), Bits::OWNER),
            permission(Entity::Group(team), Bits::AUTHOR),
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
