//! Whole nodes on a made-up network with a made-up registry, on a clock that stands still until a test turns it.

mod changes;
mod cluster;
mod lives;
mod status;
mod writes;
