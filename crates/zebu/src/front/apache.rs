//! Apache 2.4, by HTTP or by AJP.

use super::Options;

pub(super) fn config(options: &Options, secret: Option<&str>) -> String {
    let (module, scheme) = if options.ajp { ("proxy_ajp", "ajp") } else { ("proxy_http", "http") };
    let trusted =
        if options.ajp { "peers of each node's [ajp]" } else { "trusted_peers of each node's [groupware]" };
    let mut text = format!(
        "# Written by `zebu front config apache`, for sites-available. List this machine in {trusted}.\n\
         # a2enmod proxy {module} proxy_balancer lbmethod_byrequests slotmem_shm headers\n\n\
         # If ports.conf has this line already, strike it here.\nListen {listen}\n\n<VirtualHost {listen}>\n    \
         # A reverse proxy: it fetches nothing for clients from anywhere else.\n    ProxyRequests Off\n    ProxyPreserveHost On\n    \
         ProxyTimeout 300\n    # What clients say of themselves is taken out before the truth is added.\n",
        listen = options.listen
    );
    for name in ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"] {
        text.push_str(&format!("    RequestHeader unset {name} early\n"));
    }
    if !options.ajp {
        text.push_str("    RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}\n");
    }
    text.push_str("\n    <Proxy balancer://zebu>\n");
    let secret = secret.map(|secret| format!(" secret={secret}")).unwrap_or_default();
    let ping = if options.ajp { " ping=2" } else { "" };
    for node in &options.nodes {
        text.push_str(&format!(
            "        BalancerMember {scheme}://{} route={} retry=5 ttl=30 connectiontimeout=2{ping}{secret}\n",
            node.address, node.route
        ));
    }
    text.push_str(
        "        # A session stays on the node whose route its JSESSIONID ends with; another takes over while that is down.\n        \
         ProxySet stickysession=JSESSIONID lbmethod=byrequests\n    </Proxy>\n    ProxyPass / balancer://zebu/\n</VirtualHost>\n",
    );
    text
}
