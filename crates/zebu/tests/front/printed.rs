//! What `zebu front config` prints, in the program that it is for.

use std::net::SocketAddr;
use std::process::Command;

use zebu_kit::Cluster;

use crate::server::Server;
use crate::{apache, day};

/// The text for these nodes.
fn printed(kind: &str, listen: SocketAddr, nodes: &[SocketAddr], more: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zebu"));
    command.args(["front", "config", kind, "--listen", &listen.to_string()]).args(more);
    for (index, address) in nodes.iter().enumerate() {
        command.args(["--node", &format!("OX-{}={address}", index + 1)]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn through_haproxy(more: &[&str]) {
    let mut cluster = Cluster::start(2).await;
    let nodes: Vec<SocketAddr> = cluster.nodes.iter().map(|node| node.address).collect();
    let haproxy = Server::start("haproxy", |folder, address| {
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, printed("haproxy", address, &nodes, more)).unwrap();
        ["-db", "-f", &file.to_string_lossy()].map(str::to_owned).to_vec()
    });
    day::through(haproxy.address, &mut cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_through_haproxy_with_what_is_printed_for_it() {
    through_haproxy(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_through_haproxy_that_speaks_http_2_and_the_proxy_protocol() {
    through_haproxy(&["--h2", "--proxy-protocol"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_through_nginx_with_what_is_printed_for_it() {
    let mut cluster = Cluster::start(2).await;
    let nodes: Vec<SocketAddr> = cluster.nodes.iter().map(|node| node.address).collect();
    let nginx = Server::start("nginx", |folder, address| {
        let place = folder.display();
        std::fs::write(folder.join("zebu.conf"), printed("nginx", address, &nodes, &[])).unwrap();
        let file = folder.join("nginx.conf");
        let text = format!(
            "daemon off; worker_processes 1; user root; pid {place}/pid; error_log {place}/error.log;\n\
             events {{ worker_connections 256; }}\nhttp {{ access_log off; client_body_temp_path {place}/b; proxy_temp_path \
             {place}/p; fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;\n\
             include {place}/zebu.conf; }}\n"
        );
        std::fs::write(&file, text).unwrap();
        ["-c", &file.to_string_lossy()].map(str::to_owned).to_vec()
    });
    day::through(nginx.address, &mut cluster).await;
}

/// By `listen` of a start the text must be made anew: Apache's configuration is written with it.
async fn through_apache(cluster: &mut Cluster, nodes: &[SocketAddr], module: &str, more: &[&str]) {
    let modules = ["proxy", module, "proxy_balancer", "slotmem_shm", "lbmethod_byrequests", "headers"];
    let apache = apache::start(&modules, &|_, address| {
        let text = printed("apache", address, nodes, more);
        // The test's own frame has this line.
        text.replace(&format!("Listen {address}\n"), "")
    });
    day::through(apache.address, cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_through_apache_by_http_with_what_is_printed_for_it() {
    let mut cluster = Cluster::start(2).await;
    let nodes: Vec<SocketAddr> = cluster.nodes.iter().map(|node| node.address).collect();
    through_apache(&mut cluster, &nodes, "proxy_http", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_through_apache_by_ajp_with_what_is_printed_for_it() {
    let mut cluster = Cluster::start(2).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "of-members\n").unwrap();
    let mut nodes = Vec::new();
    for node in &mut cluster.nodes {
        nodes.push(node.ajp(|ajp| "of-members".clone_into(&mut ajp.secret)).await);
    }
    let more = ["--ajp", "--secret-file", &file.to_string_lossy()];
    through_apache(&mut cluster, &nodes, "proxy_ajp", &more).await;
}
