//! `cargo xtask bench scaling`: what a deployment costs by its size, in the simulation: the driver, the protocol and the memory that
//! nodes run, with nothing going wrong. Prints tables and draws `docs/scaling.svg`.

mod chart;

use std::collections::BTreeMap;

use crate::Result;
use crate::command::{capture, cargo, root, run};
use crate::install;
use chart::{Chart, Line, draw};

const NODES: [usize; 6] = [2, 4, 8, 16, 32, 64];
const SCOPES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Where the number of nodes grows: scopes of each node.
const SCOPES_EACH: usize = 2_000;
/// Where the number of scopes grows: nodes, of which one remembers them.
const NODES_FIXED: usize = 2;
const WRITES: usize = 640;
/// Kind, length and number of a frame, and what TLS 1.3 adds to a record: 5 of header, 16 of seal, 1 of type.
const AROUND_BYTES: f64 = 5.0 + 22.0;

/// What one size cost.
struct Cost {
    nodes: f64,
    scopes: f64,
    /// For each write.
    messages: f64,
    bytes: f64,
    /// For each node and second, while nobody writes.
    idle_messages: f64,
    idle_bytes: f64,
    registry_calls: f64,
    /// Remembered answers for each write that nobody wrote to.
    spoiled: f64,
    /// For each scope on each node.
    remembered_bytes: f64,
}

/// `cargo xtask bench scaling`
pub(super) fn run_all(arguments: &[String]) -> Result {
    if !arguments.is_empty() {
        return Err("usage: cargo xtask bench scaling".into());
    }
    install::ensure(&[install::C_COMPILER])?;
    run(
        cargo(&["test", "--package", "zebu-cluster", "--locked", "--test", "sim", "--no-run"]).arg("--quiet")
    )?;
    let by_nodes =
        NODES.map(|nodes| size(nodes, nodes, SCOPES_EACH)).into_iter().collect::<Result<Vec<_>>>()?;
    println!(
        "\n| nodes | messages a write | bytes a write | messages a second and node, idle | bytes | registry calls a second | bytes a remembered scope |"
    );
    println!("|---|---|---|---|---|---|---|");
    for cost in &by_nodes {
        println!(
            "| {} | {:.0} | {:.0} | {:.1} | {:.0} | {:.1} | {:.0} |",
            cost.nodes,
            cost.messages,
            cost.bytes,
            cost.idle_messages,
            cost.idle_bytes,
            cost.registry_calls,
            cost.remembered_bytes
        );
    }
    let by_scopes =
        SCOPES.map(|scopes| size(NODES_FIXED, 1, scopes)).into_iter().collect::<Result<Vec<_>>>()?;
    println!(
        "\n| scopes remembered by one of {NODES_FIXED} nodes | messages a write | bytes a remembered scope | loads that a write costs others by chance |"
    );
    println!("|---|---|---|---|");
    for cost in &by_scopes {
        println!(
            "| {} | {:.0} | {:.0} | {:.2} |",
            cost.scopes, cost.messages, cost.remembered_bytes, cost.spoiled
        );
    }
    let path = root().join("docs/scaling.svg");
    std::fs::write(&path, picture(&by_nodes, &by_scopes))?;
    println!("\n{}", path.display());
    Ok(())
}

fn size(nodes: usize, readers: usize, scopes: usize) -> Result<Cost> {
    let mut sim = cargo(&["test", "--quiet", "--package", "zebu-cluster", "--locked", "--test", "sim", "--"]);
    sim.args(["scaling::the_size_that_is_asked_for_costs_this", "--exact", "--nocapture"]);
    sim.env("ZEBU_SIM_SIZE", format!("{nodes},{readers},{scopes},{}", WRITES.min(scopes / 2)));
    let said = capture(&mut sim)?;
    let line =
        said.lines().find_map(|line| line.strip_prefix("size ")).ok_or("the simulation says nothing")?;
    let fields: BTreeMap<&str, f64> = line
        .split(' ')
        .filter_map(|field| field.split_once('='))
        .filter_map(|(k, v)| Some((k, v.parse().ok()?)))
        .collect();
    let field =
        |name: &str| fields.get(name).copied().ok_or_else(|| format!("the simulation does not say {name}"));
    let (nodes, scopes, writes) = (field("nodes")?, field("scopes")?, field("writes")?);
    let seconds = field("idle_ms")? / 1_000.0;
    let around = |messages: f64, bytes: f64| bytes + messages * AROUND_BYTES;
    let (writing, idle) = (field("write_messages")?, field("idle_messages")?);
    Ok(Cost {
        nodes,
        scopes,
        messages: writing / writes,
        bytes: around(writing, field("write_bytes")?) / writes,
        idle_messages: idle / seconds / nodes,
        idle_bytes: around(idle, field("idle_bytes")?) / seconds / nodes,
        registry_calls: field("registry_calls")? / seconds,
        spoiled: field("spoiled")? / writes,
        remembered_bytes: field("remembered_bytes")? / scopes / readers as f64,
    })
}

fn picture(by_nodes: &[Cost], by_scopes: &[Cost]) -> String {
    let line = |name: &'static str, costs: &[Cost], x: fn(&Cost) -> f64, y: fn(&Cost) -> f64| Line {
        name,
        points: costs.iter().map(|cost| (x(cost), y(cost))).collect(),
    };
    let nodes: fn(&Cost) -> f64 = |cost| cost.nodes;
    let scopes: fn(&Cost) -> f64 = |cost| cost.scopes;
    draw(&[
        Chart {
            title: "messages, by nodes",
            lines: vec![
                line("a write", by_nodes, nodes, |cost| cost.messages),
                line("a second and node, idle", by_nodes, nodes, |cost| cost.idle_messages),
            ],
        },
        Chart {
            title: "bytes a remembered scope, by nodes",
            lines: vec![line("on each node", by_nodes, nodes, |cost| cost.remembered_bytes)],
        },
        Chart {
            title: "by scopes remembered",
            lines: vec![
                line("messages a write", by_scopes, scopes, |cost| cost.messages),
                line("bytes a scope", by_scopes, scopes, |cost| cost.remembered_bytes),
            ],
        },
    ])
}
