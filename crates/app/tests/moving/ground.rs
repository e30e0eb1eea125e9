//! What these tests stand on: a second database, a context with something of everything, all its rows as they are.

use std::collections::BTreeMap;

use zebu_app::dav::{self, LockRequest};
use zebu_app::files::{self, Fields, Holding, NewFile, Wanted};
use zebu_app::folders::{self, FolderChange};
use zebu_app::{App, jobs};
use zebu_model::FolderId;
use zebu_model::lock::Target;
use zebu_model::rights::{Bits, Entity, Permission};
use zebu_store::configdb::contexts;
use zebu_store::configdb::databases::{self, DatabaseServer, Schema};
use zebu_store::configdb::jobs::{Job, State};
use zebu_store::shard::tables::{self, Record};
use zebu_store::{Config, Place, Store};

use crate::fixture::{ANNA, BEN, CONTEXT, Pair, caller, folder, home, put, replace, sign_in};

/// How long what a moved context left is kept, ms.
pub(crate) const KEPT_MS: i64 = 600_000;
/// After which a worker that says nothing is taken for dead, ms, and more.
pub(crate) const SILENT_MS: i64 = 6_000;

/// Which engine a database has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    Sqlite,
    Maria,
}

/// Past the application.
pub(crate) struct Ground {
    pub(crate) store: Store,
}

impl Ground {
    pub(crate) async fn of(pair: &Pair) -> Ground {
        Ground { store: Store::open(Config::new(pair.configdb.as_str())).await.unwrap() }
    }

    /// Registers another master; its id.
    pub(crate) async fn register(&self, pair: &Pair, engine: Engine) -> i64 {
        let (name, url) = match engine {
            Engine::Sqlite => ("second".to_owned(), format!("sqlite:{}", pair.dir.path().display())),
            Engine::Maria => (zebu_mariadb::server().name(), zebu_mariadb::server().url()),
        };
        let new = DatabaseServer::master(&name, &url);
        let mut tx = self.store.config_write().await.unwrap();
        let id = databases::insert(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub(crate) async fn place(&self) -> Option<Place> {
        let mut tx = self.store.config().await.unwrap();
        contexts::by_id(&mut tx, CONTEXT).await.unwrap()
    }

    /// All rows at a place, whether or not the context lives there.
    pub(crate) async fn rows(&self, place: &Place) -> BTreeMap<&'static str, Vec<Record>> {
        let mut tx = self.store.read_at(place).await.unwrap();
        let mut all = BTreeMap::new();
        for table in tables::all() {
            all.insert(table.name, table.rows(&mut tx, None, None, 1_000_000).await.unwrap());
        }
        all
    }

    /// Whether nothing at all is at a place, not even a home.
    pub(crate) async fn is_empty(&self, place: &Place) -> bool {
        let tx = self.store.hold_home(place).await.unwrap();
        let homeless = tx.home().is_none();
        drop(tx);
        homeless && self.rows(place).await.values().all(Vec::is_empty)
    }

    /// How many contexts each schema is said to have.
    pub(crate) async fn counts(&self) -> Vec<(String, i64)> {
        let mut tx = self.store.config().await.unwrap();
        let schemas: Vec<Schema> = databases::schemas(&mut tx).await.unwrap();
        schemas.into_iter().map(|schema| (schema.name, schema.contexts)).collect()
    }
}

/// Works until nothing is to be done now; the job then.
pub(crate) async fn work(app: &App, job: i64) -> Job {
    while jobs::work(app).await.unwrap() {}
    jobs::get(app, job).await.unwrap().unwrap()
}

/// Works, however long it has to wait.
pub(crate) async fn work_to_the_end(pair: &Pair, app: &App, job: i64) -> Job {
    for _ in 0..20 {
        let now = work(app, job).await;
        if now.state.is_over() {
            return now;
        }
        pair.clock.advance_ms(KEPT_MS);
    }
    panic!("{:?}", jobs::get(app, job).await);
}

/// Moves the context, and clears away what it left.
pub(crate) async fn moved(pair: &Pair, database: i64) -> Job {
    let job = jobs::move_database::order(&pair.one, CONTEXT, database).await.unwrap();
    let job = work_to_the_end(pair, &pair.one, job).await;
    assert_eq!(job.state, State::Done, "{job:?}");
    job
}

/// Something of everything that a context can have: notes without a name, versions, long texts in many scripts, what was
/// deleted, locks, properties, shares, sessions.
pub(crate) async fn fill(pair: &Pair) -> FolderId {
    let anna = caller(&pair.one, "anna").await;
    let mine = home(&pair.one, &anna).await;
    let plans = folder(&pair.one, &anna, mine, "Pläne 計画 \u{1F402}").await;
    let mut files_made = Vec::new();
    for n in 0..12u32 {
        let name = format!("{n} ünï 文.txt");
        files_made.push(put(&pair.one, &anna, plans, &name, name.as_bytes()).await.unwrap().0);
    }
    let text = "\u{1F402} long ".repeat(5_000);
    for _ in 0..2 {
        let fields = Fields {
            title: Some("note".to_owned()),
            description: Some(text.clone()),
            url: Some("https://example.org/?q='\"\\".to_owned()),
            ..Fields::default()
        };
        files::create(&pair.two, &anna, NewFile { folder: plans, fields, content: None }).await.unwrap();
    }
    replace(&pair.one, &anna, plans, files_made[0], b"second").await;
    let wanted = [Wanted { file: files_made[1], folder: None }];
    files::delete(&pair.one, &anna, &wanted, None, Holding::User).await.unwrap();
    let gone = folder(&pair.one, &anna, plans, "gone").await;
    folders::delete(&pair.one, &anna, gone, None).await.unwrap();
    let owner = Permission { entity: Entity::User(ANNA), bits: Bits::OWNER };
    let ben = Permission { entity: Entity::User(BEN), bits: Bits::AUTHOR };
    let change = FolderChange { permissions: Some(vec![owner, ben]), ..FolderChange::default() };
    folders::update(&pair.one, &anna, plans, change).await.unwrap();
    let request =
        LockRequest { shared: false, deep: false, owner: "<o>Ännä</o>".to_owned(), seconds: 3_600 };
    dav::lock(&pair.one, &anna, Target::File(files_made[2]), request).await.unwrap();
    let value = Some("<x xmlns='y'>\u{1F402}</x>".to_owned());
    let properties = [("{y}x".to_owned(), value)];
    dav::set_properties(&pair.one, &anna, Target::Folder(plans), &properties).await.unwrap();
    sign_in(&pair.one, "anna").await;
    sign_in(&pair.two, "ben").await;
    plans
}
