//! Members that nobody has named: nodes that are heard of in the cluster's mesh.
//!
//! The binary tells of them through `Control`, whenever somebody comes or goes. They belong to the first balancer, and
//! whoever is named in the configuration stays what it is there.

use std::net::SocketAddr;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use crate::Config;
use crate::member::Member;
use crate::params::member::{MemberConfig, Protocol};
use crate::tier::Tier;

/// Whether nodes of the mesh are members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MeshMembers {
    /// If no others are named.
    #[default]
    Auto,
    /// Beside those that are.
    Also,
    /// No.
    Off,
}

/// A node that takes requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundNode {
    /// What stands behind the dot of its session ids.
    pub route: String,
    /// Where it takes HTTP.
    pub http: SocketAddr,
    /// Where it takes AJP13, if it does.
    pub ajp: Option<SocketAddr>,
}

impl Config {
    /// Whether nodes that are found in the mesh are members.
    #[must_use]
    pub fn wants_mesh(&self) -> bool {
        match self.mesh_members {
            MeshMembers::Off => false,
            MeshMembers::Also => true,
            MeshMembers::Auto => {
                self.members.is_empty() && self.balancers.is_empty() && self.proxy_config.is_empty()
            }
        }
    }

    /// A node as a member; none if it is not spoken to as is wanted, or has a route that cannot be.
    fn member_of(&self, node: &FoundNode) -> Option<MemberConfig> {
        let address = match self.mesh_protocol {
            Protocol::Http => Some(node.http),
            Protocol::Ajp => node.ajp,
        };
        let mut member = self.mesh_parameters.clone();
        member.route.clone_from(&node.route);
        member.address = address?.to_string();
        member.protocol = self.mesh_protocol;
        match member.check() {
            Ok(()) => Some(member),
            Err(reason) => {
                tracing::warn!(route = node.route, reason, "a node of the mesh cannot be a member");
                None
            }
        }
    }
}

impl Tier {
    /// Takes these nodes for members, in the place of those that were found before.
    pub(crate) fn settle(&self, nodes: &[FoundNode]) {
        let mut known = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.clone_into(&mut known);
        self.settle_known(&known);
    }

    /// The same, of nodes that are known; the caller has locked them.
    pub(crate) fn settle_known(&self, nodes: &[FoundNode]) {
        let plan = self.plan();
        let Some(balancer) = plan.balancers.first() else { return };
        let mut found: Vec<MemberConfig> = Vec::new();
        for member in nodes.iter().filter_map(|node| self.config.member_of(node)) {
            // Two nodes with one route would take turns with each other's sessions; the first one has it.
            if found.iter().all(|other| other.route != member.route) {
                found.push(member);
            }
        }
        let name = balancer.name.clone();
        let moment = self.moment_of_all();
        let make =
            |member: &MemberConfig| Member::new(self.number(), name.clone(), member, &self.config, moment);
        // Not under the balancer's lock: the manager holds its own while it looks for members.
        for member in balancer.settle(&found, make, moment.now) {
            self.manager.recall(&member);
        }
    }
}
