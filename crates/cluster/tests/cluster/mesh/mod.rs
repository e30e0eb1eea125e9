//! Meshes over real sockets of this machine, each node with its own listener; or over a simulated network.

mod bounds;
mod forming;
mod node;
mod order;
mod raw;
mod refusals;
mod simulated;

pub(crate) use node::{Ca, Make, NOW_MS, Node, name, patient, until};
