//! Transactions of configdb, typed by what they may do.
//!
//! A write that changes where contexts live tells those who may remember it, as a write of a context does with its scopes.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use zebu_cluster::{Announcer, Fenced, Told};

use crate::cache;
use crate::configdb::sequence;
use crate::engine::{Lease, Locking};
use crate::error::{Error, Result};
use crate::statement::Statement;
use crate::value::{Row, Value};

/// A transaction of configdb that only reads.
#[derive(Debug)]
pub struct ConfigTx(Lease);

/// A transaction of configdb that writes. Dropping it without [`ConfigWriteTx::commit`] undoes everything.
#[derive(Debug)]
pub struct ConfigWriteTx {
    tx: ConfigTx,
    announcer: Option<Arc<dyn Announcer>>,
    /// It changes what says where contexts live.
    moves_places: bool,
}

impl ConfigTx {
    pub(crate) fn new(lease: Lease) -> ConfigTx {
        ConfigTx(lease)
    }

    pub(crate) async fn query(
        &mut self,
        table: &'static str,
        sql: impl Into<Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<Vec<Row>> {
        self.0.query(Statement::new(table, sql, args)).await
    }
}

impl Deref for ConfigWriteTx {
    type Target = ConfigTx;
    fn deref(&self) -> &ConfigTx {
        &self.tx
    }
}
impl DerefMut for ConfigWriteTx {
    fn deref_mut(&mut self) -> &mut ConfigTx {
        &mut self.tx
    }
}

/// The tables that say where contexts live, and what leads to them.
const PLACES: [&str; 4] = ["contexts", "filestores", "servers", "login_mappings"];

impl ConfigWriteTx {
    /// `announcer`: told if it changes where contexts live.
    pub(crate) fn new(lease: Lease, announcer: Option<Arc<dyn Announcer>>) -> ConfigWriteTx {
        ConfigWriteTx { tx: ConfigTx(lease), announcer, moves_places: false }
    }

    pub(crate) fn locking(&self) -> Locking {
        self.tx.0.locking()
    }

    pub(crate) async fn execute(
        &mut self,
        table: &'static str,
        sql: impl Into<Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<u64> {
        let sql = sql.into();
        // What is new is remembered by nobody.
        self.moves_places |= PLACES.contains(&table) && !sql.starts_with("INSERT");
        self.execute_unheard(table, sql, args).await
    }

    /// The same for a statement that changes nothing a node may remember: counts, and contexts that are being made.
    pub(crate) async fn execute_unheard(
        &mut self,
        table: &'static str,
        sql: impl Into<Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<u64> {
        self.tx.0.execute(Statement::new(table, sql, args)).await
    }

    /// Commits. After an error nothing was written, except after [`Error::InDoubt`].
    pub async fn commit(mut self) -> Result<()> {
        if self.moves_places && self.announcer.is_some() {
            sequence::hold_places(&mut self).await?;
        }
        let lease = self.tx.0;
        let mut told = match self.announcer.filter(|_| self.moves_places) {
            Some(announcer) => Told::of(announcer.as_ref(), &[cache::PLACES]),
            None => Told::default(),
        };
        if let Err(Fenced(reason)) = told.committing().await {
            return Err(Error::Unavailable { database: lease.database(), reason });
        }
        let answer = lease.commit().await;
        told.ended(Error::outcome(&answer, 0));
        answer
    }
}
