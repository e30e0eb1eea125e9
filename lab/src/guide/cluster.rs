//! What a cluster of three nodes needs besides the guide's chapters: the third node, the cluster's CA with a file for each process,
//! and a web tier of ours in the place of the guide's web server.

use super::operator::{Operator, heading, note};
use crate::Result;
use crate::hosts::{EXPORT, Lab};
use crate::wait::until;

const ETC: &str = "/opt/open-xchange/etc";
const SBIN: &str = "/opt/open-xchange/sbin";
/// Where the web tier answers.
pub(crate) const WEB_PORT: u16 = 8080;
/// Where the admin daemon answers.
pub(crate) const ADMIN_PORT: u16 = 1099;
const START_SECONDS_MAX: u64 = 60;

/// A node: its host, and its route, which is its name as well.
pub(crate) const NODES: [(&str, &str); 3] = [("oxgw01", "OX-1"), ("oxgw02", "OX-2"), ("oxgw03", "OX-3")];

/// One process that is a member of the cluster.
#[derive(Clone, Copy, Debug)]
struct Process {
    host: &'static str,
    /// As its configuration has it.
    name: &'static str,
    config: &'static str,
    port: u16,
}

const PROCESSES: [Process; 4] = [
    Process { host: "oxgw01", name: "OX-1", config: "groupware.toml", port: 57462 },
    Process { host: "oxgw02", name: "OX-2", config: "groupware.toml", port: 57462 },
    Process { host: "oxgw03", name: "OX-3", config: "groupware.toml", port: 57462 },
    Process { host: "oxgw01", name: "OX-1-admin", config: "admindaemon.toml", port: 57461 },
];

/// Everything, from the guide's cluster of two to three nodes that are members, with a web tier before them.
pub(crate) fn run(lab: &Lab, more_users: &[&str]) -> Result {
    third_node(lab)?;
    membership(lab, &NODES)?;
    web_tier(lab)?;
    note("More users, for the crowd that follows.");
    let first = Operator::at(lab.host("oxgw01")?);
    for login in more_users {
        first.types(&format!(
            "{SBIN}/createuser -c 1 -A oxadmin -P secret -u {login} -d {login} -g {login} -s User -p secret \
             -e {login}@example.com"
        ))?;
    }
    Ok(())
}

fn third_node(lab: &Lab) -> Result {
    heading("A third node");
    let host = lab.host("oxgw03")?;
    let node = Operator::at(host);
    Operator::at(lab.host("dbmaster")?).sql(&format!(
        "GRANT ALL PRIVILEGES ON *.* TO 'openexchange'@'{}' IDENTIFIED BY 'secret';",
        host.address()
    ))?;
    Operator::at(lab.host("dbslave")?).sql("SET GLOBAL read_only=1;")?;
    node.types("mkdir /var/opt/filestore/ && useradd -u 1001 -U open-xchange")?;
    node.types(&format!("mount --bind {EXPORT} /var/opt/filestore"))?;
    node.types("zebu setup --prefix /opt/open-xchange")?;
    node.types(&format!(
        "{SBIN}/oxinstaller --servername=oxserver --configdb-readhost=10.20.30.217 \
         --configdb-writehost=10.20.30.217 --configdb-user=openexchange --master-pass=secret \
         --configdb-pass=secret --jkroute=OX-3 --ajp-bind-port=*"
    ))?;
    node.types(&format!(
        "sed -i '/^configdb = /a configdb_read = [\"mysql://openexchange:secret@10.20.30.219:3306/configdb\"]' \
         {ETC}/groupware.toml"
    ))
    .map(drop)
}

/// The guide's two nodes as a cluster, and nothing else.
pub(crate) fn of_two(lab: &Lab) -> Result {
    let [first, second, _] = NODES;
    membership(lab, &[first, second])
}

fn membership(lab: &Lab, nodes: &[(&str, &str)]) -> Result {
    heading("The cluster's certificates, and every process a member");
    let first = Operator::at(lab.host("oxgw01")?);
    first.types("zebu cluster ca create oxserver")?;
    let runs = |process: &&Process| nodes.iter().any(|(host, _)| *host == process.host);
    for Process { host, name, config, port } in PROCESSES.iter().filter(runs) {
        first.types(&format!("zebu cluster certificate {name}"))?;
        let at = format!("{ETC}/cluster/{name}.pem");
        let file = lab.host("oxgw01")?.must(&format!("cat {at}"), 10)?;
        let host = lab.host(host)?;
        let keep = format!(
            "mkdir -p {ETC}/cluster && umask 077 && cat > {at}.new && mv {at}.new {at} && chown open-xchange {at}"
        );
        host.must_with(&keep, &format!("{file}\n"), 10)?;
        let address = host.address();
        Operator::at(host).edits(
            &format!("{ETC}/{config}"),
            &format!(
                "\n[cluster]\nname = \"oxserver\"\nbind = [\"{address}:{port}\"]\ncertificate = \"{at}\"\n\
                 multicast_interface = \"{address}\""
            ),
        )?;
    }
    note("The operator of this scenario is on the client's host.");
    first.types(&format!(
        "sed -i 's/^listen = \"127.0.0.1:{ADMIN_PORT}\"/listen = \"0.0.0.0:{ADMIN_PORT}\"/' {ETC}/admindaemon.toml"
    ))?;
    first.types("/etc/init.d/open-xchange-admin restart")?;
    for (host, _) in nodes {
        Operator::at(lab.host(host)?).types("/etc/init.d/open-xchange-groupware restart")?;
    }
    nodes.iter().try_for_each(|(host, _)| connected(lab, host))
}

/// Waits until a node is connected with all others that should be there.
pub(crate) fn connected(lab: &Lab, host: &str) -> Result {
    let health = format!("curl -s --max-time 5 http://{}:8090/health/ready", lab.host(host)?.address());
    until(&format!("{host} is connected with all others"), START_SECONDS_MAX, || {
        let said = lab.host("client")?.run(&health, 10)?.text;
        if said.starts_with("ready") && !said.contains("connected") { Ok(Some(())) } else { Err(said.into()) }
    })
    .map(drop)
}

/// What starts the web tier.
pub(crate) const START_WEB_TIER: &str = "setsid zebu serve --config /etc/zebu-web.toml >>/var/log/zebu-web.log 2>&1 </dev/null & echo $! >/run/zebu-web.pid";

fn web_tier(lab: &Lab) -> Result {
    heading("The web tier");
    let web = Operator::at(lab.host("web")?);
    let mut text = format!("[web]\nlisten = \"0.0.0.0:{WEB_PORT}\"");
    for (host, route) in NODES {
        let address = lab.host(host)?.address();
        text.push_str(&format!("\n\n[[web.members]]\nroute = \"{route}\"\naddress = \"{address}:8090\""));
    }
    web.edits("/etc/zebu-web.toml", &text)?;
    web.types(START_WEB_TIER)?;
    let login = format!(
        "curl -si 'http://{}:{WEB_PORT}/ajax/login?action=login' --data 'name=testuser&password=secret' \
         | grep -o -i 'JSESSIONID=[^;]*'",
        lab.host("web")?.address()
    );
    until("a user signs in through the web tier", START_SECONDS_MAX, || {
        let ran = lab.host("client")?.run(&login, 10)?;
        if ran.code == 0 { Ok(Some(())) } else { Err(ran.text.into()) }
    })
    .map(drop)
}
