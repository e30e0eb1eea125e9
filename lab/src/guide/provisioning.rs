//! The guide's chapter "Configuring Open-Xchange Server", step by step, on `oxgw01` and `oxgw02`: configdb, both nodes'
//! configuration, the registrations, the first context and its user. What the guide prints must be printed.

use super::operator::{Operator, heading, note};
use crate::Result;
use crate::hosts::Lab;
use crate::wait::until;

/// The commands of the guide lie here.
const SBIN: &str = "/opt/open-xchange/sbin";
/// What `oxinstaller` wrote, of the node and of the administration daemon.
const CONFIGURATION: &str = "/opt/open-xchange/etc/*.toml";
/// The guide says: wait some seconds. A debug build on two busy cores takes some more.
const START_SECONDS_MAX: u64 = 60;
/// Users of the load besides the guide's.
pub(crate) const MORE_USERS: [&str; 3] = ["anna", "ben", "carla"];

/// The whole chapter.
pub(crate) fn run(lab: &Lab) -> Result {
    let nodes = [Operator::at(lab.host("oxgw01")?), Operator::at(lab.host("oxgw02")?)];
    let [first, second] = nodes;
    heading("Configuring Open-Xchange Server");
    note("Instead of the packages: one binary that knows their commands.");
    for node in nodes {
        node.types("zebu setup --prefix /opt/open-xchange")?;
    }
    note("Create the configdb database at the MySQL Master.");
    first.types(&format!(
        "{SBIN}/initconfigdb --configdb-user=openexchange --configdb-pass=secret --configdb-host=10.20.30.217"
    ))?;
    for (node, route) in [(first, "OX-1"), (second, "OX-2")] {
        node.types(&format!(
            "{SBIN}/oxinstaller --servername=oxserver --configdb-readhost=10.20.30.217 \
             --configdb-writehost=10.20.30.217 --configdb-user=openexchange --master-pass=secret \
             --configdb-pass=secret --jkroute={route} --ajp-bind-port=*"
        ))?;
    }
    note(
        "Not in the guide: configdb is on the slave too. So the nodes go on when the slave takes the master's place.",
    );
    for node in nodes {
        node.types(&format!(
            "sed -i '/^configdb = /a configdb_read = [\"mysql://openexchange:secret@10.20.30.219:3306/configdb\"]' \
             {CONFIGURATION}"
        ))?;
    }
    first.types("/etc/init.d/open-xchange-admin start")?;
    note(
        "Wait some seconds until the Open-Xchange Administration Daemon is started completely: allpluginsloaded tells.",
    );
    let host = lab.host("oxgw01")?;
    let allpluginsloaded = format!("{SBIN}/allpluginsloaded");
    let waited = until("the administration daemon is started completely", START_SECONDS_MAX, || {
        let ran = host.run(&allpluginsloaded, 10)?;
        if ran.code == 0 { Ok(Some(())) } else { Err(format!("exit code {} {}", ran.code, ran.text).into()) }
    });
    waited.map_err(|error| format!("{error}\n{}", log_of(lab, "oxgw01")))?;
    first.types(&allpluginsloaded)?;
    register(first)?;
    heading("Start Open-Xchange Server on both groupware nodes");
    for node in nodes {
        node.types("/etc/init.d/open-xchange-groupware start")?;
    }
    heading("Create a new context and a testuser");
    first.types_and_reads(
        &format!(
            "{SBIN}/createcontext -A oxadminmaster -P secret -c 1 -u oxadmin -d \"Context Admin\" -g Admin -s User \
             -p secret -L defaultcontext -e oxadmin@example.com -q 1024 --access-combination-name=all"
        ),
        "context 1 created",
    )?;
    first.types_and_reads(&create_user("testuser", "Test User", "Test"), "user 3 in context 1 created")?;
    note("Three more, for the load that follows.");
    for name in MORE_USERS {
        first.types(&create_user(name, name, name))?;
    }
    Ok(())
}

fn create_user(login: &str, display: &str, given: &str) -> String {
    format!(
        "{SBIN}/createuser -c 1 -A oxadmin -P secret -u {login} -d \"{display}\" -g {given} -s User -p secret \
         -e {login}@example.com"
    )
}

fn register(first: Operator<'_>) -> Result {
    first.types_and_reads(
        &format!("{SBIN}/registerserver -n oxserver -A oxadminmaster -P secret"),
        "server 2 registered",
    )?;
    first.types_and_reads(
        &format!("{SBIN}/registerfilestore -A oxadminmaster -P secret -t file:///var/opt/filestore"),
        "filestore 3 registered",
    )?;
    first.types_and_reads(
        &format!(
            "{SBIN}/registerdatabase -A oxadminmaster -P secret --name oxdatabase --hostname 10.20.30.217 \
             --dbuser openexchange --dbpasswd secret --master true"
        ),
        "database 4 registered",
    )?;
    first.types_and_reads(
        &format!(
            "{SBIN}/registerdatabase -A oxadminmaster -P secret --name oxdatabase_slave --hostname 10.20.30.219 \
             --dbuser openexchange --dbpasswd secret --master false --masterid=4"
        ),
        "registered",
    )?;
    first.types(&format!("{SBIN}/listdatabase -A oxadminmaster -P secret")).map(drop)
}

/// The end of what a node and the administration daemon logged, for whoever looks for the reason of a failure.
pub(crate) fn log_of(lab: &Lab, host: &str) -> String {
    let tail = "for log in /var/log/open-xchange/*.log.0; do echo \"$log:\"; grep -v ' INFO ' $log | tail -n 8 | cut -c-400; done";
    match lab.host(host).and_then(|host| host.run(tail, 10)) {
        Ok(ran) => format!("{host}: {}", ran.text),
        Err(error) => error.to_string(),
    }
}
