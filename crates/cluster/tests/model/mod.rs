//! The model: the very `step` that nodes run, and the very fence that readers look through, with a registry, a database,
//! connections and clocks of which the checker tries every order of events. It belongs to the core's own tests, so that
//! it can take rules away and compare states; nothing but tests is compiled with it.

mod case;
mod cases;
mod database;
mod moves;
mod network;
mod node;
mod normal;
mod properties;
mod registry;
mod table;
mod whole;
mod world;
