//! A whole lab: the guide's five hosts and a client's, plugged into one bridge. Everything of it is gone when this is
//! dropped, or when the process ends in any other way.

use super::bridge::{Bridge, Cut};
use super::host::Host;
use super::place::Place;
use crate::Result;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// The guide's hosts with the guide's addresses, and one more where the users' programs run.
pub(crate) const HOSTS: [(&str, Ipv4Addr); 6] = [
    ("web", Ipv4Addr::new(10, 20, 30, 210)),
    ("oxgw01", Ipv4Addr::new(10, 20, 30, 213)),
    ("oxgw02", Ipv4Addr::new(10, 20, 30, 215)),
    ("dbmaster", Ipv4Addr::new(10, 20, 30, 217)),
    ("dbslave", Ipv4Addr::new(10, 20, 30, 219)),
    ("client", Ipv4Addr::new(10, 20, 30, 100)),
];

/// A third node, which the guide has not: for scenarios that ask for it.
pub(crate) const THIRD_NODE: (&str, Ipv4Addr) = ("oxgw03", Ipv4Addr::new(10, 20, 30, 211));

/// Where every host finds the program, as its package would put it.
const BINARY: &str = "/usr/local/bin/zebu";

/// Where some hosts find one and the same folder: what a file server would export to them.
pub(crate) const EXPORT: &str = "/run/export";
const SHARING: [&str; 4] = ["dbmaster", "oxgw01", "oxgw02", "oxgw03"];

/// A running lab.
#[derive(Debug)]
pub(crate) struct Lab {
    // Dropped in this order: first the hosts, then their network, then their disks.
    hosts: Vec<Host>,
    bridge: Bridge,
    place: Place,
}

impl Lab {
    /// Boots all hosts, and `more`. Databases keep their data below `disk`, by default in memory; `binary` is the program that the
    /// hosts find as `zebu`.
    pub(crate) fn start(
        name: &str,
        disk: Option<&Path>,
        binary: Option<&Path>,
        more: &[(&'static str, Ipv4Addr)],
    ) -> Result<Self> {
        let place = Place::take(name, disk)?;
        let bridge = Bridge::start()?;
        let mut lab = Self { hosts: Vec::new(), bridge, place };
        let all = || HOSTS.iter().chain(more).copied();
        let names: String = all().map(|(name, address)| format!("{address} {name}\n")).collect();
        for (name, address) in all() {
            let mut mounts: Vec<(PathBuf, &str)> = Vec::new();
            if name.starts_with("db") {
                mounts.push((lab.place.on_disk(&format!("{name}-mysql"))?, "/var/lib/mysql"));
                mounts.push((lab.place.on_disk(&format!("{name}-log"))?, "/var/log/mysql"));
            }
            if SHARING.contains(&name) {
                mounts.push((lab.place.on_disk("export")?, EXPORT));
            }
            if let Some(binary) = binary {
                mounts.push((binary.to_owned(), BINARY));
            }
            lab.hosts.push(Host::new(name, address, lab.place.in_memory(name)?, &names, &mounts)?);
            lab.power_on(name)?;
        }
        Ok(lab)
    }

    /// A host by its name.
    pub(crate) fn host(&self, name: &str) -> Result<&Host> {
        let found = self.hosts.iter().find(|host| host.name() == name);
        found.ok_or_else(|| format!("there is no host {name}").into())
    }

    /// Boots a host and plugs it in. Nothing that ran before runs: services are for the caller to start.
    pub(crate) fn power_on(&mut self, name: &str) -> Result {
        let host = self.host_mut(name)?;
        host.power_on()?;
        let host = self.host(name)?;
        self.bridge.plug(name, host.init()?, host.address())
    }

    /// Takes a host's power away.
    pub(crate) fn power_off(&mut self, name: &str) -> Result {
        self.host_mut(name)?.power_off()
    }

    /// Takes a host's cable out, or puts it back.
    pub(crate) fn carrier(&self, name: &str, plugged: bool) -> Result {
        self.bridge.carrier(name, plugged)
    }

    /// Drops what is said, besides what is dropped already.
    pub(crate) fn cut(&self, cuts: &[Cut]) -> Result {
        self.bridge.cut(cuts)
    }

    /// Lets through again what [`Lab::cut`] was told, and nothing else.
    pub(crate) fn mend(&self, cuts: &[Cut]) -> Result {
        self.bridge.mend(cuts)
    }

    /// Lets everything through again.
    pub(crate) fn heal(&self) -> Result {
        self.bridge.heal()
    }

    fn host_mut(&mut self, name: &str) -> Result<&mut Host> {
        let found = self.hosts.iter_mut().find(|host| host.name() == name);
        found.ok_or_else(|| format!("there is no host {name}").into())
    }
}
