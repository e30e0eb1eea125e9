//! The network between the hosts: a bridge in a namespace of its own, so that the machine has no way into it, and what can
//! go wrong on it. Called by `lab`; it never touches the machine's own interfaces or filters.

use super::{ended, keeper};
use crate::Result;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Makes the bridge and stays for as long as it is needed. Without snooping, multicast reaches every port.
const BRIDGE: &str = "set -e; ip link set lo up; ip link add br0 type bridge mcast_snooping 0 forward_delay 0; \
    ip link set br0 up; nft 'add table bridge lab; add chain bridge lab forward \
    { type filter hook forward priority 0; policy accept; }'; echo ready; exec >/dev/null sleep infinity";

const START_SECONDS_MAX: u64 = 20;

/// What does not get through, by the names of hosts. Everything of that kind is dropped without a word: ARP and multicast
/// too, where no port is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    from: String,
    /// None: to everybody.
    to: Option<String>,
    /// Of TCP, at the receiver.
    port: Option<u16>,
}

impl Cut {
    /// One way between two hosts.
    pub(crate) fn one_way(from: &str, to: &str) -> Vec<Self> {
        vec![Self { from: from.to_owned(), to: Some(to.to_owned()), port: None }]
    }

    /// Both ways between two hosts.
    pub(crate) fn between(one: &str, other: &str) -> Vec<Self> {
        [Self::one_way(one, other), Self::one_way(other, one)].concat()
    }

    /// What comes from one host for a TCP port of another.
    pub(crate) fn port(from: &str, to: &str, port: u16) -> Vec<Self> {
        vec![Self { from: from.to_owned(), to: Some(to.to_owned()), port: Some(port) }]
    }

    fn rule(&self) -> String {
        let mut rule = format!("add rule bridge lab forward iifname \"{}\"", self.from);
        if let Some(to) = &self.to {
            let _ = write!(rule, " oifname \"{to}\"");
        }
        if let Some(port) = self.port {
            let _ = write!(rule, " tcp dport {port}");
        }
        rule + " drop"
    }
}

/// The bridge of one lab.
#[derive(Debug)]
pub(crate) struct Bridge {
    child: Child,
    cuts: Mutex<Vec<Cut>>,
}

impl Bridge {
    /// A bridge that lets everything through.
    pub(crate) fn start() -> Result<Self> {
        let child = keeper::start("unshare", &["--net", "sh", "-c", BRIDGE], START_SECONDS_MAX)?;
        Ok(Self { child, cuts: Mutex::default() })
    }

    /// Plugs a host in: its `eth0` gets the address.
    pub(crate) fn plug(&self, name: &str, init: u32, address: Ipv4Addr) -> Result {
        let of_host = init.to_string();
        self.ip(&["link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", &of_host])?;
        self.ip(&["link", "set", name, "master", "br0", "up"])?;
        let inside = format!(
            "ip addr add {address}/24 dev eth0 && ip link set eth0 up && ip route add 224.0.0.0/8 dev eth0"
        );
        ended(Command::new("nsenter").args(["-t", &of_host, "-n", "sh", "-c", &inside])).map(drop)
    }

    /// Takes the cable out, or puts it back.
    pub(crate) fn carrier(&self, name: &str, plugged: bool) -> Result {
        self.ip(&["link", "set", name, if plugged { "up" } else { "down" }])
    }

    /// Drops what these say, besides what is dropped already.
    pub(crate) fn cut(&self, cuts: &[Cut]) -> Result {
        self.change(|all| all.extend_from_slice(cuts))
    }

    /// Lets through again what these say; each undoes one that was the same.
    pub(crate) fn mend(&self, cuts: &[Cut]) -> Result {
        self.change(|all| {
            for cut in cuts {
                if let Some(index) = all.iter().position(|other| other == cut) {
                    all.swap_remove(index);
                }
            }
        })
    }

    /// Lets everything through again.
    pub(crate) fn heal(&self) -> Result {
        self.change(Vec::clear)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Cut>)) -> Result {
        // Held until the filter is set: two changes at a time would undo each other.
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut cuts);
        let rules = cuts.iter().map(Cut::rule).collect::<Vec<_>>().join("\n");
        // One transaction: there is no moment without the older rules.
        let text = format!("flush chain bridge lab forward\n{rules}\n");
        let mut command = self.inside("nft");
        let mut child = command
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        child.stdin.take().ok_or("nft has no input")?.write_all(text.as_bytes())?;
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(()) } else { Err(format!("nft: {said} in\n{text}").into()) }
    }

    fn ip(&self, arguments: &[&str]) -> Result {
        ended(self.inside("ip").args(arguments)).map(drop)
    }

    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.child.id().to_string(), "-n", program]);
        command
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_one_rule_of_the_bridge() {
        let check = |cuts: Vec<Cut>, expected: &[&str]| {
            let rules: Vec<String> = cuts.iter().map(Cut::rule).collect();
            assert_eq!(rules, expected);
        };
        check(Cut::one_way("a", "b"), &["add rule bridge lab forward iifname \"a\" oifname \"b\" drop"]);
        check(
            Cut::port("a", "b", 3306),
            &["add rule bridge lab forward iifname \"a\" oifname \"b\" tcp dport 3306 drop"],
        );
        assert_eq!(Cut::between("a", "b").len(), 2);
    }
}
