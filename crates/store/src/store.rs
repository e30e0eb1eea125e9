//! The databases of a deployment: configdb, and the shards registered in it, opened when first needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use zebu_model::ContextId;
use zebu_model::quota::Quota;

use crate::config::Config;
use crate::engine::{Begin, Database};
use crate::error::{Error, Result};
use crate::migrate;
use crate::shard::sequences::{self, Sequence};
use crate::tx::{ConfigTx, ConfigWriteTx, Plan, ReadTx, WriteTx};

/// Where a context lives, as configdb says. Every transaction of a context needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The context.
    pub context: ContextId,
    /// Whether its users may sign in and work.
    pub enabled: bool,
    /// URL of the database that takes its writes.
    pub database: String,
    /// URL of its file store.
    pub filestore: String,
    /// How much it may store.
    pub quota: Quota,
}

/// All databases. Cheap to share; make one a process.
#[derive(Debug)]
pub struct Store {
    config: Config,
    configdb: Database,
    shards: Mutex<HashMap<String, Database>>,
    ids: Ids,
}

impl Store {
    /// Opens configdb and brings its schema up to date.
    pub async fn open(config: Config) -> Result<Store> {
        let configdb = Database::of(&config, &config.configdb)?;
        migrate::run(&configdb, migrate::CONFIG).await?;
        Ok(Store { config, configdb, shards: Mutex::new(HashMap::new()), ids: Ids::default() })
    }

    /// Reads in configdb.
    pub async fn config(&self) -> Result<ConfigTx> {
        Ok(ConfigTx::new(self.configdb.lease(Begin::Read).await?))
    }

    /// Writes in configdb.
    pub async fn config_write(&self) -> Result<ConfigWriteTx> {
        Ok(ConfigWriteTx::new(self.configdb.lease(Begin::Write).await?))
    }

    /// Reads in a context's database.
    pub async fn read(&self, place: &Place) -> Result<ReadTx> {
        let lease = self.shard(&place.database)?.lease(Begin::Read).await?;
        Ok(ReadTx::new(place.context, lease))
    }

    /// Writes in a context's database; see [`Plan`]. `now_ms` is the writer's clock. [`Error::Stale`] means that
    /// something the plan relied on has changed.
    pub async fn write(&self, place: &Place, plan: Plan, now_ms: i64) -> Result<WriteTx> {
        let lease = self.shard(&place.database)?.lease(Begin::Write).await?;
        WriteTx::begin(place.context, lease, plan, now_ms).await
    }

    /// An id nobody else in the context has, from a block this node took.
    pub async fn next_id(&self, place: &Place, sequence: Sequence, now_ms: i64) -> Result<u32> {
        let block = self.ids.block(place.context, sequence);
        let mut block = block.lock().await;
        if let Some(id) = block.next() {
            return Ok(id);
        }
        let mut tries = 1;
        let first = loop {
            match self.take_block(place, sequence, now_ms).await {
                Err(error) if error.asks_to_start_over() && tries < TRIES_MAX => tries += 1,
                done => break done?,
            }
        };
        *block = first..first.saturating_add(IDS_A_BLOCK);
        block.next().ok_or(Error::Corrupt { table: "sequences", detail: "no id is left".to_owned() })
    }

    async fn take_block(&self, place: &Place, sequence: Sequence, now_ms: i64) -> Result<u32> {
        let mut tx = self.write(place, Plan::default(), now_ms).await?;
        let first = sequences::take(&mut tx, sequence, IDS_A_BLOCK).await?;
        tx.commit().await?;
        Ok(first)
    }

    /// Brings the schema of a registered database up to date.
    pub async fn migrate_shard(&self, url: &str) -> Result<()> {
        migrate::run(&self.shard(url)?, migrate::SHARD).await.map(drop)
    }

    fn shard(&self, url: &str) -> Result<Database> {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shard) = shards.get(url) {
            return Ok(shard.clone());
        }
        let shard = Database::of(&self.config, url)?;
        shards.insert(url.to_owned(), shard.clone());
        Ok(shard)
    }
}

/// Ids a node takes at once. A write costs a disk sync, so one a new object would halve the rate of uploads.
const IDS_A_BLOCK: u32 = 64;

/// How often taking a block starts over when another node was in the way.
const TRIES_MAX: u32 = 8;

type Block = Arc<tokio::sync::Mutex<std::ops::Range<u32>>>;

/// The blocks this node has.
#[derive(Debug, Default)]
struct Ids {
    blocks: Mutex<HashMap<(ContextId, Sequence), Block>>,
}

impl Ids {
    fn block(&self, context: ContextId, sequence: Sequence) -> Block {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = || Arc::new(tokio::sync::Mutex::new(0..0));
        Arc::clone(blocks.entry((context, sequence)).or_insert_with(empty))
    }
}
