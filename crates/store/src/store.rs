//! The databases of a deployment: configdb, and the shards registered in it, opened when first needed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use zebu_cluster::{Coherence, ScopeKey};
use zebu_model::{ContextId, Scope, UserId, Version};

use crate::cache::{self, Cache, CacheState, LOOK_MAX, Opening, Recall, Used};
use crate::config::Config;
use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::configdb::contexts::{self, Wanted};
use crate::configdb::databases::Schema;
use crate::configdb::sequence;
use crate::engine::{Begin, Database, Lease, Server, Target};
use crate::error::{Error, Result};
use crate::group::Group;
use crate::group::state::ServerState;
use crate::group::topology::Topology;
use crate::home::HomeTx;
use crate::ids::{IDS_A_BLOCK, Ids};
use crate::migrate;
use crate::place::Place;
use crate::reads::{self, Counters, Reads};
use crate::sample::{Sample, Samples};
use crate::shard::sequences::{self, Sequence};
use crate::shard::sessions::{self, Found};
use crate::tx::{Plan, ReadTx, WriteTx};
use crate::view::{self, Origin};

/// Who signs in to a database server.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user; empty for SQLite.
    pub user: String,
    /// The password, in clear.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({})", self.user)
    }
}

/// How long a place is believed by those who read. Who moves a context leaves its rows where they were for much longer.
const PLACE_FRESH: Duration = Duration::from_secs(5);

/// Between two looks whether a context that is leaving has arrived.
const MOVING_STEP: Duration = Duration::from_millis(5);

/// All databases. Cheap to share; make one a process.
#[derive(Debug)]
pub struct Store {
    config: Config,
    topology: Arc<Topology>,
    counters: Arc<Counters>,
    /// Of reads of configdb: nobody asks for them, and they are none of a context's.
    config_counters: Counters,
    moved: Mutex<HashMap<ContextId, Place>>,
    ids: Ids,
    coherence: Option<Coherence>,
    cache: Option<Arc<Cache>>,
    samples: Arc<Samples>,
}

impl Store {
    /// Opens configdb and brings its schema up to date. Nothing is remembered of what is read, and nobody is told of writes: right
    /// only where nobody who uses these databases remembers anything.
    pub async fn open(config: Config) -> Result<Store> {
        Store::open_in(config, None).await
    }

    /// The same for a member of a cluster: it tells the others of its writes, and remembers what it read while it may.
    pub async fn open_in(config: Config, coherence: Option<Coherence>) -> Result<Store> {
        let topology = Topology::new(config.clone())?;
        let (server, schema) = (topology.configdb().writer().await?, topology.schema().to_owned());
        migrate::run(&Database { server, schema }, migrate::CONFIG).await?;
        topology.start();
        let remembers = coherence.as_ref().filter(|_| config.cache_bytes_max > 0);
        let cache = remembers.map(|c| Arc::new(Cache::new(Arc::clone(&c.validity), config.cache_bytes_max)));
        Ok(Store {
            config,
            topology,
            counters: Arc::default(),
            config_counters: Counters::default(),
            moved: Mutex::default(),
            ids: Ids::default(),
            coherence,
            cache,
            samples: Arc::default(),
        })
    }

    /// Reads in configdb.
    pub async fn config(&self) -> Result<ConfigTx> {
        let (group, schema) = (self.topology.configdb(), self.topology.schema());
        Ok(ConfigTx::new(reads::whole(group, schema, &self.config_counters).await?.0))
    }

    /// Writes in configdb.
    pub async fn config_write(&self) -> Result<ConfigWriteTx> {
        let server = self.topology.configdb().writer().await?;
        let announcer = self.coherence.as_ref().map(|coherence| Arc::clone(&coherence.announcer));
        Ok(ConfigWriteTx::new(server.lease(self.topology.schema(), Begin::Write).await?, announcer))
    }

    /// Seals the password of the database `name`, for [`crate::configdb::databases::DatabaseServer::password`].
    pub fn seal_password(&self, name: &str, password: &str) -> Result<String> {
        self.topology.vault().seal(name, password)
    }

    /// Whether this node has a key to seal passwords with.
    pub fn can_seal(&self) -> bool {
        self.topology.vault().can_seal()
    }

    /// Opens what [`Store::seal_password`] made for the same name.
    pub fn open_password(&self, name: &str, sealed: &str) -> Result<String> {
        self.topology.vault().open(name, sealed)
    }

    /// Connects to a database server that is not registered (yet): signs in, and if it is to take writes makes and removes
    /// a schema, so that what is missing is said before a context needs it.
    pub async fn try_server(&self, url: &str, login: Login, writes: bool) -> Result<()> {
        let target = Target {
            url: url.to_owned(),
            credentials: (!login.user.is_empty()).then_some((login.user, login.password)),
            pool_max: 1,
            pool_hard_limit: true,
            pool_initial: 0,
        };
        let wait = Duration::from_millis(self.config.connect_ms_max);
        Server::of(&self.config, &target)?.try_out(wait, writes).await
    }

    /// Reads in a context's database: on its master, or where it is certain that nothing is missing while that is gone.
    pub async fn read(&self, place: &Place) -> Result<ReadTx> {
        let place = self.current(place).await?;
        self.read_at(&place).await
    }

    /// Reads what belongs to these scopes: on a replica that has what must be seen of them, if there is one (P6). What else
    /// is read may be read too, if its function names its scope; it costs a question to the master then.
    pub async fn read_scopes(&self, place: &Place, scopes: &[Scope]) -> Result<ReadTx> {
        let (at, origin) = self.origin(place).await?;
        let wait = Duration::from_millis(self.config.replica_wait_ms_max);
        if let Some(cache) = &self.cache {
            let opening = Opening { place: at, origin, wait: Some(wait) };
            return Ok(ReadTx::recalling(place.context, Recall::new(cache, opening, scopes)));
        }
        let opened = reads::of_scopes(place.context, origin, scopes, None, wait).await?;
        Ok(ReadTx::new(place.context, opened))
    }

    /// Where a context is read, and by whom.
    async fn origin(&self, place: &Place) -> Result<(Place, Origin)> {
        let at = self.current(place).await?.into_owned();
        let group = self.group_to_read(at.database, &at.schema).await?;
        let (schema, known, counters) = (at.schema.clone(), place.known.clone(), Arc::clone(&self.counters));
        Ok((at, Origin { group, schema, known, counters }))
    }

    /// Where a context lives: remembered, or asked of configdb.
    pub async fn place(&self, context: ContextId) -> Result<Option<Place>> {
        self.place_of(Wanted::Id(context)).await
    }

    /// Where the context of a login mapping lives: remembered, or asked of configdb.
    pub async fn place_of_mapping(&self, mapping: &str) -> Result<Option<Place>> {
        self.place_of(Wanted::Mapping(mapping)).await
    }

    async fn place_of(&self, wanted: Wanted<'_>) -> Result<Option<Place>> {
        let places = self.cache.as_ref().map(|cache| &cache.places);
        if let Some(place) = places.and_then(|places| places.get(wanted)) {
            return Ok(Some(place));
        }
        let keeping = places.and_then(|places| Some((places, places.token()?)));
        let mut found = contexts::find(&mut self.config().await?, wanted).await?;
        // Whoever asks for a context that is not there, or where nobody may work, never waits for a lock.
        let Some((places, token)) = keeping.filter(|_| found.as_ref().is_some_and(|place| place.enabled))
        else {
            return Ok(found);
        };
        if places.is_unseen(wanted, token) {
            // The first time in an epoch: a commit of a member who is gone may still be on its way.
            let locked = async { contexts::find_locked(&mut self.config_write().await?, wanted).await };
            let Ok(Ok(waited)) = tokio::time::timeout(LOOK_MAX, locked).await else { return Ok(found) };
            found = waited;
        }
        found.iter().for_each(|place| places.keep(token, wanted, place));
        Ok(found)
    }

    /// The session of a token with its user. When it was last used, and where, is as this node knows it if that is not longer
    /// ago than `used_ms_max`, else as it is.
    pub async fn session(
        &self,
        place: &Place,
        token_hash: [u8; 32],
        now_ms: i64,
        used_ms_max: i64,
    ) -> Result<Option<Found>> {
        if let Some(cache) = &self.cache
            && let Some(known) = cache.places.session(&token_hash)
            && now_ms.saturating_sub(known.used) < used_ms_max
        {
            let mut tx = self.recall(place, &[Scope::Sessions(known.user), Scope::Principals]).await?;
            let Some(mut found) = sessions::recall(&mut tx, token_hash, known.user).await? else {
                cache.places.forget_session(&token_hash);
                return Ok(None);
            };
            if known.used >= found.session.used {
                (found.session.used, found.session.node) = (known.used, known.node.to_string());
            }
            return Ok(Some(found));
        }
        let mut tx = self.read(place).await?;
        let found = sessions::find(&mut tx, token_hash, &place.known).await?;
        if let Some(Found { session, .. }) = &found {
            self.session_used(session.user, token_hash, session.used, &session.node);
        }
        Ok(found)
    }

    /// A node has written that it served a session.
    pub fn session_used(&self, user: UserId, token_hash: [u8; 32], used: i64, node: &str) {
        if let Some(cache) = &self.cache {
            cache.places.keep_session(token_hash, Used { user, used, node: node.into() });
        }
    }

    /// What is remembered, if this process remembers anything.
    #[must_use]
    pub fn cache(&self) -> Option<CacheState> {
        self.cache.as_ref().map(|cache| cache.state())
    }

    /// Reads what belongs to these scopes, from memory or else on the master: for what no replica can answer in time.
    pub async fn recall(&self, place: &Place, scopes: &[Scope]) -> Result<ReadTx> {
        let Some(cache) = &self.cache else { return self.read(place).await };
        let (at, origin) = self.origin(place).await?;
        let opening = Opening { place: at, origin, wait: None };
        Ok(ReadTx::recalling(place.context, Recall::new(cache, opening, scopes)))
    }

    /// Where a context is read: a place that was found long ago is found again.
    async fn current<'a>(&self, place: &'a Place) -> Result<Cow<'a, Place>> {
        match self.known_since(place)? {
            Some(place) if place.resolved.elapsed() < PLACE_FRESH => Ok(Cow::Owned(place)),
            None if place.resolved.elapsed() < PLACE_FRESH => Ok(Cow::Borrowed(place)),
            _ => Box::pin(self.resolve(place)).await.map(Cow::Owned),
        }
    }

    /// Reads in the database that `place` names, wherever the context lives: for who moves it.
    pub async fn read_at(&self, place: &Place) -> Result<ReadTx> {
        self.read_in(place.context, place.database, &place.schema).await
    }

    /// Reads in a schema as a whole, in nobody's name: for the functions that say they are about all contexts in it.
    pub async fn read_schema(&self, schema: &Schema) -> Result<ReadTx> {
        self.read_in(ContextId(0), schema.database, &schema.name).await
    }

    async fn read_in(&self, context: ContextId, database: i64, schema: &str) -> Result<ReadTx> {
        let group = self.group_to_read(database, schema).await?;
        let opened = reads::on_master(&group, schema, &self.counters).await?;
        Ok(ReadTx::new(context, opened))
    }

    /// Writes in a context's database; see [`Plan`]. `now_ms` is the writer's clock. [`Error::Stale`] means that
    /// something the plan relied on has changed. A context that is just leaving its database is waited for.
    pub async fn write(&self, place: &Place, plan: Plan, now_ms: i64) -> Result<WriteTx> {
        let begun = Instant::now();
        let wait = Duration::from_millis(self.config.wait_ms_max);
        let mut moved = self.known_since(place)?;
        loop {
            let at = moved.as_ref().unwrap_or(place);
            let lease = self.write_lease(at).await?;
            match WriteTx::begin(at, lease, plan.clone(), now_ms).await {
                Err(Error::Moved(_)) if begun.elapsed() < wait => {}
                other => return other.map(|tx| self.told(at, tx)),
            }
            let now = self.resolve(place).await?;
            // Who deletes a context disables it first, and its database is no home any more from then on.
            if place.enabled && !now.enabled {
                return Err(Error::Disabled(place.context));
            }
            if (now.database, &now.schema) == (at.database, &at.schema) {
                tokio::time::sleep(MOVING_STEP).await;
            }
            moved = Some(now);
        }
    }

    /// The first write of a context: gives it its home. [`Error::Duplicate`] in `homes` if it has one there.
    pub async fn found(&self, place: &Place, plan: Plan, now_ms: i64) -> Result<WriteTx> {
        let lease = self.write_lease(place).await?;
        WriteTx::found(place, lease, plan, now_ms).await.map(|tx| self.told(place, tx))
    }

    /// From here on everybody knows that its scopes are about to change: their rows are locked.
    fn told(&self, place: &Place, mut tx: WriteTx) -> WriteTx {
        if self.samples.is_wanted() {
            tx.offer_to(&self.samples, place);
        }
        if let Some(coherence) = &self.coherence {
            tx.tell(coherence.announcer.as_ref());
        }
        tx
    }

    /// The next write of this process that is committed, whoever asks for it: to be read back.
    pub async fn next_sample(&self) -> Sample {
        self.samples.next().await
    }

    /// Holds a context's home in the schema that `place` names, whatever it says: for who moves or deletes the context.
    pub async fn hold_home(&self, place: &Place) -> Result<HomeTx> {
        let lease = self.write_lease(place).await?;
        HomeTx::begin(place, lease).await
    }

    /// The version that a scope has once no transaction that changes it is open, on its master. What is gone has none, and so
    /// has what says where contexts live.
    pub async fn version_locked(&self, scope: ScopeKey) -> Result<Version> {
        if scope == cache::PLACES {
            sequence::await_places(&mut self.config_write().await?).await?;
            return Ok(Version::NONE);
        }
        let Ok(context) = u32::try_from(scope.space).map(ContextId) else { return Ok(Version::NONE) };
        let Some(place) = contexts::by_id(&mut self.config().await?, context).await? else {
            return Ok(Version::NONE);
        };
        let mut lease = self.write_lease(&place).await?;
        view::version_locked(&mut lease, context, (scope.kind, scope.id)).await
    }

    /// What this node knows that is newer than `place`. [`Error::Gone`] if the context's id is another's by now.
    fn known_since(&self, place: &Place) -> Result<Option<Place>> {
        let known =
            locked(&self.moved).get(&place.context).filter(|known| known.is_newer_than(place)).cloned();
        if known.as_ref().is_some_and(|known| known.born != place.born) {
            return Err(Error::Gone(place.context));
        }
        Ok(known)
    }

    /// Where a context lives now; remembered if it has moved. One that took its id meanwhile is not it.
    async fn resolve(&self, was: &Place) -> Result<Place> {
        let mut tx = self.config().await?;
        let place = contexts::by_id(&mut tx, was.context).await?.filter(|place| place.born == was.born);
        let place = place.ok_or(Error::Gone(was.context))?;
        if place.moves > 0 {
            locked(&self.moved).insert(place.context, place.clone());
        }
        Ok(place)
    }

    /// An id nobody else in the context has, from a block this node took.
    pub async fn next_id(&self, place: &Place, sequence: Sequence, now_ms: i64) -> Result<u32> {
        self.ids.next(place, sequence, || self.take_block(place, sequence, now_ms)).await
    }

    async fn take_block(&self, place: &Place, sequence: Sequence, now_ms: i64) -> Result<Range<u32>> {
        let mut tx = self.write(place, Plan::default(), now_ms).await?;
        let first = sequences::take(&mut tx, sequence, IDS_A_BLOCK).await?;
        tx.commit().await?;
        Ok(first..first.saturating_add(IDS_A_BLOCK))
    }

    /// Makes a schema on a registered master if it is not there, and brings its tables up to date.
    pub async fn ensure_schema(&self, database: i64, schema: &str) -> Result<()> {
        let group = self.topology.group(database).await?;
        let shard = Database { server: group.writer().await?, schema: schema.to_owned() };
        shard.create().await?;
        migrate(&group, &shard).await
    }

    /// The group of a context's database, whose schema is up to date, for a write.
    async fn group_to_write(&self, place: &Place) -> Result<Arc<Group>> {
        let group = self.topology.group(place.database).await?;
        if !group.is_migrated(&place.schema) {
            Box::pin(first_use(&group, &place.schema)).await?;
        }
        Ok(group)
    }

    /// The same for a read. While nobody can write, a schema is as it was.
    async fn group_to_read(&self, database: i64, schema: &str) -> Result<Arc<Group>> {
        let group = self.topology.group(database).await?;
        if !group.is_migrated(schema) {
            match Box::pin(first_use(&group, schema)).await {
                Err(Error::Unavailable { .. }) => {}
                other => other?,
            }
        }
        Ok(group)
    }

    /// A connection for a write.
    async fn write_lease(&self, place: &Place) -> Result<Lease> {
        self.group_to_write(place).await?.writer().await?.lease(&place.schema, Begin::Write).await
    }

    /// Watches over all registered servers, whether anybody asks them or not: for a node. What is read of a database is
    /// watched over in any case.
    pub async fn watch(&self) -> Result<()> {
        self.topology.refresh().await?;
        self.topology.watch();
        Ok(())
    }

    /// How each server is, as this process sees it.
    pub async fn servers_state(&self) -> Result<Vec<ServerState>> {
        self.topology.refresh().await?;
        let mut states = Vec::new();
        for group in self.topology.all() {
            states.extend(group.states().await);
        }
        Ok(states)
    }

    /// The same without looking first, of those that are watched over.
    #[must_use]
    pub fn servers_seen(&self) -> Vec<ServerState> {
        self.topology.all().iter().flat_map(|group| group.seen()).collect()
    }

    /// What became of reads of contexts since the process began.
    #[must_use]
    pub fn reads(&self) -> Reads {
        self.counters.read()
    }
}

/// Brings a schema up to date before this process uses it for the first time.
async fn first_use(group: &Arc<Group>, schema: &str) -> Result<()> {
    migrate(group, &Database { server: group.writer().await?, schema: schema.to_owned() }).await
}

async fn migrate(group: &Group, shard: &Database) -> Result<()> {
    migrate::run(shard, migrate::SHARD).await?;
    group.set_migrated(&shard.schema);
    Ok(())
}

/// What is held only for a moment and never left half-made.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
