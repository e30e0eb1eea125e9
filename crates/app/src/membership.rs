//! A process's membership in its cluster, kept in configdb: the registry and the versions that the coherence protocol asks for
//! (`docs/COHERENCE.md`, `zebu_cluster::node`).
//!
//! It has connections of its own: a membership must not wait until a request gives one back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zebu_cluster::ScopeKey;
use zebu_cluster::core::{Incarnation, Listed, Version};
use zebu_cluster::node::{Pending, Registry, Renewal, Versions};
use zebu_store::configdb::members::{self, Registration};
use zebu_store::configdb::nodes;
use zebu_store::{Config, Store};

use crate::app::Identity;
use crate::clock::Clock;
use crate::error::Result;
use crate::host::Host;

/// Where the process's node is a member.
#[derive(Debug)]
pub struct Membership {
    store: Store,
    clock: Clock,
    identity: Identity,
    host: Option<Host>,
    /// The node has been entered as this process's; if it is another's from then on, somebody took its name.
    entered: AtomicBool,
}

impl Membership {
    /// For a process of this identity. Brings configdb's schema up to date.
    pub async fn open(config: Config, clock: Clock, identity: Identity) -> Result<Arc<Membership>> {
        let host = Host::take(&config.configdb, &identity.name);
        let store = Store::open(config).await?;
        Ok(Arc::new(Membership { store, clock, identity, host, entered: AtomicBool::new(false) }))
    }

    /// A clean stop, once the node has left the protocol under this name: configdb forgets it.
    pub async fn leave(&self, life: Incarnation) -> Result<()> {
        let mut tx = self.store.config_write().await?;
        members::hold(&mut tx).await?;
        members::remove(&mut tx, &life.to_string(), i64::MAX).await?;
        nodes::remove(&mut tx, &self.identity.name, &self.identity.incarnation).await?;
        Ok(tx.commit().await?)
    }

    async fn try_renew(&self, me: Incarnation, attempt: u64, register: bool) -> Result<Renewal> {
        let (life, attempt) = (me.to_string(), i64::try_from(attempt).unwrap_or(i64::MAX));
        let mut tx = self.store.config_write().await?;
        members::hold(&mut tx).await?;
        if register {
            let host = self.host.as_ref().map_or("", Host::name);
            let of = Registration { name: &self.identity.name, host };
            members::register(&mut tx, &life, attempt, of).await?;
        } else if !members::renew(&mut tx, &life, attempt).await? {
            return Ok(Renewal::Gone);
        }
        let Identity { name, incarnation } = &self.identity;
        let is_ours = nodes::renew(&mut tx, name, incarnation, &life, self.clock.now_ms()).await?;
        let listed = members::all(&mut tx).await?;
        tx.commit().await?;
        self.note(is_ours);
        Ok(Renewal::Members(listed.iter().filter_map(row).collect()))
    }

    fn note(&self, is_ours: bool) {
        if !is_ours && self.entered.swap(false, Ordering::Relaxed) {
            tracing::error!("another process is registered as node {}", self.identity.name);
        } else if is_ours {
            self.entered.store(true, Ordering::Relaxed);
        }
    }

    async fn try_remove(&self, member: Incarnation, attempt: u64) -> Result<()> {
        let mut tx = self.store.config_write().await?;
        members::hold(&mut tx).await?;
        members::remove(&mut tx, &member.to_string(), i64::try_from(attempt).unwrap_or(i64::MAX)).await?;
        Ok(tx.commit().await?)
    }
}

/// A name that is none is nobody's who could answer.
fn row(member: &members::Member) -> Option<Listed> {
    let life = u128::from_str_radix(&member.life, 16).ok()?;
    Some(Listed { member: Incarnation(life), attempt: u64::try_from(member.attempt).ok()? })
}

impl Registry for Membership {
    fn renew(&self, me: Incarnation, attempt: u64, register: bool) -> Pending<'_, Renewal> {
        Box::pin(async move {
            let renewed = self.try_renew(me, attempt, register).await;
            renewed.map_err(|error| error.cause_chain())
        })
    }

    fn remove(&self, member: Incarnation, attempt: u64) -> Pending<'_, ()> {
        Box::pin(async move { self.try_remove(member, attempt).await.map_err(|error| error.cause_chain()) })
    }
}

impl Versions for Membership {
    fn locked(&self, scope: ScopeKey) -> Pending<'_, Version> {
        Box::pin(async move {
            let version = self.store.version_locked(scope).await.map_err(crate::Error::from);
            version.map(|version| Version(version.0)).map_err(|error| error.cause_chain())
        })
    }
}
