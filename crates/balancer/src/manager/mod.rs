//! Changes of members while the web tier runs: shares and status letters, kept over restarts, each written down.
//!
//! Who may change is decided before: by the socket's mode (`socket`) or by a password (`page`). Requests never wait for it.
//!
//! | what | module |
//! |---|---|
//! | settings | `config` |
//! | what was changed, in a file | `state` |
//! | `zebu members`, over a socket of this machine | `socket` |
//! | the page, on a listener of its own | `page`, `html` |

mod config;
mod html;
mod page;
mod socket;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::Error;
use crate::flags::Flags;
use crate::member::Member;
use crate::members::Members;
use crate::params::member::MemberConfig;
use crate::params::value::Weight;
use crate::tier::Tier;

pub use config::ManagerConfig;
pub use socket::{Order, Reply, ask};

use state::{Kept, State};

/// A change of one member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    /// The member's route.
    pub route: String,
    /// Its balancer; needed only if several have a member of that route.
    pub balancer: Option<String>,
    /// Its new share, as `loadfactor` is written.
    pub weight: Option<String>,
    /// Its status letters, as `status` is written: `+D-N`.
    pub status: Option<String>,
}

/// What was changed, and is kept.
#[derive(Debug)]
pub(crate) struct Manager(Mutex<State>);

impl Manager {
    /// Makes the members what they were made before the last restart.
    ///
    /// # Errors
    /// [`Error::Config`]: the file cannot be read, or is none of ours.
    pub(crate) fn new(config: &ManagerConfig, balancers: &[Members]) -> Result<Self, Error> {
        let state = State::read(config.members_file.as_deref())?;
        for Kept { balancer, route, weight, status } in &state.kept {
            match found(balancers, Some(balancer), route) {
                Ok(member) => {
                    tracing::info!(balancer, route, %weight, status, "member is as it was made while the web tier ran");
                    member.change(*weight, letters(status).map_err(Error::Config)?);
                }
                Err(reason) => {
                    tracing::warn!(balancer, route, reason, "a change that was kept is for nobody")
                }
            }
        }
        Ok(Self(Mutex::new(state)))
    }

    /// Makes a member that has just come what it was made before.
    pub(crate) fn recall(&self, member: &Member) {
        self.hold().recall(member);
    }

    /// What is kept; nothing is changed until it is let go.
    pub(crate) fn hold(&self) -> Held<'_> {
        Held(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Carries a change out: it is kept, then it holds, then it is written down with who wanted it.
    ///
    /// # Errors
    /// Nothing was changed: the sentence names the field and what it may be.
    pub(crate) fn change(&self, tier: &Tier, change: &Change, who: &str) -> Result<(), String> {
        // One after the other: a change is whole before the next begins.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Change { route, balancer, weight, status } = change;
        if weight.is_none() && status.is_none() {
            return Err("nothing to change: say weight or status".to_owned());
        }
        let member = found(&tier.plan().balancers, balancer.as_deref(), route)?;
        let (old_weight, old_flags) = (member.weight(), member.standing().flags());
        let weight = weight.as_deref().map_or(Ok(old_weight), Weight::parse);
        let weight = weight.map_err(|reason| format!("weight {reason}"))?;
        let flags = status.as_deref().map_or(Ok(old_flags), |text| old_flags.changed(text));
        let flags = flags.map_err(|reason| format!("status: {reason}"))?;
        if flags.has(Flags::ERROR) && !old_flags.has(Flags::ERROR) {
            return Err("status: E cannot be set, only taken away (-E): it is found out".to_owned());
        }
        // A web tier that was told, and could not keep it, would say one thing today and another tomorrow.
        state.keep(kept(&member, weight, flags), is_configured(&member, weight, flags))?;
        member.change(weight, flags);
        tracing::info!(
            target: "zebu_balancer::audit",
            who,
            balancer = &*member.balancer,
            route,
            old = told(old_weight, old_flags),
            new = told(weight, flags),
            "a member was changed"
        );
        Ok(())
    }
}

/// What is kept, while nobody changes it.
pub(crate) struct Held<'a>(MutexGuard<'a, State>);

impl Held<'_> {
    fn of(&self, member: &Member) -> Option<&Kept> {
        let is_its = |kept: &&Kept| *kept.balancer == *member.balancer && kept.route == member.route;
        self.0.kept.iter().find(is_its)
    }

    /// As [`Manager::recall`].
    pub(crate) fn recall(&self, member: &Member) {
        let Some(kept) = self.of(member) else { return };
        match letters(&kept.status) {
            Ok(flags) => member.change(kept.weight, flags),
            Err(reason) => tracing::warn!(route = member.route, reason, "a change that was kept cannot hold"),
        }
    }

    /// Makes a member that stays what the configuration, which has said `before`, says now; what was changed and kept still holds.
    pub(crate) fn reconcile(&self, before: &MemberConfig, member: &Member) {
        let own = |config: &MemberConfig| (config.weight, lasting(config.flags));
        let (weight, flags) = own(&member.config);
        if own(before) == (weight, flags) {
            return;
        }
        if let Some(Kept { weight, status, .. }) = self.of(member) {
            let (balancer, route) = (&*member.balancer, &member.route);
            tracing::warn!(
                balancer, route, %weight, status,
                "weight or status of a member have changed in the configuration, but what they were made while the web tier ran still holds"
            );
            return;
        }
        let is_in_error = member.standing().flags().has(Flags::ERROR);
        member.change(weight, flags.with(Flags::ERROR, is_in_error));
    }
}

/// Starts what is configured: socket and page.
pub(crate) fn start(tier: &Arc<Tier>, tasks: &mut JoinSet<()>) {
    let config = &tier.config.manager;
    if let Some(path) = config.socket.clone() {
        tasks.spawn(socket::serve(tier.clone(), path));
    }
    if let Some(listen) = config.listen {
        tasks.spawn(page::serve(tier.clone(), listen));
    }
}

/// The member of a route, which must be the only one.
fn found(balancers: &[Members], balancer: Option<&str>, route: &str) -> Result<Arc<Member>, String> {
    let is_meant = |members: &&Members| balancer.is_none_or(|name| *members.name == *name);
    let members = balancers.iter().filter(is_meant).flat_map(Members::list);
    let mut named = members.filter(|member| member.route == route);
    match (named.next(), named.next()) {
        (Some(member), None) => Ok(member),
        (Some(_), Some(_)) => Err(format!("route {route}: several balancers have one, name the balancer")),
        (None, _) => Err(format!("route {route}: there is no such member")),
    }
}

/// An error passes by itself, and is nobody's wish.
fn lasting(flags: Flags) -> Flags {
    flags.with(Flags::ERROR, false)
}

fn kept(member: &Member, weight: Weight, flags: Flags) -> Kept {
    let (balancer, route) = (member.balancer.to_string(), member.route.clone());
    Kept { balancer, route, weight, status: lasting(flags).to_string() }
}

fn is_configured(member: &Member, weight: Weight, flags: Flags) -> bool {
    weight == member.config.weight && lasting(flags) == lasting(member.config.flags)
}

/// Letters without signs; none for an empty text.
fn letters(text: &str) -> Result<Flags, String> {
    if text.is_empty() { Ok(Flags::NONE) } else { Flags::NONE.changed(text) }
}

fn told(weight: Weight, flags: Flags) -> String {
    format!(
        "weight {weight} status {}",
        if flags == Flags::NONE { "-".to_owned() } else { flags.to_string() }
    )
}
