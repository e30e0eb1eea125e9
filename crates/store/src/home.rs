//! A context's home: the row in its database that says whether it lives there. Every write reads it and holds it until
//! its end; who moves, deletes or disables a context changes it, and so waits for the writes under way and stops new ones.
//!
//! Called by the jobs and the operator's commands alone, through [`HomeTx`]: a transaction that holds the row, and so is alone with the context's
//! rows here. Its `epoch` fences: a job's worker that slept while another took its job up finds another number there.

use zebu_model::ContextId;

use crate::engine::{Lease, Locking, dialect};
use crate::error::{Error, Result};
use crate::place::{Filestores, Place};
use crate::shard::tables::{Key, Record, Table};
use crate::tx::{Plan, Tx, WriteTx};
use crate::value::args;

/// What `homes.state` says of a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It lives here: its writes are taken.
    Lives = 0,
    /// It is leaving, or has left: its rows stay for those who still read them.
    Leaving = 1,
    /// Its rows are being brought here.
    Arriving = 2,
}

/// A home as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// Whether it lives here.
    pub state: State,
    /// Which context of its id it is.
    pub born: i64,
    /// The worker that may change this row and what it stands for; 0 for none.
    pub epoch: i64,
    /// Where its contents are.
    pub filestores: Filestores,
    /// Whether its users' writes are taken. Goes with the context when it moves.
    pub enabled: bool,
}

impl Home {
    pub(crate) fn founded(place: &Place) -> Home {
        let filestores = place.filestores();
        Home { state: State::Lives, born: place.born, epoch: 0, filestores, enabled: true }
    }
}

/// The home as a write finds it, held as it is until the write ends.
pub(crate) async fn of_write(tx: &mut WriteTx) -> Result<Option<Home>> {
    read(tx, dialect::HOME_ON_MARIA).await
}

/// Nothing is written to a server that takes no writes, even if this login were allowed to.
async fn read(tx: &mut WriteTx, on_maria: &'static str) -> Result<Option<Home>> {
    let sql = match tx.locking() {
        Locking::Whole => dialect::HOME_ON_SQLITE,
        Locking::Rows => on_maria,
    };
    let context = tx.context();
    let Some(mut row) = tx.query_one("homes", sql, args![context]).await? else { return Ok(None) };
    let number = row.int()?;
    let state = [State::Lives, State::Leaving, State::Arriving].into_iter().find(|s| *s as i64 == number);
    let state = row.known("state of a home", state)?;
    let (born, epoch) = (row.int()?, row.int()?);
    let filestores = Filestores { home: row.int()?, from: row.int()? };
    let home = Home { state, born, epoch, filestores, enabled: row.flag()? };
    if row.flag()? {
        let database = tx.database().to_owned();
        return Err(Error::Unavailable { database, reason: "the server is read-only".to_owned() });
    }
    Ok(Some(home))
}

pub(crate) async fn insert(tx: &mut WriteTx, home: &Home) -> Result<()> {
    let sql = "INSERT INTO homes (cid, state, born, epoch, filestore, filestore_from, enabled) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let (state, stores) = (home.state as i64, home.filestores);
    let values = args![tx.context(), state, home.born, home.epoch, stores.home, stores.from, home.enabled];
    tx.execute("homes", sql, values).await.map(drop)
}

/// A transaction that holds a context's home in one schema.
#[derive(Debug)]
pub struct HomeTx {
    tx: WriteTx,
    home: Option<Home>,
}

impl HomeTx {
    pub(crate) async fn begin(place: &Place, lease: Lease) -> Result<HomeTx> {
        let mut tx = WriteTx::unlocked(place, lease, &Plan::default(), 0);
        let home = read(&mut tx, dialect::HOLD_HOME_ON_MARIA).await?;
        Ok(HomeTx { tx, home })
    }

    /// What it says, if there is one.
    #[must_use]
    pub fn home(&self) -> Option<&Home> {
        self.home.as_ref()
    }

    /// For reading what is here now.
    pub fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    fn context(&self) -> ContextId {
        self.tx.context()
    }

    /// Makes it say something else.
    pub async fn set(&mut self, home: Home) -> Result<()> {
        if self.home.is_none() {
            insert(&mut self.tx, &home).await.map_err(Error::of_first_comer)?;
        } else {
            let sql = "UPDATE homes SET state = ?, born = ?, epoch = ?, filestore = ?, filestore_from = ?, enabled = ? \
                       WHERE cid = ?";
            let (state, stores) = (home.state as i64, home.filestores);
            let mut values = args![state, home.born, home.epoch, stores.home, stores.from, home.enabled];
            values.push(self.context().into());
            self.tx.execute("homes", sql, values).await?;
        }
        self.home = Some(home);
        Ok(())
    }

    /// The context has no home here any more.
    pub async fn remove(&mut self) -> Result<()> {
        let values = args![self.context()];
        self.tx.execute("homes", "DELETE FROM homes WHERE cid = ?", values).await?;
        self.home = None;
        Ok(())
    }

    /// Stores rows that are not there.
    pub async fn insert_rows(&mut self, table: &'static Table, rows: &[Record]) -> Result<()> {
        table.insert(&mut self.tx, rows).await
    }

    /// Removes the rows of these keys.
    pub async fn delete_rows(&mut self, table: &'static Table, keys: &[Key]) -> Result<()> {
        table.delete(&mut self.tx, keys).await
    }

    /// Removes up to `count` rows of the context; answers whether there may be more.
    pub async fn delete_some(&mut self, table: &'static Table, count: u32) -> Result<bool> {
        table.delete_some(&mut self.tx, count).await
    }

    /// Commits.
    pub async fn commit(self) -> Result<()> {
        self.tx.commit().await
    }
}
