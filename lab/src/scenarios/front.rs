//! The guide's balancing chapter with Apache as it is written, then with our web tier in its place; and what users notice of it when
//! nodes and web servers die, hang and are replaced: every request counted, everything that was answered read back.

use super::Options;
use crate::Result;
use crate::guide::operator::{Operator, heading, note};
use crate::guide::provisioning::{MORE_USERS, log_of};
use crate::guide::{balancing, cluster, databases, filestore, provisioning};
use crate::hosts::Lab;
use crate::outages::{self, OUTAGES, Outage, Web};
use crate::report::Report;
use crate::traffic::{Bears, Front, Part, Plan, Traffic, breaches, markdown, printed};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long a fault lasts, in a whole run and in a short one.
const LASTS: [Duration; 2] = [Duration::from_secs(8), Duration::from_millis(2_000)];
/// Users besides those of the guide's chapters, and how many of all listen to events.
const USERS: [usize; 2] = [24, 8];
const WATCHERS: [usize; 2] = [8, 4];
/// Breaches and answers of each kind that are printed.
const SHOWN: usize = 10;
/// An event that has not come by then is lost: a client that notices nothing of a broken connection learns of it by a heartbeat that
/// does not come.
const HEAR: Duration = Duration::from_secs(50);
/// Where nodes answer HTTP.
const HTTP_PORT: u16 = 8090;

pub(super) fn run(options: &Options, report: &mut Report) -> Result {
    let binary = options.binary.as_deref().ok_or("--binary FILE is needed: the program under test")?;
    let lab = report.step("six hosts boot", || {
        Ok((Lab::start(&options.name, options.disk.as_deref(), Some(binary), &[])?, String::new()))
    })?;
    let people =
        report.step("the guide's chapters before", || Ok((before(&lab, options)?, String::new())))?;
    report.step("the chapter Session load balancing, Apache", || {
        Ok((balancing::apache(&lab)?, String::new()))
    })?;
    report.step("the section Test Session load balancing, Apache", || Ok(((), balancing::tested(&lab)?)))?;
    let mut tables = Vec::new();
    let apache = under_outages(options, report, &lab, &people, Web::Apache)?;
    tables.push(("Apache 2.4, AJP13", apache));
    report.step("our web tier takes Apache's place", || Ok((balancing::web_tier(&lab)?, String::new())))?;
    report
        .step("the section Test Session load balancing, web tier", || Ok(((), balancing::tested(&lab)?)))?;
    let ours = under_outages(options, report, &lab, &people, Web::Ours)?;
    tables.push(("web tier, HTTP", ours));
    report.step("the web tier takes up the guide's text for Apache", || {
        balancing::web_tier_by_ajp(&lab)?;
        Ok((outages::hand_over(lab.host("web")?)?, String::new()))
    })?;
    report.step("the section Test Session load balancing, web tier by AJP13", || {
        Ok(((), balancing::tested(&lab)?))
    })?;
    if !options.short {
        let by_ajp = under_outages(options, report, &lab, &people, Web::OursByAjp)?;
        tables.push(("web tier, AJP13", by_ajp));
    }
    let judged: Vec<&str> =
        tables.iter().flat_map(|(_, outcome)| &outcome.broken).map(String::as_str).collect();
    for (front, outcome) in &tables {
        println!("{}", printed(front, &outcome.parts));
    }
    if let Some(file) = &options.table {
        written(file, &tables)?;
    }
    if judged.is_empty() { Ok(()) } else { Err(format!("did not hold: {}", judged.join("; ")).into()) }
}

/// Everything that the chapter stands on, and more users. Answers their logins.
fn before(lab: &Lab, options: &Options) -> Result<Vec<String>> {
    databases::run(lab)?;
    filestore::run(lab)?;
    provisioning::run(lab)?;
    Operator::at(lab.host("dbslave")?).sql("SET GLOBAL read_only=1;")?;
    balancing::prepared(lab)?;
    cluster::of_two(lab)?;
    note("More users, for the traffic that follows.");
    let [whole, short] = USERS;
    let more: Vec<String> =
        (1..=if options.short { short } else { whole }).map(|number| format!("user{number:02}")).collect();
    let rows: String = more
        .iter()
        .map(|login| format!("{login},{login},{login},User,secret,{login}@example.com\n"))
        .collect();
    let first = Operator::at(lab.host("oxgw01")?);
    first.edits(
        "/tmp/users.csv",
        &format!("username,displayname,givenname,surname,password,email\n{}", rows.trim_end()),
    )?;
    first.types("/opt/open-xchange/sbin/createuser -c 1 -A oxadmin -P secret --csv-import /tmp/users.csv")?;
    Ok(more.into_iter().chain(MORE_USERS.map(str::to_owned)).chain(["testuser".to_owned()]).collect())
}

/// What came of the traffic through one web server.
struct Outcome {
    parts: Vec<Part>,
    /// Promises that did not hold, in words.
    broken: Vec<String>,
}

fn under_outages(
    options: &Options,
    report: &mut Report,
    lab: &Lab,
    people: &[String],
    web: Web,
) -> Result<Outcome> {
    heading(&format!("What users notice: {web:?}"));
    let [whole, short] = LASTS;
    let lasts = if options.short { short } else { whole };
    let with_logs = |error: &(dyn std::error::Error + Send + Sync)| {
        format!("{error}\n{}\n{}", log_of(lab, "oxgw01"), log_of(lab, "oxgw02"))
    };
    let traffic = report.step(&format!("users are at work, {web:?}"), || {
        let traffic = Traffic::start(plan(lab, people, web, options)?).map_err(|error| with_logs(&*error))?;
        let figures = format!("sessions by node: {:?}", traffic.sessions());
        Ok((traffic, figures))
    })?;
    let all: Vec<&Outage> =
        OUTAGES.iter().filter(|outage| outage.is_with(web) && (outage.in_short || !options.short)).collect();
    for outage in &all {
        report.step(&format!("{}, {web:?}", outage.name), || {
            outages::run(lab, &traffic, outage, lasts).map_err(|error| with_logs(&*error))?;
            Ok(((), format!("sessions by node: {:?}", traffic.sessions())))
        })?;
    }
    let parts = report.step(&format!("everything is read back, {web:?}"), || {
        let parts = traffic.finish().map_err(|error| with_logs(&*error))?;
        let requests: u64 = parts.iter().map(|part| part.counts.requests).sum();
        Ok((parts, format!("{requests} requests")))
    })?;
    let broken = judged(report, &all, &parts, web);
    Ok(Outcome { parts, broken })
}

/// A step for each fault: what it cost, and whether it may.
fn judged(report: &mut Report, outages: &[&Outage], parts: &[Part], web: Web) -> Vec<String> {
    let mut broken = Vec::new();
    for (outage, part) in outages.iter().zip(parts) {
        // What Apache itself costs is Apache's.
        let bears = if web == Web::Apache { Bears::Requests } else { outage.bears };
        let breaches = breaches(&part.counts, bears);
        let held = report.step(&format!("judged: {}, {web:?}", part.name), || {
            show(part);
            if breaches.is_empty() { Ok(((), String::new())) } else { Err(breaches.join(", ").into()) }
        });
        if held.is_err() {
            broken.push(format!("{}, {web:?}: {}", part.name, breaches.join(", ")));
        }
    }
    broken
}

fn show(part: &Part) {
    let counts = &part.counts;
    for (said, count) in &counts.said {
        println!("    {count:4} {said}");
    }
    let kinds = [
        ("lost", &counts.lost),
        ("twice", &counts.twice),
        ("event lost", &counts.events_lost),
        ("not seen", &counts.stale),
    ];
    for (kind, all) in kinds {
        all.iter().take(SHOWN).for_each(|one| println!("    {kind}: {one}"));
    }
}

fn plan(lab: &Lab, people: &[String], web: Web, options: &Options) -> Result<Plan> {
    let address = lab.host("web")?.address();
    let plain = Front { address: (address, 80).into(), tls: None };
    let fronts = match web {
        Web::Apache => vec![plain],
        Web::Ours | Web::OursByAjp => {
            vec![plain, Front { address: (address, 443).into(), tls: Some(secured(lab)?) }]
        }
    };
    let nodes = cluster::NODES.iter().take(2).map(|(host, route)| {
        let address = (lab.host(host)?.address(), HTTP_PORT).into();
        Ok(((*route).to_owned(), Front { address, tls: None }))
    });
    let [whole, short] = WATCHERS;
    Ok(Plan {
        network: Some(lab.host("client")?.network()?),
        label: format!("{web:?}"),
        fronts,
        nodes: nodes.collect::<Result<_>>()?,
        people: people.to_vec(),
        watchers: if options.short { short } else { whole },
        password: "secret".to_owned(),
        seed: options.seed.unwrap_or(1),
        hear: HEAR,
    })
}

/// Clients believe the lab's authority alone.
fn secured(lab: &Lab) -> Result<(TlsConnector, ServerName<'static>)> {
    let text = lab.host("web")?.must(&format!("cat {}/ca.pem", balancing::TLS), 10)?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(text.as_bytes())?)?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), ServerName::try_from(balancing::TLS_NAME)?))
}

/// The tables as a document.
fn written(file: &Path, tables: &[(&str, Outcome)]) -> Result {
    let mut text = include_str!("front.md").to_owned();
    for (front, outcome) in tables {
        text.push('\n');
        text.push_str(&markdown(front, &outcome.parts));
    }
    std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()).into())
}
