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

    /// What is made of nodes of the mesh.
    pub(crate) fn mesh_terms(&self) -> MeshTerms {
        MeshTerms {
            are_members: self.wants_mesh(),
            protocol: self.mesh_protocol,
            parameters: self.mesh_parameters.clone(),
        }
    }
}

/// What is made of nodes of the mesh. Another takes its place when the configuration is read again.
#[derive(Debug)]
pub(crate) struct MeshTerms {
    are_members: bool,
    protocol: Protocol,
    parameters: MemberConfig,
}

impl MeshTerms {
    /// A node as a member; none if it is not spoken to as is wanted, or has a route that cannot be.
    fn member_of(&self, node: &FoundNode) -> Option<MemberConfig> {
        let address = match self.protocol {
            Protocol::Http => Some(node.http),
            Protocol::Ajp => node.ajp,
        };
        let mut member = self.parameters.clone();
        member.route.clone_from(&node.route);
        member.address = address?.to_string();
        member.protocol = self.protocol;
        match member.check() {
            Ok(()) => Some(member),
            Err(reason) => {
                tracing::warn!(route = node.route, reason, "a node of the mesh cannot be a member");
                None
            }
        }
    }
}

/// The nodes that the mesh was last said to have, and what is made of them.
#[derive(Debug)]
pub(crate) struct InMesh {
    pub(crate) nodes: Vec<FoundNode>,
    pub(crate) terms: MeshTerms,
}

impl InMesh {
    /// The members that they are, each route once.
    pub(crate) fn members(&self) -> Vec<MemberConfig> {
        let mut found: Vec<MemberConfig> = Vec::new();
        let nodes = self.nodes.iter().filter(|_| self.terms.are_members);
        for member in nodes.filter_map(|node| self.terms.member_of(node)) {
            // Two nodes with one route would take turns with each other's sessions; the first one has it.
            if found.iter().all(|other| other.route != member.route) {
                found.push(member);
            }
        }
        found
    }
}

impl Tier {
    /// Takes these nodes for members, in the place of those that were found before.
    pub(crate) fn settle(&self, nodes: &[FoundNode]) {
        let mut mesh = self.mesh.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.clone_into(&mut mesh.nodes);
        let plan = self.plan();
        let Some(balancer) = plan.balancers.first() else { return };
        let name = balancer.name.clone();
        let moment = self.moment_of_all();
        let make =
            |member: &MemberConfig| Member::new(self.number(), name.clone(), member, &self.config, moment);
        // Not under the balancer's lock: the manager holds its own while it looks for members.
        for member in balancer.settle(&mesh.members(), make, moment.now) {
            self.manager.recall(&member);
        }
    }
}
