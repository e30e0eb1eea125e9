//! Contexts for a run: the first is made as an operator makes it, with folders, shares and files; the others are copies.

use std::sync::Arc;

use zebu_app::folders::{FolderChange, NewFolder};
use zebu_app::operator::contexts::{self, NewContext};
use zebu_app::operator::databases::NewDatabase;
use zebu_app::operator::filestores::NewFilestore;
use zebu_app::operator::users::{self, NewUser};
use zebu_app::operator::{self, AccessSpec, Foundation, Settings};
use zebu_app::{App, Caller, Clock, Config, NodeConfig, SessionConfig, files, folders};
use zebu_model::rights::{Bits, Entity, Permission};
use zebu_model::{ContextId, FolderId, UserId};
use zebu_store::Store;
use zebu_store::configdb::databases;

use super::engine::Engine;

/// Users of each context, its administrator among them.
pub(crate) const USERS: u32 = 10;
/// Contexts of each schema, as new ones are filled.
const A_SCHEMA: u32 = 1_000;
/// Files in the folder that is listed.
const FILES: u32 = 20;

/// A deployment that grows.
pub(crate) struct Data<'a> {
    engine: &'a Engine,
    pub(crate) app: Arc<App>,
    pub(crate) store: Store,
    /// The folder that every context's user 3 shares with user 4.
    pub(crate) shared: FolderId,
    schemas: Vec<String>,
    contexts: u32,
}

/// The configuration of a node.
pub(crate) fn config(configdb: &str) -> Config {
    Config {
        node: NodeConfig { name: "OX-1".to_owned(), route: None, server: None },
        store: zebu_store::Config::new(configdb),
        sessions: SessionConfig::default(),
        operator_contexts: Vec::new(),
        operator: Settings::default(),
        jobs: zebu_app::JobConfig::default(),
        push: zebu_app::PushConfig::default(),
    }
}

/// A node that remembers nothing, in no cluster.
pub(crate) async fn node(configdb: &str) -> Arc<App> {
    App::open(config(configdb), Clock::System).await.unwrap()
}

fn user(login: &str) -> NewUser {
    NewUser::of(login, login, &format!("{login}@example.org"), "secret")
}

/// The permissions of the shared folder, with and without user 4.
pub(crate) fn permissions(shared: bool) -> Vec<Permission> {
    let mut all = vec![Permission { entity: Entity::User(UserId(3)), bits: Bits::OWNER }];
    if shared {
        all.push(Permission { entity: Entity::User(UserId(4)), bits: Bits::VIEWER });
    }
    all
}

/// Makes the context 1 with its users, a shared folder and files in it. Returns the node and that folder.
pub(crate) async fn first_context(
    configdb: &str,
    shard: &(String, String),
    folder: &std::path::Path,
) -> (Arc<App>, FolderId) {
    let app = node(configdb).await;
    let foundation = Foundation {
        server: "zebu".to_owned(),
        filestore: NewFilestore::at(&format!("file://{}/files", folder.display())),
        database: NewDatabase {
            name: shard.0.clone(),
            hostname: shard.1.clone(),
            login: "root".to_owned(),
            contexts_max: -1,
            ..NewDatabase::default()
        },
    };
    operator::lay(&app, &foundation).await.unwrap();
    let context = ContextId(1);
    let new = NewContext {
        name: Some("name1".to_owned()),
        mappings: vec!["c1".to_owned()],
        access: AccessSpec::combination("all"),
        ..NewContext::of(context, -1, user("oxadmin"))
    };
    contexts::create(&app, &new, false).await.unwrap();
    for id in 3..3 + USERS - 1 {
        let made = users::create(&app, context, &user(&format!("user{id}")), false).await.unwrap();
        assert_eq!(made.id, UserId(id));
    }
    let caller = users::act_as(&app, context, "user3").await.unwrap();
    let home = home(&app, &caller).await;
    let new = NewFolder { parent: home, title: "Shared".to_owned(), module: None, permissions: None };
    let (shared, _) = folders::create(&app, &caller, new).await.unwrap();
    let change = FolderChange { permissions: Some(permissions(true)), ..FolderChange::default() };
    folders::update(&app, &caller, shared, change).await.unwrap();
    for number in 0..FILES {
        let fields = files::Fields { title: Some(format!("note {number}")), ..files::Fields::default() };
        files::create(&app, &caller, files::NewFile { folder: shared, fields, content: None }).await.unwrap();
    }
    (app, shared)
}

/// A user's own file folder.
pub(crate) async fn home(app: &App, who: &Caller) -> FolderId {
    let below = folders::list(app, who, FolderId(10).into(), folders::Details::default()).await.unwrap();
    let own = below.folders.iter().find(|view| view.granted.folder.created_by == who.user()).unwrap();
    own.granted.folder.id
}

impl<'a> Data<'a> {
    pub(crate) async fn start(engine: &'a Engine) -> Data<'a> {
        let (app, shared) = first_context(&engine.configdb, &engine.shard, engine.folder.path()).await;
        let store = Store::open(zebu_store::Config::new(engine.configdb.as_str())).await.unwrap();
        let mut tx = store.config().await.unwrap();
        let schemas =
            databases::schemas(&mut tx).await.unwrap().into_iter().map(|schema| schema.name).collect();
        drop(tx);
        Data { engine, app, store, shared, schemas, contexts: 1 }
    }

    /// Copies the first context until there are so many.
    pub(crate) async fn grow_to(&mut self, contexts: u32) {
        while self.contexts < contexts {
            let number = (self.contexts / A_SCHEMA) as usize;
            let schema = match self.schemas.get(number) {
                Some(schema) => schema.clone(),
                None => self.new_schema().await,
            };
            let last = contexts.min((self.contexts / A_SCHEMA + 1) * A_SCHEMA);
            let first = self.contexts + 1;
            self.engine.copy_context(&self.schemas[0], &schema, first, last);
            self.engine.copy_entry(&schema, first, last);
            self.contexts = last;
        }
        self.engine.settle(&self.schemas);
        // The copies came past its back: a new node has no idea of what was there before.
        self.app = node(&self.engine.configdb).await;
    }

    async fn new_schema(&mut self) -> String {
        let store = &self.store;
        let mut tx = store.config_write().await.unwrap();
        let server = databases::by_name(&mut tx, &self.engine.shard.0).await.unwrap().unwrap();
        let name = databases::insert_schema(&mut tx, &server).await.unwrap();
        databases::set_schema_ready(&mut tx, &name).await.unwrap();
        tx.commit().await.unwrap();
        store.ensure_schema(server.id, &name).await.unwrap();
        self.schemas.push(name.clone());
        name
    }
}
