//! Debian's Apache 2.4 with what the guide has it configured with, and with mod_jk.

use std::net::SocketAddr;
use std::path::Path;

use zebu_kit::Cluster;

use crate::day;
use crate::server::Server;

/// What both nodes and Apache know.
pub(crate) const SECRET: &str = "a secret of members";

/// The guide's file, with our addresses in the place of its hosts'.
pub(crate) fn guide(members: &[SocketAddr]) -> String {
    let members: Vec<String> = members
        .iter()
        .enumerate()
        .map(|(index, address)| {
            format!(
                "    BalancerMember ajp://{address} smax=0 ttl=60 retry=5 loadfactor=50 route=OX-{}\n",
                index + 1
            )
        })
        .collect();
    format!(
        "<IfModule mod_proxy_ajp.c>\n  ProxyRequests On\n  ProxyVia On\n\n  <Proxy *>\n    Order deny,allow\n    Allow from all\n  \
         </Proxy>\n\n  <Proxy balancer://oxcluster>\n{}  </Proxy>\n\n\
         \x20 ProxyPass /ajax balancer://oxcluster/ajax stickysession=JSESSIONID\n\
         \x20 ProxyPass /servlet balancer://oxcluster/servlet stickysession=JSESSIONID\n\
         \x20 ProxyPass /axis2 balancer://oxcluster/axis2 stickysession=JSESSIONID\n\
         \x20 ProxyPass /infostore balancer://oxcluster/infostore stickysession=JSESSIONID\n\
         \x20 ProxyPass /publications balancer://oxcluster/publications stickysession=JSESSIONID\n\
         \x20 ProxyPass /Microsoft-Server-ActiveSync balancer://oxcluster/Microsoft-Server-ActiveSync \
         stickysession=JSESSIONID\n</IfModule>\n",
        members.concat()
    )
}

/// Apache on a free port with these modules and lines, one child process for everything.
pub(crate) fn start(modules: &[&str], lines: &dyn Fn(&Path, SocketAddr) -> String) -> Server {
    Server::start("apache2", |folder, address| {
        let place = folder.display();
        let modules = ["mpm_event", "authz_core", "authz_host", "access_compat"].iter().chain(modules);
        let modules: String = modules
            .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
            .collect();
        let text = format!(
            "ServerRoot {place}\nDefaultRuntimeDir {place}\nPidFile {place}/pid\nMutex file:{place}\nErrorLog {place}/error.log\n\
             LogLevel warn\n{modules}User www-data\nGroup www-data\nServerName localhost\nListen {address}\nStartServers 1\n\
             ServerLimit 1\nThreadsPerChild 32\nMaxRequestWorkers 32\n{}",
            lines(folder, address)
        );
        let file = folder.join("apache2.conf");
        std::fs::write(&file, text).unwrap();
        ["-D", "FOREGROUND", "-f", &file.to_string_lossy()].map(str::to_owned).to_vec()
    })
}

pub(crate) async fn two_nodes(secret: &str) -> (Cluster, Vec<SocketAddr>) {
    let mut cluster = Cluster::start(2).await;
    let mut members = Vec::new();
    for node in &mut cluster.nodes {
        members.push(node.ajp(|ajp| secret.clone_into(&mut ajp.secret)).await);
    }
    (cluster, members)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_through_apache_as_the_guide_configures_it() {
    let (mut cluster, members) = two_nodes("").await;
    let modules = ["proxy", "proxy_ajp", "proxy_balancer", "slotmem_shm", "lbmethod_byrequests"];
    let apache = start(&modules, &|_, _| guide(&members));
    day::through(apache.address, &mut cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_through_mod_jk_with_a_secret() {
    let (mut cluster, members) = two_nodes(SECRET).await;
    let apache = start(&["jk"], &|folder, _| {
        let mut workers = "worker.list=oxcluster\n".to_owned();
        for (index, address) in members.iter().enumerate() {
            let name = format!("worker.ox{}", index + 1);
            workers.push_str(&format!(
                "{name}.type=ajp13\n{name}.host={}\n{name}.port={}\n{name}.route=OX-{}\n{name}.secret={SECRET}\n\
                 {name}.ping_mode=A\n{name}.socket_connect_timeout=2000\n{name}.recovery_options=4\n",
                address.ip(),
                address.port(),
                index + 1
            ));
        }
        workers.push_str("worker.oxcluster.type=lb\nworker.oxcluster.balance_workers=ox1,ox2\n");
        std::fs::write(folder.join("workers.properties"), workers).unwrap();
        let place = folder.display();
        format!(
            "JkWorkersFile {place}/workers.properties\nJkLogFile {place}/jk.log\nJkLogLevel warn\nJkShmFile {place}/jk.shm\n\
             JkMount /ajax/* oxcluster\nJkMount /infostore/* oxcluster\n"
        )
    });
    day::through(apache.address, &mut cluster).await;
}
