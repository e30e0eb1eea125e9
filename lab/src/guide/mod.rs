//! The guide "Load balancing and clustering", chapter by chapter, typed on the lab's hosts as it is written.

pub(crate) mod balancing;
pub(crate) mod cluster;
pub(crate) mod databases;
pub(crate) mod filestore;
pub(crate) mod operator;
pub(crate) mod provisioning;
pub(crate) mod sessions;
