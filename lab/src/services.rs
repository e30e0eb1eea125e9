//! The daemons of a host as its operator handles them: by their init scripts, and by signals. Used by whoever makes things go wrong.

use crate::Result;
use crate::hosts::Host;
use crate::wait::until;

/// A service starts, or stops in good order.
const SERVICE_SECONDS_MAX: u64 = 90;
/// What starts and stops a node.
pub(crate) const GROUPWARE: &str = "/etc/init.d/open-xchange-groupware";

/// Asks a daemon's init script for something.
pub(crate) fn service(host: &Host, script: &str, what: &str) -> Result {
    host.must(&format!("{script} {what}"), SERVICE_SECONDS_MAX).map(drop)
}

/// Starts a daemon; again, if the databases it needs are away at the moment.
pub(crate) fn start(host: &Host, script: &str) -> Result {
    until(&format!("{script} start"), SERVICE_SECONDS_MAX, || {
        let ran = host.run(&format!("{script} start"), SERVICE_SECONDS_MAX)?;
        if ran.code == 0 { Ok(Some(())) } else { Err(ran.text.into()) }
    })
    .map(drop)
}

/// Signals a node's process.
pub(crate) fn signal(host: &Host, signal: &str) -> Result {
    host.must(&format!("kill -{signal} $(cat /var/run/open-xchange-groupware.pid)"), 10).map(drop)
}

/// Kills a daemon the hard way and waits until it is gone.
pub(crate) fn kill(host: &Host, daemon: &str) -> Result {
    host.must(&format!("kill -KILL $(cat /var/run/{daemon}.pid)"), 10)?;
    until(&format!("{daemon} is gone"), 10, || {
        let status = host.run(&format!("/etc/init.d/{daemon} status"), 10)?;
        Ok((status.code != 0).then_some(()))
    })
    .map(drop)
}
