//! nginx (1.18 and later), with what its free version has.

use super::{Node, Options};

pub(super) fn config(options: &Options) -> String {
    let mut text = "# Written by `zebu front config nginx`, for conf.d. List this machine in trusted_peers of each node's [groupware].\n\n\
        # A session stays on the node whose route its JSESSIONID ends with; another takes over while that is down.\n\
        map $cookie_JSESSIONID $zebu_nodes {\n    default zebu_any;\n"
        .to_owned();
    for node in &options.nodes {
        text.push_str(&format!("    \"~\\.{}$\" zebu_{};\n", node.route, node.route));
    }
    text.push_str("}\n\n");
    upstream(&mut text, "any", &options.nodes, |_| "");
    for own in &options.nodes {
        upstream(
            &mut text,
            &own.route,
            &options.nodes,
            |node| if node.route == own.route { "" } else { " backup" },
        );
    }
    text.push_str(&format!(
        "server {{\n    listen {};\n    client_max_body_size 0;\n    large_client_header_buffers 4 32k;\n\n    location / {{\n        \
         proxy_pass http://$zebu_nodes;\n        proxy_http_version 1.1;\n        proxy_set_header Connection \"\";\n        \
         proxy_set_header Host $http_host;\n        proxy_set_header X-Forwarded-Host $http_host;\n        \
         proxy_set_header X-Forwarded-For $remote_addr;\n        proxy_set_header X-Forwarded-Proto $scheme;\n        \
         proxy_set_header Forwarded \"\";\n        # Files and events pass through as they come, in both directions.\n        \
         proxy_request_buffering off;\n        proxy_buffering off;\n        proxy_connect_timeout 2s;\n        \
         proxy_read_timeout 300s;\n        proxy_send_timeout 60s;\n    }}\n}}\n",
        options.listen
    ));
    text
}

fn upstream(text: &mut String, name: &str, nodes: &[Node], more: impl Fn(&Node) -> &'static str) {
    // With a zone all workers count together.
    text.push_str(&format!("upstream zebu_{name} {{\n    zone zebu_{name} 64k;\n"));
    for node in nodes {
        text.push_str(&format!("    server {} max_fails=1 fail_timeout=5s{};\n", node.address, more(node)));
    }
    text.push_str("    keepalive 64;\n}\n\n");
}
