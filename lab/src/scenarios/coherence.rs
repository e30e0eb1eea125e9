//! Three nodes, a web tier, a master with a replica, and a crowd that shares, withdraws, renames, moves, writes and reads everywhere at once
//! while things go wrong; then a checker that knows nothing but what clients were answered.

use super::Options;
use crate::Result;
use crate::checks::record::{Outcome, Record};
use crate::checks::verdict::Verdict;
use crate::crowd::{Crowd, LAST_LOOK, Outcome as Came, Plan};
use crate::guide::cluster::{self, ADMIN_PORT, NODES, WEB_PORT};
use crate::guide::operator::heading;
use crate::guide::provisioning::{MORE_USERS, log_of};
use crate::guide::{databases, filestore, provisioning};
use crate::hosts::{Lab, THIRD_NODE};
use crate::load::Node;
use crate::nemesis::{self, Fault, Waits};
use crate::report::Report;
use crate::wait::{pass, until};
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

/// Where nodes answer HTTP.
const HTTP_PORT: u16 = 8090;
/// Users besides those of the guide's chapters.
const STILL_MORE_USERS: [&str; 4] = ["dora", "emil", "frida", "gustav"];
/// What a whole run shows at least.
const OPERATIONS: usize = 100_000;
const FAULTS: [usize; 2] = [70, 36];
/// The same of a short one.
const OPERATIONS_SHORT: usize = 2_000;
const FAULTS_SHORT: [usize; 2] = [6, 4];
/// How long the crowd may take for its operations once nothing is wrong any more.
const OPERATIONS_SECONDS_MAX: u64 = 600;
/// Violations that are printed.
const SHOWN: usize = 12;
/// How long what dead nodes left may take to be swept away.
const SWEEP_SECONDS_MAX: u64 = 90;

pub(super) fn run(options: &Options, report: &mut Report) -> Result {
    let binary = options.binary.as_deref().ok_or("--binary FILE is needed: the program under test")?;
    let seed = options.seed.map_or_else(seed_of_this_moment, Ok)?;
    let lab = report.step("seven hosts boot", || {
        Ok((Lab::start(&options.name, options.disk.as_deref(), Some(binary), &[THIRD_NODE])?, String::new()))
    })?;
    report.step("the guide's chapters on databases, file storage and provisioning", || {
        databases::run(&lab)?;
        filestore::run(&lab)?;
        Ok((provisioning::run(&lab)?, String::new()))
    })?;
    report.step("a third node, certificates, a web tier", || {
        let made = cluster::run(&lab, &STILL_MORE_USERS);
        Ok((made.map_err(|error| with_logs(&lab, &*error))?, String::new()))
    })?;
    heading("A crowd, and what can go wrong");
    let crowd = report.step("the crowd is at work", || {
        let crowd = Crowd::start(plan(&lab, seed)?).map_err(|error| with_logs(&lab, &*error))?;
        Ok((crowd, format!("seed {seed}; --seed {seed} draws the same lots")))
    })?;
    let (faults, came) = under_faults(options, report, &lab, crowd, seed)?;
    judged(report, &faults, &came)?;
    report.step("the nodes answered from memory", || Ok(((), from_memory(&lab)?)))?;
    report.step("file store and databases are of one mind", || Ok(((), filestore_check(&lab)?)))
}

fn under_faults(
    options: &Options,
    report: &mut Report,
    lab: &Lab,
    crowd: Crowd,
    seed: u64,
) -> Result<(Vec<Fault>, Came)> {
    let [alone, together] = if options.short { FAULTS_SHORT } else { FAULTS };
    let wanted = if options.short { OPERATIONS_SHORT } else { OPERATIONS };
    let longest = Duration::from_secs(if options.short { 3 } else { 60 });
    let plan = nemesis::Plan { alone, together, longest, seed };
    let faults = report.step("things go wrong, and are healed", || {
        let faults = nemesis::run(lab, &crowd.pulse(), plan).map_err(|error| with_logs(lab, &*error))?;
        let figures = format!("{} faults, {} operations answered", faults.len(), crowd.answered());
        Ok((faults, figures))
    })?;
    let came = report.step("the crowd ends, and everything is looked at through every node", || {
        until(&format!("{wanted} operations are answered"), OPERATIONS_SECONDS_MAX, || {
            let so_far = crowd.answered();
            if so_far >= wanted { Ok(Some(())) } else { Err(format!("{so_far} so far").into()) }
        })?;
        pass(Duration::from_millis(500));
        let came = crowd.finish().map_err(|error| with_logs(lab, &*error))?;
        let figures = format!("{} operations", came.record.operations.len());
        Ok((came, figures))
    })?;
    Ok((faults, came))
}

/// Prints what was done and what the checkers say, and fails if that is not all right.
fn judged(report: &mut Report, faults: &[Fault], came: &Came) -> Result {
    print_operations(&came.record);
    print_waits(&nemesis::table(faults, &came.record.operations));
    let started = Instant::now();
    let verdict = Verdict::of(&came.record, LAST_LOOK);
    let mut differences = Vec::new();
    if let Some((first, seen)) = came.seen.first() {
        for (node, other) in &came.seen {
            let pairs = seen.iter().zip(other).filter(|(one, other)| one != other);
            differences.extend(pairs.map(|(one, other)| format!("{first}: {one}; {node}: {other}")));
        }
    }
    println!(
        "    judged in {:.1} s: {} registers by their zones, {} by search, {} looks at one register alone",
        started.elapsed().as_secs_f64(),
        verdict.exact,
        verdict.searched,
        verdict.looks
    );
    for (what, all) in [
        ("registers that no order explains", &verdict.alone),
        ("operations that saw what was never so together", &verdict.across),
        ("answered writes lost", &verdict.lost),
        ("answers that nobody may be given", &came.strange),
        ("requests without an answer", &came.hung),
        ("differences between nodes at the end", &differences),
    ] {
        report
            .step(what, || {
                all.iter().take(SHOWN).for_each(|one| println!("    {what}: {one}"));
                if all.is_empty() { Ok(((), "0".to_owned())) } else { Err(format!("{}", all.len()).into()) }
            })
            .or_else(|error| {
                println!("    {error}");
                Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
            })?;
    }
    let wrong = verdict.violations() + came.strange.len() + came.hung.len() + differences.len();
    if wrong == 0 { Ok(()) } else { Err(format!("{wrong} violations").into()) }
}

fn print_operations(record: &Record) {
    let mut kinds: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for operation in &record.operations {
        let [done, refused, failed, unknown] = kinds.entry(operation.kind).or_default();
        *match operation.outcome {
            Outcome::Done => done,
            Outcome::Refused => refused,
            Outcome::Failed => failed,
            Outcome::Unknown => unknown,
        } += 1;
    }
    println!("\n{:20} {:>8} {:>8} {:>8} {:>8}", "operation", "done", "refused", "failed", "unknown");
    let mut all = [0; 4];
    for (kind, counts) in &kinds {
        all = std::array::from_fn(|index| {
            all.get(index).copied().unwrap_or(0) + counts.get(index).copied().unwrap_or(0)
        });
        let [done, refused, failed, unknown] = counts;
        println!("{kind:20} {done:>8} {refused:>8} {failed:>8} {unknown:>8}");
    }
    let [done, refused, failed, unknown] = all;
    println!("{:20} {done:>8} {refused:>8} {failed:>8} {unknown:>8}", "all");
}

fn print_waits(kinds: &[Waits]) {
    println!(
        "\n{:46} {:>6} {:>9} {:>9} {:>17} {:>17}",
        "fault", "times", "write s", "read s", "with others: write", "read"
    );
    let shown =
        |time: Duration| if time.is_zero() { "-".to_owned() } else { format!("{:.2}", time.as_secs_f64()) };
    for waits in kinds {
        println!(
            "{:46} {:>6} {:>9} {:>9} {:>17} {:>17}",
            waits.kind,
            waits.count,
            shown(waits.write),
            shown(waits.read),
            shown(waits.write_together),
            shown(waits.read_together)
        );
    }
    println!("{:46} {:>6}\n", "all", kinds.iter().map(|waits| waits.count).sum::<usize>());
}

fn plan(lab: &Lab, seed: u64) -> Result<Plan> {
    let nodes = NODES.map(|(host, name)| {
        Ok(Node { name: name.to_owned(), address: (lab.host(host)?.address(), HTTP_PORT).into() })
    });
    let people = std::iter::once("testuser").chain(MORE_USERS).chain(STILL_MORE_USERS);
    Ok(Plan {
        network: lab.host("client")?.network()?,
        nodes: nodes.into_iter().collect::<Result<_>>()?,
        web_tier: Node { name: "web".to_owned(), address: (lab.host("web")?.address(), WEB_PORT).into() },
        admin_daemon: (lab.host("oxgw01")?.address(), ADMIN_PORT).into(),
        people: people.map(str::to_owned).collect(),
        password: "secret".to_owned(),
        seed,
    })
}

/// What no clock is needed for otherwise: a number that another run has not.
fn seed_of_this_moment() -> Result<u64> {
    #[allow(clippy::disallowed_methods, reason = "a number, not a time")]
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(u64::from(since.subsec_nanos()))
}

fn with_logs(lab: &Lab, error: &(dyn std::error::Error + Send + Sync)) -> String {
    let logs: Vec<String> = NODES.iter().map(|(host, _)| log_of(lab, host)).collect();
    format!("{error}\n{}", logs.join("\n"))
}

/// How much of what may be remembered each node had in memory since it was started last. A cluster that remembers nothing shows nothing.
fn from_memory(lab: &Lab) -> Result<String> {
    let mut shares = Vec::new();
    for (host, name) in NODES {
        let ask = format!("curl -s --max-time 5 http://{}:{HTTP_PORT}/metrics", lab.host(host)?.address());
        let text = lab.host("client")?.must(&ask, 10)?;
        let sum = |by: &str| -> f64 {
            let lines = text.lines().filter(|line| {
                line.starts_with("zebu_cache_statements_total{") && line.contains(&format!("by=\"{by}\""))
            });
            lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
        };
        let (memory, database) = (sum("memory"), sum("database"));
        if memory < 1.0 {
            return Err(format!(
                "{name} answered nothing from memory, and {database} statements of a database"
            )
            .into());
        }
        shares.push(format!(
            "{name} {:.0} % of {:.0} statements",
            100.0 * memory / (memory + database),
            memory + database
        ));
    }
    Ok(shares.join(", "))
}

/// Waits until what dead nodes left is swept away.
fn filestore_check(lab: &Lab) -> Result<String> {
    let check = "zebu filestore check --config /opt/open-xchange/etc/groupware.toml";
    let (said, _) = until("zebu filestore check ends with 0", SWEEP_SECONDS_MAX, || {
        let ran = lab.host("oxgw01")?.run(check, 60)?;
        if ran.code == 0 { Ok(Some(ran.text)) } else { Err(ran.text.into()) }
    })?;
    Ok(said.lines().collect::<Vec<_>>().join(", "))
}
