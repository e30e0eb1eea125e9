//! The guard of passwords: guessing becomes slow, on all nodes together, and keeps nobody out but who guesses.
//!
//! `authenticate` begins an [`Attempt`] before it compares a password, and says how it went. Failures are counted in configdb:
//! for an account and a network together, for a network, and for an account. Whoever comes from a device or a network from
//! which the account was signed in to before is measured by failures of that device or network alone: what others do
//! elsewhere does not bear on them. All of it goes the same way for accounts that do not exist.

mod config;
mod turns;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use zebu_model::{ContextId, Refusal, UserId};
use zebu_store::configdb::login_failures::{self, Counter};
use zebu_store::shard::origins;
use zebu_store::{Place, WriteTx};

use super::digest;
use super::network::Network;
use crate::app::App;
use crate::error::Result;
use crate::random;
use crate::settle::until_settled;
use config::Patience;
use turns::{Turn, Turns};

pub use config::GuardConfig;

/// How old it may get when an origin was last seen before that is written again, ms.
const SEEN_MS: i64 = 86_400_000;

/// The guard of one node: who is at an account at the moment, and how often it let in, out and wait.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    turns: Turns,
    succeeded: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
}

/// Sign-ins of this node, by what became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignIns {
    /// Name and password were right.
    pub succeeded: u64,
    /// They, or the second factor, were not.
    pub failed: u64,
    /// They were not looked at: too many failures came before.
    pub refused: u64,
}

/// How sign-ins went on this node since it started.
#[must_use]
pub fn sign_ins(app: &App) -> SignIns {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let guard = &app.guard;
    SignIns { succeeded: read(&guard.succeeded), failed: read(&guard.failed), refused: read(&guard.refused) }
}

/// Where somebody comes from who signs in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The client's address, where it is known.
    pub address: Option<IpAddr>,
    /// What the client's device cookies say, by the rest of their names.
    pub devices: &'a [(String, String)],
}

/// The account that somebody says is theirs, whether there is one or not.
#[derive(Debug)]
pub(super) struct Account<'a> {
    pub(super) place: Option<&'a Place>,
    /// 0 if there is none such.
    pub(super) user: UserId,
    pub(super) login: &'a str,
    pub(super) mapping: &'a str,
}

impl Account<'_> {
    fn key(&self) -> String {
        match self.place {
            Some(place) if self.user.0 != 0 => format!("{}/{}", place.context, self.user),
            Some(place) => format!("{}//{}", place.context, self.login),
            None => format!("//{}/{}", self.mapping, self.login),
        }
    }

    fn ids(&self) -> (ContextId, UserId) {
        (self.place.map_or(ContextId(0), |place| place.context), self.user)
    }
}

/// What the rest of a device cookie's name is for an account.
fn device_name(context: ContextId, user: UserId) -> String {
    super::cookie_hash(&format!("device of {context}/{user}"))
}

/// What failures are counted for. A number is what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Network = 1,
    Account = 2,
    Pair = 3,
    Device = 4,
}

impl Kind {
    /// The kind that is stored as this number.
    pub(crate) fn of(number: i64) -> Option<Kind> {
        let all = [Kind::Network, Kind::Account, Kind::Pair, Kind::Device];
        all.into_iter().find(|kind| *kind as i64 == number)
    }

    /// What operators call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Network => "network",
            Kind::Account => "account",
            Kind::Pair => "both",
            Kind::Device => "device",
        }
    }
}

/// How long the next attempt of a stranger has to wait for what is counted of this kind, ms.
pub(crate) fn wait_ms(app: &App, kind: Kind, failures: u32, last: i64, now: i64) -> i64 {
    let config = &app.config.sessions.guard;
    let free = match kind {
        Kind::Network => config.free_of_network,
        Kind::Account => config.free_of_account,
        Kind::Pair | Kind::Device => config.free,
    };
    config.patience(free, config.wait_ms_max).wait_ms(failures, last, now)
}

/// A sign-in under way, alone at its account and origin on this node.
#[derive(Debug)]
pub(super) struct Attempt {
    counters: Vec<(Counter, Patience)>,
    /// The first counter has failures.
    has_failed: bool,
    /// Origins that are to be remembered if it succeeds.
    unseen: Vec<[u8; 32]>,
    is_known_device: bool,
    ids: (ContextId, UserId),
    _turn: Turn,
}

/// What a sign-in that succeeded has remembered.
#[derive(Debug, Default)]
pub(super) struct Welcome {
    unseen: Vec<[u8; 32]>,
    device: Option<(String, String)>,
}

impl Attempt {
    /// Waits for its turn, and is refused (`LGI-0031`) while earlier failures make it wait.
    pub(super) async fn begin(app: &App, account: &Account<'_>, origin: Origin<'_>) -> Result<Attempt> {
        let config = &app.config.sessions.guard;
        let network = origin.address.map(|address| Network::of(address, config.prefixes()).to_string());
        let network = network.unwrap_or_else(|| "unknown".to_owned());
        let network_hash = digest(&format!("network {network}"));
        let name = device_name(account.ids().0, account.user);
        let device = origin.devices.iter().find(|(rest, _)| *rest == name);
        let device = device.map(|(_, value)| digest(&format!("device {value}")));
        let seen = seen(app, account, &[Some(network_hash), device]).await?;
        let last = |hash: &[u8; 32]| seen.iter().find(|(known, _)| known == hash).map(|(_, seen)| *seen);
        let known_device = device.filter(|device| last(device).is_some());
        let counters = counters(config, account, &network, known_device, last(&network_hash).is_some());
        let first = counters.first().map(|(counter, _)| counter.what).unwrap_or_default();
        let turn = app.guard.turns.take(first).await?;
        let now = app.now_ms();
        let unseen = [Some(network_hash), known_device].into_iter().flatten();
        let unseen = unseen.filter(|hash| last(hash).is_none_or(|seen| now.saturating_sub(seen) >= SEEN_MS));
        let mut attempt = Attempt {
            counters,
            has_failed: false,
            unseen: unseen.collect(),
            is_known_device: known_device.is_some(),
            ids: account.ids(),
            _turn: turn,
        };
        attempt.look(app, now).await?;
        Ok(attempt)
    }

    /// Reads the counters. If configdb does not answer nobody has to wait: guessing still takes a processor for each try, and nobody
    /// is to be kept out because of that.
    async fn look(&mut self, app: &App, now: i64) -> Result<()> {
        let whats: Vec<[u8; 32]> = self.counters.iter().map(|(counter, _)| counter.what).collect();
        let read = async {
            let mut tx = app.store.config().await?;
            login_failures::find(&mut tx, &whats).await
        };
        let found = match read.await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!("failed sign-ins cannot be counted: {error}");
                return Ok(());
            }
        };
        let mut wait = 0i64;
        for (counter, patience) in &self.counters {
            let Some(counted) = found.iter().find(|found| found.counter.what == counter.what) else {
                continue;
            };
            wait = wait.max(patience.wait_ms(counted.failures, counted.last, now));
        }
        self.has_failed = found.iter().any(|found| Some(&found.counter.what) == whats.first());
        if wait == 0 {
            return Ok(());
        }
        app.guard.refused.fetch_add(1, Ordering::Relaxed);
        let seconds = u64::try_from(wait.saturating_add(999) / 1_000).unwrap_or(1);
        Err(Refusal::SignInWait { seconds }.into())
    }

    /// The password, or the second factor, was wrong.
    pub(super) async fn failed(self, app: &App) {
        app.guard.failed.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = until_settled!(self.count(app).await) {
            tracing::warn!("a failed sign-in was not counted: {}", error.cause_chain());
        }
        let network = self.counters.iter().map(|(counter, _)| counter.network.as_str());
        tracing::info!(
            "Sign-in failed. Context: {}, User: {}, Network: {}",
            self.ids.0,
            self.ids.1,
            network.max().unwrap_or_default()
        );
    }

    async fn count(&self, app: &App) -> Result<()> {
        let now = app.now_ms();
        let forget_before = now.saturating_sub(app.config.sessions.guard.forget_ms);
        let mut tx = app.store.config_write().await?;
        for (counter, _) in &self.counters {
            login_failures::count(&mut tx, counter, now, forget_before).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Everything was right: what this account and origin failed before is forgotten. `with_device`: the client keeps cookies, and
    /// gets one by which its device is known from now on.
    pub(super) async fn succeeded(self, app: &App, with_device: bool) -> Result<Welcome> {
        app.guard.succeeded.fetch_add(1, Ordering::Relaxed);
        if self.has_failed
            && let Err(error) = until_settled!(self.forget(app).await)
        {
            tracing::warn!("failed sign-ins were not forgotten: {}", error.cause_chain());
        }
        let mut unseen = self.unseen;
        let mut device = None;
        if with_device && !self.is_known_device {
            let value = random::token()?;
            unseen.push(digest(&format!("device {value}")));
            device = Some((device_name(self.ids.0, self.ids.1), value));
        }
        Ok(Welcome { unseen, device })
    }

    async fn forget(&self, app: &App) -> Result<()> {
        let mut tx = app.store.config_write().await?;
        if let Some((counter, _)) = self.counters.first() {
            login_failures::forget(&mut tx, counter.what).await?;
        }
        Ok(tx.commit().await?)
    }
}

impl Welcome {
    /// Whether there is nothing to remember.
    pub(super) fn is_old_news(&self) -> bool {
        self.unseen.is_empty()
    }

    /// Remembers from where the user signed in.
    pub(super) async fn remember(&self, app: &App, tx: &mut WriteTx, user: UserId) -> Result<()> {
        let kept = app.config.sessions.guard.known_max;
        for hash in &self.unseen {
            origins::remember(tx, user, *hash, app.now_ms(), kept).await?;
        }
        Ok(())
    }

    /// The device cookie to set: the rest of its name, and its value.
    pub(super) fn device(&self) -> Option<(String, String)> {
        self.device.clone()
    }
}

/// Which of these origins the account was signed in to from before. An account that does not exist is asked for too.
async fn seen(app: &App, account: &Account<'_>, hashes: &[Option<[u8; 32]>]) -> Result<Vec<([u8; 32], i64)>> {
    let Some(place) = account.place else { return Ok(Vec::new()) };
    let hashes: Vec<[u8; 32]> = hashes.iter().flatten().copied().collect();
    let mut tx = app.read(place).await?;
    Ok(origins::known(&mut tx, account.user, &hashes).await?)
}

/// What this sign-in is measured by, and how; what is forgotten when it succeeds comes first.
fn counters(
    config: &GuardConfig,
    account: &Account<'_>,
    network: &str,
    known_device: Option<[u8; 32]>,
    is_known_network: bool,
) -> Vec<(Counter, Patience)> {
    let key = account.key();
    let counter = |kind: Kind, what: String, network: &str| Counter {
        what: digest(&format!("{} {what}", kind as i64)),
        kind: kind as i64,
        account: if kind == Kind::Network { (ContextId(0), UserId(0)) } else { account.ids() },
        network: network.to_owned(),
    };
    let patience = |free: u32, longest_ms: i64| config.patience(free, longest_ms);
    if let Some(device) = known_device {
        let what = format!("{key} {}", random::hex(&device));
        return vec![(counter(Kind::Device, what, network), patience(config.free, config.wait_ms_max))];
    }
    let pair = counter(Kind::Pair, format!("{key} {network}"), network);
    if is_known_network {
        return vec![(pair, patience(config.free_if_known, config.wait_if_known_ms_max))];
    }
    vec![
        (pair, patience(config.free, config.wait_ms_max)),
        (
            counter(Kind::Network, network.to_owned(), network),
            patience(config.free_of_network, config.wait_ms_max),
        ),
        (counter(Kind::Account, key, ""), patience(config.free_of_account, config.wait_ms_max)),
    ]
}

/// Forgets failures that are over, and keeps the number of counters within its limit. Called by the sweeper.
pub(crate) async fn trim(app: &App) -> Result<u64> {
    let config = &app.config.sessions.guard;
    let before = app.now_ms().saturating_sub(config.forget_ms);
    if !login_failures::any_before(&mut app.store.config().await?, before, config.counters_max).await? {
        return Ok(0);
    }
    let mut tx = app.store.config_write().await?;
    let trimmed = login_failures::trim(&mut tx, before, config.counters_max).await?;
    tx.commit().await?;
    Ok(trimmed)
}
