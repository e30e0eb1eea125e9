//! Taking up other members, balancers and paths while serving: whoever stays goes on as it was.
//!
//! Called by `live` when the configuration was read again and can work. Requests under way keep the plan they began with, and
//! so end well with a member that has gone.

use std::sync::{Arc, PoisonError};

use crate::layout::Layout;
use crate::manager::Held;
use crate::member::Member;
use crate::members::Members;
use crate::params::balancer::BalancerConfig;
use crate::tier::{Plan, Tier};

impl Tier {
    /// Makes this the plan. A member that stays (same balancer, route, address and protocol) keeps its connections, counts and state.
    pub(crate) fn rearrange(&self, layout: &Layout) {
        // Whoever hears of other nodes meanwhile waits, and so does the manager.
        let nodes = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.manager.hold();
        let before = self.plan();
        let balancers = layout.balancers.iter().enumerate().map(|(place, balancer)| {
            let old = before.balancers.iter().enumerate().find(|(_, old)| *old.name == *balancer.name);
            match old {
                // Those that were found belong to the first one.
                Some((was, old)) => self.follow(old, balancer, was == 0 && place == 0, &held),
                None => self.begin(balancer, &held),
            }
        });
        let balancers: Vec<_> = balancers.collect();
        let staying: Vec<_> = balancers.iter().flat_map(Members::list).map(|member| member.number).collect();
        self.replace_plan(Plan { balancers, mappings: layout.mappings.clone() });
        for member in before.balancers.iter().flat_map(Members::list) {
            if !staying.contains(&member.number) {
                member.pool.clear();
                said(&member, "member is gone from the configuration");
            }
        }
        drop(held);
        self.settle_known(&nodes);
    }

    /// A balancer that is there, as it is configured now.
    fn follow(&self, old: &Members, balancer: &BalancerConfig, found: bool, held: &Held<'_>) -> Members {
        let moment = self.moment_of_all();
        let was_empty = old.list().is_empty();
        let again = |member: &Arc<Member>, config: &_| {
            if member.config == *config {
                return member.clone();
            }
            let changed = member.with(config, &self.config);
            held.reconcile(&member.config, &changed);
            said(&changed, "member has other parameters");
            changed
        };
        let make = |config: &_| {
            let member = Member::new(self.number(), old.name.clone(), config, &self.config, moment);
            if !was_empty {
                member.begins(moment.now);
            }
            held.recall(&member);
            said(&member, "member has come into the configuration");
            member
        };
        old.rearranged(balancer, found, again, make)
    }

    /// A balancer that was not there.
    fn begin(&self, balancer: &BalancerConfig, held: &Held<'_>) -> Members {
        let first = self.numbers(balancer.members.len());
        let new = Members::new(balancer, &self.config, first, self.moment_of_all());
        for member in new.list() {
            held.recall(&member);
            said(&member, "member has come into the configuration");
        }
        new
    }
}

fn said(member: &Member, what: &str) {
    tracing::info!(balancer = &*member.balancer, route = member.route, address = member.address, "{what}");
}
