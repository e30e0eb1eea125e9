//! The crate from outside: certificates as an operator makes them, meshes over real sockets, beacons.

#[cfg(test)]
mod authority;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod mesh;
#[cfg(test)]
mod watching;
