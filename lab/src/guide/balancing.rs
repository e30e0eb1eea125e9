//! The guide's chapter "Session load balancing" on the host `web`, with Apache as it is written, and with our web tier in its place;
//! and the guide's test of it. What Apache 2.4 wants otherwise is said where it is done.

use super::cluster::{NODES, START_WEB_TIER};
use super::operator::{Operator, heading, note};
use crate::Result;
use crate::hosts::Lab;
use crate::wait::until;
use std::collections::BTreeMap;

const START_SECONDS_MAX: u64 = 60;
/// Sign-ins that are shared out.
const SIGN_INS: usize = 40;
/// Of which each node gets at least so many of a hundred.
const SHARE_MIN: usize = 40;
const NODE_LOG: &str = "/var/log/open-xchange/open-xchange.log.0";
/// Where the files of the lab's certificates are on `web`.
pub(crate) const TLS: &str = "/etc/ssl/lab";
/// The name in them.
pub(crate) const TLS_NAME: &str = "web.example.com";

/// The guide's file.
const PROXY_AJP: &str = include_str!("../../../testing/kit/guide/proxy_ajp.conf");

/// The chapter with Apache.
pub(crate) fn apache(lab: &Lab) -> Result {
    heading("Session load balancing");
    let web = Operator::at(lab.host("web")?);
    note("$ apt-get install … was done for all hosts (apache2); the user interface is our web tier's.");
    note("Apache 2.4 does not read conf.d: the file goes to conf-available, and is enabled.");
    web.edits("/etc/apache2/conf-available/proxy_ajp.conf", PROXY_AJP.trim_end())?;
    web.types("a2enconf proxy_ajp")?;
    web.types(
        "a2enmod proxy && a2enmod proxy_ajp && a2enmod proxy_balancer && a2enmod expires && a2enmod deflate \
         && a2enmod headers",
    )?;
    note("Apache 2.4 wants the way to balance by requests as a module too.");
    web.types("a2enmod lbmethod_byrequests")?;
    web.types("/etc/init.d/apache2 restart")?;
    answers(lab)
}

/// The chapter's section "Test Session load balancing": whoever signs in is on the node that the cookie names, its log says so, and the
/// next session is on the other.
pub(crate) fn tested(lab: &Lab) -> Result<String> {
    heading("Test Session load balancing");
    let client = Operator::at(lab.host("client")?);
    let mut before = String::new();
    for _ in 0..2 {
        let said = client.types(&format!(
            "curl -si {} | grep -o -i -E 'JSESSIONID=[^;]*|\"session\":\"[^\"]*'",
            sign_in(lab)?
        ))?;
        let (host, route) = named(&said)?;
        if route == before {
            return Err(format!("two sessions one after the other are on {route}").into());
        }
        Operator::at(lab.host(host)?).types_and_reads(
            &format!("tail -n200 {NODE_LOG} | grep 'Session created' | tail -n 1"),
            "Context: 1, User: 3",
        )?;
        sign_out(lab, &said)?;
        route.clone_into(&mut before);
    }
    shares(lab)
}

/// Signs in many times, and finds as many sessions on each node as its log has new lines, half of them each.
fn shares(lab: &Lab) -> Result<String> {
    let [first, second, _] = NODES;
    let lines = |host: &str| -> Result<usize> {
        let count = lab.host(host)?.must(&format!("grep -c 'Session created' {NODE_LOG} || true"), 10)?;
        Ok(count.trim().parse()?)
    };
    let then = [lines(first.0)?, lines(second.0)?];
    let script = format!(
        "for i in $(seq {SIGN_INS}); do curl -si --max-time 20 {} | grep -o -i 'JSESSIONID=[^;]*'; done",
        sign_in(lab)?
    );
    let said = lab.host("client")?.must(&script, 120)?;
    let mut routes: BTreeMap<&str, usize> = BTreeMap::new();
    for line in said.lines() {
        *routes.entry(line.trim().rsplit_once('.').map_or("none", |(_, route)| route)).or_default() += 1;
    }
    let logged = [lines(first.0)? - then[0], lines(second.0)? - then[1]];
    let counted = [first.1, second.1].map(|route| routes.get(route).copied().unwrap_or(0));
    let figures = format!("{} of {SIGN_INS} sessions on OX-1, {} on OX-2", counted[0], counted[1]);
    if counted.iter().sum::<usize>() != SIGN_INS || logged != counted {
        return Err(format!("{figures}; their logs say {logged:?}; all: {routes:?}").into());
    }
    if counted.iter().any(|count| count * 100 < SHARE_MIN * SIGN_INS) {
        return Err(format!("{figures}: that is not 50:50").into());
    }
    Ok(figures)
}

fn sign_in(lab: &Lab) -> Result<String> {
    Ok(format!(
        "'http://{}/ajax/login?action=login' --data 'name=testuser&password=secret'",
        lab.host("web")?.address()
    ))
}

/// The node that a session's cookie names: its host and its route.
fn named(said: &str) -> Result<(&'static str, &'static str)> {
    let node =
        NODES.iter().find(|(_, route)| said.lines().any(|line| line.trim().ends_with(&format!(".{route}"))));
    node.copied().ok_or_else(|| format!("no session id that ends with a node's name: {said}").into())
}

/// As the guide's user does before the next sign-in.
fn sign_out(lab: &Lab, said: &str) -> Result {
    let value = |name: &str| said.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap_or_default();
    let (id, session) = (value("JSESSIONID="), value("\"session\":\""));
    let script = format!(
        "curl -s --max-time 20 --cookie 'JSESSIONID={id}' 'http://{}/ajax/login?action=logout&session={session}'",
        lab.host("web")?.address()
    );
    lab.host("client")?.must(&script, 30).map(drop)
}

fn answers(lab: &Lab) -> Result {
    let script = format!("curl -sf --max-time 5 {}", sign_in(lab)?);
    until("a user signs in through the web server", START_SECONDS_MAX, || {
        let ran = lab.host("client")?.run(&script, 10)?;
        if ran.code == 0 { Ok(Some(())) } else { Err(ran.text.into()) }
    })
    .map(drop)
}

/// What the guide does not say of the nodes, from their next start on.
pub(crate) fn prepared(lab: &Lab) -> Result {
    heading("The web server's host is trusted by the nodes");
    let address = lab.host("web")?.address();
    note(
        "And a database server is given more time to say how it is: this scenario is about web servers, on a busy machine.",
    );
    for (host, _) in NODES.iter().take(2) {
        Operator::at(lab.host(host)?).types(&format!(
            "sed -i -e '/^\\[groupware\\]/a trusted_peers = [\"{address}/32\"]' -e '/^configdb = /a probe_ms_max = 10_000' \
             /opt/open-xchange/etc/groupware.toml"
        ))?;
    }
    Ok(())
}

/// Our web tier in the place of Apache, at the same address and port, and by TLS.
pub(crate) fn web_tier(lab: &Lab) -> Result {
    heading("The web tier in the place of Apache");
    let web = Operator::at(lab.host("web")?);
    web.types("/etc/init.d/apache2 stop")?;
    authority(web)?;
    certificate(web)?;
    let mut text = settings("");
    for (host, route) in NODES.iter().take(2) {
        let address = lab.host(host)?.address();
        text.push_str(&format!(
            "\n\n[[web.members]]\nroute = \"{route}\"\naddress = \"{address}:8090\"\nloadfactor = 50"
        ));
    }
    web.edits("/etc/zebu-web.toml", &text)?;
    web.types(START_WEB_TIER)?;
    answers(lab)
}

/// The same web tier reads what the guide gives Apache, from its next start on.
pub(crate) fn web_tier_by_ajp(lab: &Lab) -> Result {
    heading("The web tier with the guide's text for Apache");
    let web = Operator::at(lab.host("web")?);
    web.types("mv /etc/zebu-web.toml /etc/zebu-web.toml.http")?;
    web.edits(
        "/etc/zebu-web.toml",
        &settings("proxy_config = \"/etc/apache2/conf-available/proxy_ajp.conf\"\n"),
    )
}

/// The web tier's file but for its members.
fn settings(more: &str) -> String {
    format!(
        "[web]\nlisten = [\"http://0.0.0.0:80\", \"https://0.0.0.0:443\"]\nhandover = \"/run/zebu-web.sock\"\n\
         access_log = \"/var/log/zebu-web-access.log\"\n{more}\n[web.tls]\nwatch_ms = 600_000\n\n\
         [[web.tls.certificates]]\ncertificate = \"{TLS}/web.pem\"\nkey = \"{TLS}/web.key\""
    )
}

fn authority(web: Operator<'_>) -> Result {
    web.types(&format!(
        "mkdir -p {TLS} && cd {TLS} && umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
         -days 2 -subj /CN=lab -keyout ca.key -out ca.pem 2>/dev/null"
    ))
    .map(drop)
}

/// A certificate in the place of the one that is there.
pub(crate) fn certificate(web: Operator<'_>) -> Result {
    web.types(&format!(
        "cd {TLS} && umask 077 && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={TLS_NAME} \
         -keyout new.key -out new.csr 2>/dev/null && printf 'subjectAltName=DNS:{TLS_NAME}' > san && openssl x509 -req -days 2 \
         -in new.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile san -out new.pem 2>/dev/null \
         && mv new.key web.key && mv new.pem web.pem"
    ))
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_s_node_is_read_from_the_end_of_its_id() {
        assert_eq!(named("JSESSIONID=1234.OX-2\n\"session\":\"77").unwrap(), ("oxgw02", "OX-2"));
        assert!(named("JSESSIONID=1234").is_err());
    }
}
