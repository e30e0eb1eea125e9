//! The statements of configdb, one file a subject.

pub mod contexts;
pub mod databases;
pub mod members;
pub mod resources;
pub mod web_tiers;
