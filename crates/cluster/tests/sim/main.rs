//! Whole nodes on a simulated network, registry, database and clock, everything decided by one seed.

#[cfg(test)]
mod checkers;
#[cfg(test)]
mod history;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod rng;
#[cfg(test)]
mod run;
#[cfg(test)]
mod scaling;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod workload;
#[cfg(test)]
mod world;
