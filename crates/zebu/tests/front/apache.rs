//! Debian's Apache 2.4 with what the guide has it configured with, and with mod_jk.

use std::net::SocketAddr;
use std::path::Path;

use zebu_kit::Cluster;

use crate::day;
use crate::server::Server;

/// What both nodes and Apache know.
pub(crate) const SECRET: &str = "a secret of members";

/// What the guide's file needs of Apache 2.4.
pub(crate) const GUIDE_MODULES: [&str; 5] =
    ["proxy", "proxy_ajp", "proxy_balancer", "slotmem_shm", "lbmethod_byrequests"];

/// The guide's file, with our addresses in the place of its hosts'.
pub(crate) fn guide(members: &[SocketAddr]) -> String {
    let file = include_str!("../../../../testing/kit/guide/proxy_ajp.conf");
    let hosts = ["10.20.30.213:8009", "10.20.30.215:8009"];
    hosts.iter().zip(members).fold(file.to_owned(), |text, (host, ours)| {
        assert!(text.contains(host), "{host}");
        text.replace(host, &ours.to_string())
    })
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
    let apache = start(&GUIDE_MODULES, &|_, _| guide(&members));
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
