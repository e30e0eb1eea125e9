//! The guide's data tier: its chapters as written, then what can go wrong with it, under load and with checkers watching.

use super::Options;
use crate::Result;
use crate::faults::{self, FAULTS, summary};
use crate::guide::operator::{Operator, heading, note};
use crate::guide::provisioning::{MORE_USERS, log_of};
use crate::guide::{databases, filestore, provisioning, sessions};
use crate::hosts::Lab;
use crate::load::{Load, Node, Plan};
use crate::report::Report;
use crate::wait::until;
use std::time::Duration;

/// Where nodes answer HTTP.
const HTTP_PORT: u16 = 8090;
const NODES: [&str; 2] = ["oxgw01", "oxgw02"];
/// What a node logs.
const NODE_LOG: &str = "/var/log/open-xchange/open-xchange.log.0";
/// A change of a database server is noticed within a second; the machine may be busy.
const LOG_SECONDS_MAX: u64 = 15;
/// How long a fault lasts, in a whole run and in a short one.
const LASTS: [Duration; 2] = [Duration::from_secs(6), Duration::from_millis(2_500)];

pub(super) fn run(options: &Options, report: &mut Report) -> Result {
    let binary = options.binary.as_deref().ok_or("--binary FILE is needed: the program under test")?;
    let mut lab = report.step("six hosts boot", || {
        Ok((Lab::start(&options.name, options.disk.as_deref(), Some(binary), &[])?, String::new()))
    })?;
    report.step("the chapter Master/Slave database setup", || Ok((databases::run(&lab)?, String::new())))?;
    report.step("the chapter Distributed file storage", || Ok((filestore::run(&lab)?, String::new())))?;
    report.step("the chapter Configuring Open-Xchange Server", || {
        Ok((provisioning::run(&lab)?, String::new()))
    })?;
    report.step("the section Test Session load balancing", || Ok((sessions::run(&lab)?, String::new())))?;
    let nodes = nodes(&lab)?;
    report.step("the users sign in and work through both nodes", || {
        // A load without a fault between its beginning and its end.
        let outcome = Load::start(plan(&lab, &nodes)?, "first")?.finish();
        let outcome = outcome.map_err(|error| format!("{error}\n{}", log_of(&lab, "oxgw01")))?;
        Ok(((), format!("writes {}", outcome.figures.writes)))
    })?;
    report.step(
        "the slave is writable, as the guide leaves it, and left out; read_only=1 brings it back",
        || Ok(((), read_only(&lab)?)),
    )?;
    under_faults(options, report, &mut lab, &nodes)
}

fn under_faults(options: &Options, report: &mut Report, lab: &mut Lab, nodes: &[Node]) -> Result {
    heading("What can go wrong");
    let [whole, short] = LASTS;
    let lasts = if options.short { short } else { whole };
    let mut all = Vec::new();
    for fault in FAULTS.iter().filter(|fault| fault.in_short || !options.short) {
        let judged = report.step(fault.name, || {
            let judged = faults::run(lab, nodes, plan(lab, nodes)?, fault, lasts);
            let judged = judged
                .map_err(|error| format!("{error}\n{}\n{}", log_of(lab, "oxgw01"), log_of(lab, "oxgw02")))?;
            Ok((judged, String::new()))
        })?;
        judged.print();
        if !judged.held() {
            report.retract();
        }
        all.push(judged);
    }
    summary(&all);
    let failed: Vec<&str> = all.iter().filter(|judged| !judged.held()).map(|judged| judged.name).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("did not hold: {}", failed.join("; ")).into()) }
}

fn nodes(lab: &Lab) -> Result<Vec<Node>> {
    [("oxgw01", "OX-1"), ("oxgw02", "OX-2")]
        .map(|(host, name)| {
            let address = (lab.host(host)?.address(), HTTP_PORT).into();
            Ok(Node { name: name.to_owned(), address })
        })
        .into_iter()
        .collect()
}

fn plan(lab: &Lab, nodes: &[Node]) -> Result<Plan> {
    let people = std::iter::once("testuser").chain(MORE_USERS).map(str::to_owned).collect();
    let network = lab.host("client")?.network()?;
    Ok(Plan { network, nodes: nodes.to_vec(), people, password: "secret".to_owned() })
}

fn read_only(lab: &Lab) -> Result<String> {
    heading("The slave is made read-only");
    note(
        "The guide does not set read_only: whoever takes the slave for the master could write to it unnoticed.",
    );
    note("So each node leaves it out, and says so:");
    let slave = Operator::at(lab.host("dbslave")?);
    slave.sql("SHOW VARIABLES LIKE 'read_only';")?;
    logged(lab, "oxdatabase_slave answers no reads")?;
    for node in NODES {
        Operator::at(lab.host(node)?)
            .types(&format!("grep 'oxdatabase_slave answers no reads' {NODE_LOG} | tail -n 1"))?;
    }
    slave.edits("/etc/mysql/my.cnf", "\n[mysqld]\nread_only               = 1")?;
    slave.sql("SET GLOBAL read_only=1;")?;
    let after = logged(lab, "oxdatabase_slave answers reads")?;
    for node in NODES {
        Operator::at(lab.host(node)?)
            .types(&format!("grep 'oxdatabase_slave answers reads' {NODE_LOG} | tail -n 1"))?;
    }
    Ok(format!("back after {:.1} s", after.as_secs_f64()))
}

/// Waits until both nodes have logged this; answers how long that took.
fn logged(lab: &Lab, words: &str) -> Result<Duration> {
    let (_, waited) = until(&format!("both nodes log: {words}"), LOG_SECONDS_MAX, || {
        let mut both = true;
        for node in NODES {
            both &= lab.host(node)?.run(&format!("grep -q '{words}' {NODE_LOG}"), 10)?.code == 0;
        }
        Ok(both.then_some(()))
    })?;
    Ok(waited)
}
