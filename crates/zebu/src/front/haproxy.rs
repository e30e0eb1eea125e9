//! HAProxy (2.6 and later).

use super::Options;

const HEAD: &str = "\
# Written by `zebu front config haproxy`. List this machine in trusted_peers of each node's [groupware].

defaults
    mode http
    timeout connect 2s
    timeout http-request 15s
    timeout http-keep-alive 75s
    timeout client 75s
    # A node that hangs is found by its checks; an upload or a stream of events may take its time.
    timeout server 300s
    # A request that never reached its node goes to another.
    option redispatch 1
    retries 2

";

pub(super) fn config(options: &Options) -> String {
    let mut text = HEAD.to_owned();
    text.push_str(&format!("frontend clients\n    bind {}\n", options.listen));
    for name in ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"] {
        text.push_str(&format!("    http-request del-header {name}\n"));
    }
    if !options.proxy_protocol {
        text.push_str(
            "    http-request set-header X-Forwarded-For %[src]\n    http-request set-header X-Forwarded-Proto https if { ssl_fc }\n    \
             http-request set-header X-Forwarded-Proto http unless { ssl_fc }\n    \
             http-request set-header X-Forwarded-Host %[req.hdr(host)]\n",
        );
    }
    text.push_str(
        "    default_backend nodes\n\nbackend nodes\n    balance roundrobin\n    option httpchk GET /health/ready\n    \
         http-check expect status 200\n    http-reuse safe\n    # A session stays on the node whose route its JSESSIONID ends with, while \
         that is up.\n",
    );
    for node in &options.nodes {
        let route = &node.route;
        text.push_str(&format!("    use-server {route} if {{ req.cook(JSESSIONID) -m end .{route} }}\n"));
    }
    let mut ways = "check inter 1s fall 2 rise 1".to_owned();
    if options.h2 {
        ways.push_str(" proto h2");
    }
    if options.proxy_protocol {
        ways.push_str(" send-proxy-v2 check-send-proxy");
    }
    for node in &options.nodes {
        text.push_str(&format!("    server {} {} {ways}\n", node.route, node.address));
    }
    text
}
