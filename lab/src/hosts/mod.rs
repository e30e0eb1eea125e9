//! Hosts on one machine: network namespaces with the guide's names and addresses, and the faults that can befall them. Used
//! by the scenarios; nothing here knows what runs on a host.

mod bridge;
mod freezer;
mod host;
mod keeper;
mod lab;
mod place;

pub(crate) use bridge::Cut;
pub(crate) use host::Host;
pub(crate) use lab::{EXPORT, Lab, THIRD_NODE};

use crate::Result;
use std::process::Command;

/// Runs a program of the machine to its end; answers what it printed. Anything but success is an error with what it said.
fn ended(command: &mut Command) -> Result<String> {
    let shown = format!("{command:?}").replace('"', "");
    let output = command.output().map_err(|error| format!("{shown}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{shown}: {}: {}", output.status, said.trim()).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
