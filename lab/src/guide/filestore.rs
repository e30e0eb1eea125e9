//! The guide's chapter "Distributed file storage", step by step, with one thing in the place of another: NFS is not in every
//! kernel, so the hosts mount one directory of this machine where the guide mounts the export of `dbmaster`.

use super::operator::{Operator, heading, note};
use crate::Result;
use crate::hosts::{EXPORT, Lab};

/// The whole chapter.
pub(crate) fn run(lab: &Lab) -> Result {
    let mount = format!("mount --bind {EXPORT} /var/opt/filestore");
    heading("Distributed file storage");
    note(
        "Instead of NFS: one directory that this machine shares with dbmaster and both nodes (mount --bind).",
    );
    let master = Operator::at(lab.host("dbmaster")?);
    master.types("mkdir /var/opt/filestore")?;
    master.types(&mount)?;
    master.types("useradd -u 1001 -U open-xchange")?;
    note(
        "The uid must be the same everywhere; the guide's is 1001, a machine with other users would give another.",
    );
    master.types("grep open-xchange /etc/passwd")?;
    master.types("chown open-xchange:open-xchange /var/opt/filestore")?;
    heading("Installation of NFS clients");
    let nodes = [Operator::at(lab.host("oxgw01")?), Operator::at(lab.host("oxgw02")?)];
    for node in nodes {
        node.types("mkdir /var/opt/filestore/")?;
        node.types("useradd -u 1001 -U open-xchange")?;
        node.types("grep open-xchange /etc/passwd")?;
        node.types(&mount)?;
    }
    heading("Testing the distributed file storage");
    let [first, second] = nodes;
    first.types("su open-xchange -c 'touch /var/opt/filestore/foo'")?;
    second.types("su open-xchange -c 'ls -la /var/opt/filestore; rm /var/opt/filestore/foo'").map(drop)
}
