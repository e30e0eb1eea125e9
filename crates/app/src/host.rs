//! Where a process runs, so that the next one of its name can prove that it runs no more.
//!
//! A process holds a socket in the kernel's abstract namespace (unix(7)) from its start on; whatever ends it frees the
//! name. Such names are a network namespace's own, and so whoever has got the name in the same one of the same boot knows that no
//! earlier holder lives. Who cannot take the name proves nothing and waits as anybody else does.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use sha2::{Digest, Sha256};

use crate::random::hex;

/// The network namespace of one boot of one machine, and the name that this process holds in it.
#[derive(Debug)]
pub(crate) struct Host {
    name: String,
    _held: UnixListener,
}

impl Host {
    /// Takes the name of a node among those of a deployment; `None` if another process has it, or this cannot be had here.
    pub(crate) fn take(configdb: &str, node: &str) -> Option<Host> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let namespace = fs::read_link("/proc/self/ns/net").ok()?;
        let held = hex(&Sha256::digest([configdb.as_bytes(), b"\0", node.as_bytes()].concat()));
        let address = SocketAddr::from_abstract_name(format!("zebu/{held}")).ok()?;
        let listener = UnixListener::bind_addr(&address).ok()?;
        // With what is held: whoever reaches the same configdb by another URL holds something else, and proves nothing.
        Some(Host { name: format!("{} {} {held}", boot.trim(), namespace.display()), _held: listener })
    }

    /// What tells it from all others, at most 128 bytes.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_s_name_is_held_by_one_process_of_a_host_until_that_ends() {
        let configdb = format!("sqlite:{}", tempfile::tempdir().unwrap().path().display());
        let first = Host::take(&configdb, "OX-1").unwrap();
        assert!((1..=128).contains(&first.name().len()), "{}", first.name());
        assert!(Host::take(&configdb, "OX-1").is_none());
        let other = Host::take(&configdb, "OX-2").unwrap();
        assert_ne!(first.name(), other.name());
        let name = first.name().to_owned();
        drop(first);
        assert_eq!(Host::take(&configdb, "OX-1").unwrap().name(), name);
    }
}
