//! The faults, in the order in which they happen. Each leaves the lab as it found it.

use super::Stage;
use crate::Result;
use crate::guide::balancing::{TLS, TLS_NAME, certificate};
use crate::guide::cluster::{NODES, START_WEB_TIER, connected};
use crate::guide::operator::Operator;
use crate::hosts::Host;
use crate::services::{GROUPWARE, kill, service, signal, start};
use crate::traffic::Bears;
use crate::wait::{pass, until};

/// A web server is replaced, or has taken up what is new.
const WEB_SECONDS_MAX: u64 = 60;

/// A connection whose cable was out for some seconds goes on.
const HEARD_SECONDS_MAX: u64 = 120;

/// A node drains, and serves again.
const DRAIN_SECONDS_MAX: u64 = 150;

/// Which web server stands before the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Web {
    Apache,
    Ours,
    /// The same, with the guide's text for Apache: by AJP13 to the nodes.
    OursByAjp,
}

impl Outage {
    /// Whether it can happen with this one.
    pub(crate) fn is_with(&self, web: Web) -> bool {
        self.only.is_none_or(|only| (only == Web::Apache) == (web == Web::Apache))
    }
}

/// One fault.
pub(crate) struct Outage {
    pub(crate) name: &'static str,
    /// Whether a short run has it too.
    pub(crate) in_short: bool,
    /// With Apache alone, or with our web tier alone, whatever it speaks to the nodes.
    pub(crate) only: Option<Web>,
    /// What it may cost behind our web tier.
    pub(crate) bears: Bears,
    /// Does it and heals it.
    pub(crate) run: fn(&Stage<'_>) -> Result,
}

pub(crate) const OUTAGES: [Outage; 11] = [
    Outage {
        name: "nothing goes wrong",
        in_short: false,
        only: None,
        bears: Bears::Nothing,
        run: |stage| {
            pass(stage.lasts);
            Ok(())
        },
    },
    Outage {
        name: "a node is killed (-9) and started again",
        in_short: true,
        only: None,
        bears: Bears::Unrepeatable,
        run: |stage| {
            kill(victim(stage)?, "open-xchange-groupware")?;
            pass(stage.lasts);
            start(victim(stage)?, GROUPWARE)
        },
    },
    Outage {
        name: "a node is frozen (SIGSTOP) and goes on",
        in_short: false,
        only: None,
        bears: Bears::Unrepeatable,
        run: |stage| {
            signal(victim(stage)?, "STOP")?;
            pass(stage.lasts);
            signal(victim(stage)?, "CONT")
        },
    },
    Outage {
        name: "a node's cable is out and in again",
        in_short: false,
        only: None,
        bears: Bears::Unrepeatable,
        run: |stage| {
            stage.lab.carrier(stage.victim, false)?;
            pass(stage.lasts);
            stage.lab.carrier(stage.victim, true)?;
            [stage.lab.host("web")?, victim(stage)?].into_iter().try_for_each(heard_again)
        },
    },
    Outage {
        name: "a node stops in good order (SIGTERM) and is started again",
        in_short: false,
        only: None,
        bears: Bears::Nothing,
        run: |stage| {
            service(victim(stage)?, GROUPWARE, "stop")?;
            pass(stage.lasts);
            start(victim(stage)?, GROUPWARE)
        },
    },
    Outage {
        name: "a node drains (zebu drain) and is started again",
        in_short: false,
        only: None,
        bears: Bears::Nothing,
        run: |stage| {
            victim(stage)?.must(&format!("zebu drain {}", stage.route), DRAIN_SECONDS_MAX)?;
            pass(stage.lasts);
            start(victim(stage)?, GROUPWARE)
        },
    },
    Outage {
        name: "all nodes restarted, one after the other (SIGTERM)",
        in_short: false,
        only: Some(Web::Apache),
        bears: Bears::Requests,
        run: |stage| {
            for (host, _) in NODES.iter().take(2) {
                service(stage.lab.host(host)?, GROUPWARE, "stop")?;
                start(stage.lab.host(host)?, GROUPWARE)?;
                connected(stage.lab, host)?;
            }
            Ok(())
        },
    },
    Outage {
        name: "all nodes, one after the other (zebu rolling-restart)",
        in_short: true,
        only: None,
        bears: Bears::Nothing,
        run: |stage| stage.lab.host("oxgw01")?.must("zebu rolling-restart", 2 * DRAIN_SECONDS_MAX).map(drop),
    },
    Outage {
        name: "Apache takes up its configuration again (graceful)",
        in_short: false,
        only: Some(Web::Apache),
        bears: Bears::Requests,
        run: |stage| {
            stage.lab.host("web")?.must("apache2ctl graceful", WEB_SECONDS_MAX)?;
            pass(stage.lasts);
            Ok(())
        },
    },
    Outage {
        name: "the web tier is replaced (hand-over)",
        in_short: true,
        only: Some(Web::Ours),
        bears: Bears::Nothing,
        run: |stage| hand_over(stage.lab.host("web")?),
    },
    Outage {
        name: "the web tier gets a new certificate (SIGHUP)",
        in_short: false,
        only: Some(Web::Ours),
        bears: Bears::Nothing,
        run: new_certificate,
    },
];

/// Waits until what a host sent and nobody confirmed has arrived. While a cable is out TCP's pauses double, so after eight seconds some
/// wait for as many more, and the next fault would be blamed for it.
fn heard_again(host: &Host) -> Result {
    let waited = until("what the cable kept has arrived", HEARD_SECONDS_MAX, || {
        let connections = host.must("ss -Hto", 10)?;
        match connections.lines().find(|line| sent_again(line) > 1) {
            Some(line) => Err(line.trim().into()),
            None => Ok(Some(())),
        }
    });
    waited.map(drop)
}

/// How often a connection in a line of `ss -o` has sent the same again: `timer:(on,3.2sec,5)`.
fn sent_again(line: &str) -> u32 {
    let timer = line.split_once("timer:(on,").and_then(|(_, timer)| timer.split_once(')'));
    timer.and_then(|(timer, _)| timer.rsplit(',').next()?.parse().ok()).unwrap_or(0)
}

fn victim<'a>(stage: &Stage<'a>) -> Result<&'a Host> {
    stage.lab.host(stage.victim)
}

/// A second web tier takes the sockets; the first ends when it has finished.
pub(crate) fn hand_over(web: &Host) -> Result {
    let before = web.must("cat /run/zebu-web.pid", 10)?;
    web.must(START_WEB_TIER, 10)?;
    until("the web tier before has ended", WEB_SECONDS_MAX, || {
        let alive = web.run(&format!("kill -0 {before} 2>/dev/null"), 10)?.code == 0;
        Ok((!alive).then_some(()))
    })?;
    let after = web.must("cat /run/zebu-web.pid", 10)?;
    web.must(&format!("test {after} != {before} && kill -0 {after}"), 10).map(drop)
}

fn new_certificate(stage: &Stage<'_>) -> Result {
    let (web, client) = (stage.lab.host("web")?, stage.lab.host("client")?);
    let shown = format!(
        "openssl s_client -connect {}:443 -servername {TLS_NAME} </dev/null 2>/dev/null | openssl x509 -noout -serial",
        web.address()
    );
    let before = client.must(&shown, 20)?;
    certificate(Operator::at(web))?;
    let expected = web.must(&format!("openssl x509 -noout -serial -in {TLS}/web.pem"), 10)?;
    web.must("kill -HUP $(cat /run/zebu-web.pid)", 10)?;
    until("the new certificate is shown", WEB_SECONDS_MAX, || {
        let now = client.must(&shown, 20)?;
        if now == expected && now != before {
            Ok(Some(()))
        } else {
            Err(format!("{now}, not {expected}").into())
        }
    })?;
    pass(stage.lasts);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_again_is_read_from_its_timer() {
        let check = |line: &str, expected| assert_eq!(sent_again(line), expected, "{line}");
        check("ESTAB 0 517 10.20.30.213:40312 10.20.30.215:8009 timer:(on,3.2sec,5)", 5);
        check("ESTAB 0 0 10.20.30.213:40312 10.20.30.215:8009 timer:(keepalive,1min59sec,0)", 0);
        check("ESTAB 0 0 10.20.30.213:40312 10.20.30.215:8009", 0);
        check("ESTAB 0 12 10.20.30.213:40312 10.20.30.215:8009 timer:(on,200ms,0)", 0);
    }
}
