//! The statements of configdb, one file a subject.

pub mod contexts;
pub mod counts;
pub mod databases;
pub mod filestores;
pub mod jobs;
pub mod left_keys;
pub mod login_failures;
pub mod members;
pub mod nodes;
pub mod reasons;
pub mod sequence;
pub mod servers;
pub mod session_claims;
pub mod web_tiers;
pub mod wishes;
