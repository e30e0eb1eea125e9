//! The faults, in the order in which they happen. Each leaves the lab as it found it, but for the last: there the replica
//! becomes the master and the old master stays dead.

use super::{Fault, servers};
use crate::guide::operator::ask;
use crate::hosts::Cut;

pub(crate) const FAULTS: [Fault; 14] = [
    Fault { name: "nothing is wrong", in_short: true, begin: |_| Ok(()), end: |_| Ok(()) },
    Fault {
        name: "replica: its SQL thread is stopped",
        in_short: true,
        begin: |lab| ask(lab.host("dbslave")?, "STOP SLAVE SQL_THREAD;").map(drop),
        end: |lab| ask(lab.host("dbslave")?, "START SLAVE SQL_THREAD;").map(drop),
    },
    Fault {
        name: "replica: it is delayed by 2 s",
        in_short: true,
        begin: |lab| delay(lab.host("dbslave")?, 2),
        end: |lab| delay(lab.host("dbslave")?, 0),
    },
    Fault {
        name: "replica: it is cut off from the nodes",
        in_short: false,
        begin: |lab| {
            lab.cut(&[Cut::between("dbslave", "oxgw01"), Cut::between("dbslave", "oxgw02")].concat())
        },
        end: |lab| lab.heal(),
    },
    Fault {
        name: "replica: it is cut off from its master",
        in_short: true,
        begin: |lab| lab.cut(&Cut::between("dbslave", "dbmaster")),
        end: |lab| lab.heal(),
    },
    Fault {
        name: "replica: it is frozen",
        in_short: true,
        begin: |lab| lab.host("dbslave")?.signal("STOP", "mariadbd"),
        end: |lab| lab.host("dbslave")?.signal("CONT", "mariadbd"),
    },
    Fault {
        name: "replica: it is killed (-9) and comes back",
        in_short: false,
        begin: |lab| servers::kill(lab.host("dbslave")?),
        end: |lab| servers::start(lab.host("dbslave")?),
    },
    Fault {
        name: "replica: its cable is out",
        in_short: false,
        begin: |lab| lab.carrier("dbslave", false),
        end: |lab| lab.carrier("dbslave", true),
    },
    Fault {
        name: "replica: it is made writable by mistake",
        in_short: true,
        begin: |lab| ask(lab.host("dbslave")?, "SET GLOBAL read_only=0;").map(drop),
        end: |lab| ask(lab.host("dbslave")?, "SET GLOBAL read_only=1;").map(drop),
    },
    Fault {
        name: "master: it is frozen",
        in_short: true,
        begin: |lab| lab.host("dbmaster")?.signal("STOP", "mariadbd"),
        end: |lab| lab.host("dbmaster")?.signal("CONT", "mariadbd"),
    },
    Fault {
        name: "master: it is cut off from the nodes",
        in_short: false,
        begin: |lab| {
            lab.cut(&[Cut::between("dbmaster", "oxgw01"), Cut::between("dbmaster", "oxgw02")].concat())
        },
        end: |lab| lab.heal(),
    },
    Fault {
        name: "master: it is cut off from one node",
        in_short: false,
        begin: |lab| lab.cut(&Cut::between("dbmaster", "oxgw01")),
        end: |lab| lab.heal(),
    },
    Fault {
        name: "master: it is killed (-9) and comes back",
        in_short: true,
        begin: |lab| servers::kill(lab.host("dbmaster")?),
        end: |lab| {
            servers::start(lab.host("dbmaster")?)?;
            servers::reconnect(lab.host("dbslave")?)
        },
    },
    Fault {
        name: "semi-synchronous master: it is killed (-9), the replica is promoted",
        in_short: true,
        begin: |lab| {
            servers::semi_synchronous(lab)?;
            crate::wait::pass(super::CALM);
            servers::kill(lab.host("dbmaster")?)
        },
        end: |lab| servers::promote(lab.host("dbslave")?),
    },
];

fn delay(slave: &crate::hosts::Host, seconds: u32) -> crate::Result {
    ask(slave, &format!("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY={seconds}; START SLAVE;")).map(drop)
}
