//! A shard on a master with replicas, its nodes, and the one file a folder by which tests see how old an answer is.

use std::time::{Duration, Instant};

use zebu_cluster::Coherence;
use zebu_mariadb::{Group, Server};
use zebu_model::file::File;
use zebu_model::{ContextId, FileId, FolderId, Scope, UserId, Version};
use zebu_store::configdb::databases::{self, DatabaseServer};
use zebu_store::shard::files;
use zebu_store::{Config, Error, Known, Place, Plan, Result, Role, ServerState, Store};

/// When the writers' clock stands.
pub(crate) const NOW: i64 = 1_700_000_000_000;
/// The longest a condition is waited for, on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A shard of a test's own.
pub(crate) struct Shard {
    pub(crate) servers: Group,
    pub(crate) place: Place,
    pub(crate) master: i64,
    pub(crate) replicas: Vec<i64>,
    config: String,
    _dir: tempfile::TempDir,
}

/// A row for a server.
pub(crate) fn row(name: &str, server: &Server, master: i64) -> DatabaseServer {
    DatabaseServer { master, ..DatabaseServer::master(name, &server.url()) }
}

impl Shard {
    /// A master with so many replicas, registered; with one context.
    pub(crate) async fn start(replicas: u32) -> Shard {
        let servers = tokio::task::spawn_blocking(move || Group::start(replicas)).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let config = format!("sqlite:{}/config.db", dir.path().display());
        let store = Store::open(Config::new(config.as_str())).await.unwrap();
        let mut tx = store.config_write().await.unwrap();
        let master = DatabaseServer {
            id: databases::insert(&mut tx, &row("db", &servers.master, 0)).await.unwrap(),
            ..row("db", &servers.master, 0)
        };
        let mut ids = Vec::new();
        for (n, server) in servers.replicas.iter().enumerate() {
            let replica = row(&format!("db_read{n}"), server, master.id);
            ids.push(databases::insert(&mut tx, &replica).await.unwrap());
        }
        let schema = databases::insert_schema(&mut tx, &master).await.unwrap();
        tx.commit().await.unwrap();
        store.ensure_schema(master.id, &schema).await.unwrap();
        let place = Place::made_up(ContextId(1), master.id, schema);
        store.found(&place, Plan::default(), NOW).await.unwrap().commit().await.unwrap();
        let shard = Shard { servers, place, master: master.id, replicas: ids, config, _dir: dir };
        shard.servers.settle();
        shard
    }

    /// A node that remembers what it reads, and tells those with the same `coherence` of its writes.
    pub(crate) async fn remembering(&self, coherence: &Coherence) -> Store {
        self.open(|_| {}, Some(coherence.clone())).await
    }

    /// Asks configdb for one text, past the store; empty if there is none.
    pub(crate) fn in_configdb(&self, sql: &str) -> String {
        let path = self.config.strip_prefix("sqlite:").unwrap();
        let configdb = rusqlite::Connection::open(path).unwrap();
        configdb.query_row(sql, [], |row| row.get(0)).unwrap_or_default()
    }

    /// A node's own store.
    pub(crate) async fn node(&self) -> Store {
        self.node_with(|_| {}).await
    }

    /// The same with other settings.
    pub(crate) async fn node_with(&self, change: impl FnOnce(&mut Config)) -> Store {
        self.open(change, None).await
    }

    /// The same of a member of a cluster.
    pub(crate) async fn open(&self, change: impl FnOnce(&mut Config), coherence: Option<Coherence>) -> Store {
        let mut config = Config::new(self.config.as_str());
        change(&mut config);
        let store = Store::open_in(config, coherence).await.unwrap();
        store.watch().await.unwrap();
        store
    }

    /// The place as a request finds it.
    pub(crate) fn request(&self) -> Place {
        Place { known: Known::of_a_request(), ..self.place.clone() }
    }
}

/// Writes `value` into the file of a folder.
pub(crate) async fn put(store: &Store, place: &Place, folder: u32, value: u64) -> Result<()> {
    let content = Scope::Folder(FolderId(folder));
    let mut tx = store.write(place, Plan::changing([content]), NOW).await?;
    let file = File {
        id: FileId(folder),
        folder: FolderId(folder),
        created_by: UserId(3),
        created: 0,
        modified_by: UserId(3),
        modified: Version::NONE,
        title: "t".to_owned(),
        description: value.to_string(),
        url: String::new(),
        locked_until: 0,
        versions: 0,
        content: None,
    };
    if files::get(&mut tx, file.id).await?.is_some() {
        files::update(&mut tx, &file, file.folder, false).await?;
    } else {
        files::insert(&mut tx, &file).await?;
    }
    tx.commit().await
}

/// The value in the file of a folder; whether a replica said so.
pub(crate) async fn get(store: &Store, place: &Place, folder: u32) -> Result<(u64, bool)> {
    let scopes = [Scope::Folder(FolderId(folder))];
    let mut tx = store.read_scopes(place, &scopes).await?;
    let found = files::in_folder(&mut tx, FolderId(folder), None).await?;
    let value = found.first().map_or(0, |file| file.description.parse().unwrap());
    Ok((value, tx.is_on_replica()))
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + WAIT_MAX;
    let mut look = tokio::time::interval(Duration::from_millis(5));
    while !so().await {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        look.tick().await;
    }
}

/// How a server is, as a node sees it.
pub(crate) fn seen(store: &Store, id: i64) -> Option<ServerState> {
    store.servers_seen().into_iter().find(|state| state.id == id)
}

/// Waits until a node sees a server in a role.
pub(crate) async fn until_role(store: &Store, id: i64, role: Role) {
    until(&format!("server {id} to be {role:?}"), async || seen(store, id).is_some_and(|s| s.role == role))
        .await;
}

/// Waits until each replica answers reads.
pub(crate) async fn until_all_answer(store: &Store, shard: &Shard) {
    until_role(store, shard.master, Role::Master).await;
    for id in &shard.replicas {
        until_role(store, *id, Role::Replica).await;
    }
}

/// The reason of "try again".
pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Unavailable { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}
