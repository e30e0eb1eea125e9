//! A real MariaDB for tests: a server of the test process's own, with its own data directory and socket, no port, started
//! by the first test that asks and gone with the process, however it ends; and, for tests of what happens to servers,
//! servers and groups of a master with its replicas that belong to one test.
//!
//! Called by tests alone. Each test makes schemas of its own in it.

#![cfg_attr(test, allow(clippy::indexing_slicing, reason = "a test that goes wrong fails"))]

mod group;
mod leftovers;
mod process;
mod server;
mod template;

use std::sync::OnceLock;

pub use group::{Group, wait_for};
pub use server::Server;

use server::Part;

static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();

/// The server of this process; started now if it is not running.
///
/// # Panics
/// If it cannot be started: that fails the test that asked, and says what is missing.
#[allow(clippy::panic, reason = "a server that can't be started fails the test, with what it said")]
pub fn server() -> &'static Server {
    match SERVER.get_or_init(|| Server::start(Part::Alone, &[])) {
        Ok(server) => server,
        Err(reason) => panic!("MariaDB for tests: {reason}"),
    }
}
