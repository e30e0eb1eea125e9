//! Which groups there are: what configdb says of the servers, made true about every second without a restart.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::{Group, Limits, Watched};
use crate::config::Config;
use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::configdb::databases::{self, DatabaseServer};
use crate::engine::{Begin, Database, Server, Target};
use crate::error::{Error, Result};
use crate::vault::Vault;

/// From one look into configdb to the next.
const REFRESH: Duration = Duration::from_secs(1);

/// The id of configdb's own group; registered servers have ids above.
pub(crate) const CONFIGDB: i64 = 0;

/// All groups.
#[derive(Debug)]
pub(crate) struct Topology {
    config: Config,
    vault: Vault,
    schema: String,
    configdb: Arc<Group>,
    groups: Mutex<BTreeMap<i64, Registered>>,
    /// All are watched over, also those that come.
    watched: AtomicBool,
}

/// A group as it was registered.
#[derive(Debug)]
struct Registered {
    rows: Vec<DatabaseServer>,
    servers: Vec<Arc<Watched>>,
    group: Arc<Group>,
}

impl Topology {
    /// With configdb's group only.
    pub(crate) fn new(config: Config) -> Result<Arc<Topology>> {
        let database = Database::of_url(&config, &config.configdb)?;
        let vault = Vault::new(&config, Database::password_in(&config.configdb).as_deref())?;
        let mut servers = vec![Watched::new(CONFIGDB, "configdb", true, Ok(database.server))];
        for (n, url) in (1..).zip(&config.configdb_read) {
            let replica = Database::of_url(&config, url)?;
            let bad = |reason: &str| Error::Url {
                url: replica.server.name().to_owned(),
                reason: reason.to_owned(),
            };
            if matches!(replica.server, Server::Sqlite(_)) {
                return Err(bad("configdb_read: a replica is a server, not a file"));
            }
            if replica.schema != database.schema {
                return Err(bad("configdb_read: it names another schema than configdb"));
            }
            servers.push(Watched::new(-n, &format!("configdb_read {n}"), false, Ok(replica.server)));
        }
        let servers = servers.into_iter().map(Arc::new).collect();
        let configdb = Group::new("configdb", limits(&config), servers);
        let groups = Mutex::default();
        Ok(Arc::new(Topology {
            config,
            vault,
            schema: database.schema,
            configdb,
            groups,
            watched: AtomicBool::new(false),
        }))
    }

    /// Keeps to what configdb says from now on, until the topology is dropped.
    pub(crate) fn start(self: &Arc<Self>) {
        tokio::spawn(refreshing(Arc::downgrade(self)));
    }

    /// configdb's group.
    pub(crate) fn configdb(&self) -> &Arc<Group> {
        &self.configdb
    }

    /// configdb's schema.
    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// What seals passwords.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The group of a registered master.
    pub(crate) async fn group(&self, master: i64) -> Result<Arc<Group>> {
        let known = || self.groups().get(&master).map(|r| Arc::clone(&r.group));
        if let Some(group) = known() {
            return Ok(group);
        }
        // Perhaps it was registered a moment ago. Boxed, as all that is rare on the way of every transaction.
        Box::pin(self.refresh()).await?;
        known().ok_or(Error::Unregistered(master))
    }

    /// All groups, configdb's first.
    pub(crate) fn all(&self) -> Vec<Arc<Group>> {
        let groups = self.registered().into_iter().map(|(_, group)| group);
        [Arc::clone(&self.configdb)].into_iter().chain(groups).collect()
    }

    /// Watches over all of them from now on.
    pub(crate) fn watch(&self) {
        self.watched.store(true, Ordering::Relaxed);
        self.all().iter().for_each(Group::watch);
    }

    /// Keeps for other nodes, and later ones, that another server has taken a registered master's place.
    async fn write_down(&self, id: i64, group: &Group, before: Option<&str>, news: String) -> Result<()> {
        let server = self.configdb.writer().await?;
        // No place changes by it.
        let mut tx = ConfigWriteTx::new(server.lease(&self.schema, Begin::Write).await?, None);
        match databases::set_promotion(&mut tx, id, before, &news).await {
            Ok(true) => {
                tx.commit().await?;
                group.wrote(news);
                Ok(())
            }
            // Another node was faster: what it wrote is read at the next look.
            Ok(false) | Err(Error::Duplicate { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// The groups of registered masters, by id.
    fn registered(&self) -> Vec<(i64, Arc<Group>)> {
        self.groups().iter().map(|(id, r)| (*id, Arc::clone(&r.group))).collect()
    }

    fn groups(&self) -> MutexGuard<'_, BTreeMap<i64, Registered>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads configdb and does what it says.
    pub(crate) async fn refresh(&self) -> Result<()> {
        let server = self.configdb.writer().await?;
        let mut tx = ConfigTx::new(server.lease(&self.schema, Begin::Read).await?);
        let rows = databases::all(&mut tx).await?;
        let promotions = databases::promotions(&mut tx).await?;
        drop(tx);
        self.apply(rows);
        for (id, group) in self.registered() {
            let written = promotions.get(&id).map(String::as_str);
            if let Some(news) = group.exchange(written) {
                self.write_down(id, &group, written, news).await?;
            }
        }
        if self.watched.load(Ordering::Relaxed) {
            self.all().iter().for_each(Group::watch);
        }
        Ok(())
    }

    fn apply(&self, rows: Vec<DatabaseServer>) {
        let mut wanted: HashMap<i64, Vec<DatabaseServer>> = HashMap::new();
        for row in rows {
            let of = if row.master == 0 { row.id } else { row.master };
            wanted.entry(of).or_default().push(row);
        }
        // Replicas of a master that is not there are nobody's.
        wanted.retain(|id, rows| rows.iter().any(|row| row.id == *id));
        let mut groups = self.groups();
        groups.retain(|id, _| wanted.contains_key(id));
        for (id, rows) in wanted {
            match groups.get_mut(&id) {
                Some(registered) if registered.rows == rows => {}
                Some(registered) => {
                    let servers =
                        rows.iter().map(|row| registered.kept(row).unwrap_or_else(|| self.watched(row)));
                    let servers: Vec<Arc<Watched>> = servers.collect();
                    registered.group.set_servers(servers.clone());
                    (registered.rows, registered.servers) = (rows, servers);
                }
                None => {
                    let servers: Vec<Arc<Watched>> = rows.iter().map(|row| self.watched(row)).collect();
                    let name = rows.iter().find(|row| row.id == id).map_or("", |row| row.name.as_str());
                    let group = Group::new(name, limits(&self.config), servers.clone());
                    groups.insert(id, Registered { rows, servers, group });
                }
            }
        }
    }

    fn watched(&self, row: &DatabaseServer) -> Arc<Watched> {
        let server = self.server(row).map_err(|error| Arc::from(error.to_string()));
        Arc::new(Watched::new(row.id, &row.name, row.master == 0, server))
    }

    fn server(&self, row: &DatabaseServer) -> Result<Server> {
        let password = self.vault.open(&row.name, &row.password)?;
        let target = Target {
            url: row.url.clone(),
            credentials: (!row.login.is_empty()).then(|| (row.login.clone(), password)),
            pool_max: usize::try_from(row.pool_max).unwrap_or(self.config.connections_max),
            pool_hard_limit: row.pool_hard_limit,
            pool_initial: usize::try_from(row.pool_initial).unwrap_or(0),
        };
        Server::of(&self.config, &target)
    }
}

impl Registered {
    /// The server of a row that has not changed.
    fn kept(&self, row: &DatabaseServer) -> Option<Arc<Watched>> {
        let at = self.rows.iter().position(|known| known == row)?;
        self.servers.get(at).map(Arc::clone)
    }
}

fn limits(config: &Config) -> Limits {
    Limits { lag_ms_max: config.replica_lag_ms_max, look: Duration::from_millis(config.probe_ms_max) }
}

/// Keeps to what configdb says until the store is gone.
async fn refreshing(topology: Weak<Topology>) {
    let mut failing = false;
    loop {
        tokio::time::sleep(REFRESH).await;
        let Some(topology) = topology.upgrade() else { return };
        match topology.refresh().await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                tracing::warn!("the registered databases stay as they are, configdb cannot be read: {error}");
                failing = true;
            }
            Err(_) => {}
        }
    }
}
