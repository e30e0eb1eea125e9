//! `GET /metrics`: what an operator's monitoring reads, in the text format of Prometheus. No session, nothing of any tenant.
//!
//! Called by `edge`. Names say what is counted and in which unit; a name is never given another meaning.

use std::fmt::Write;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};
use zebu_app::databases::{self, CacheState, Reads, Role, ServerState};
use zebu_app::gauge::{AGES_MS, GaugeState};
use zebu_app::live::CoherenceStatus;
use zebu_app::sessions::{self, SignIns};
use zebu_app::{App, cluster, live, push};

use crate::body::{self, Outgoing};

/// Answers with all metrics of this node.
pub(crate) fn answer(app: &App) -> Response<Outgoing> {
    let mut text = text(&databases::reads(app), &databases::seen(app));
    mesh(&mut text, app);
    gauge(&mut text, &app.gauge().state());
    push(&mut text, &push::state(app));
    sign_ins(&mut text, &sessions::sign_ins(app));
    if let Some(status) = live::coherence(app) {
        coherence(&mut text, &status);
    }
    if let Some(state) = databases::cache(app) {
        cache(&mut text, &state);
    }
    let mut response = Response::new(body::full(text));
    let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn text(reads: &Reads, servers: &[ServerState]) -> String {
    let mut out = String::new();
    family(&mut out, "zebu_reads_total", "counter", "Reads of contexts, by what answered them at first");
    for (on, count) in [("replica", reads.replica), ("master", reads.master), ("survivor", reads.survivor)] {
        line(&mut out, "zebu_reads_total", &[("on", on)], count);
    }
    let help = "Reads by replicas that were known to be far enough by their position";
    family(&mut out, "zebu_reads_by_position_total", "counter", help);
    line(&mut out, "zebu_reads_by_position_total", &[], reads.by_position);
    family(&mut out, "zebu_read_waits_total", "counter", "Reads that waited for a replica to arrive");
    line(&mut out, "zebu_read_waits_total", &[], reads.waits);
    let help = "Reads, or the rest of one, that a master had to answer though they named their scopes";
    family(&mut out, "zebu_read_fallbacks_total", "counter", help);
    for (why, count) in [
        ("no_replica", reads.no_replica),
        ("behind", reads.behind),
        ("failed", reads.failed),
        ("no_scope", reads.no_scope),
    ] {
        line(&mut out, "zebu_read_fallbacks_total", &[("reason", why)], count);
    }
    type Value = fn(&ServerState) -> Option<u64>;
    let gauges: [(&str, &str, Value); 5] = [
        ("zebu_database_up", "1: the server answers", |s| Some(s.answers.into())),
        ("zebu_database_usable", "1: writes or reads go to it", |s| Some((s.role != Role::Out).into())),
        ("zebu_database_lag_ms", "How far a replica is behind its master", |s| s.lag_ms),
        ("zebu_database_statements_running", "Statements it works on, for whomever", |s| Some(s.running)),
        ("zebu_database_connections", "Connections it has, with whomever", |s| Some(s.connected)),
    ];
    for (name, help, value) in gauges {
        family(&mut out, name, "gauge", help);
        for server in servers {
            if let Some(value) = value(server) {
                line(&mut out, name, &[("server", &server.name), ("group", &server.group)], value);
            }
        }
    }
    family(&mut out, "zebu_database_role", "gauge", "1 for the role it has");
    for server in servers {
        let labels =
            [("server", server.name.as_str()), ("group", &server.group), ("role", server.role.name())];
        line(&mut out, "zebu_database_role", &labels, 1);
    }
    family(&mut out, "zebu_pool_connections", "gauge", "Connections of this node");
    for server in servers {
        let (in_use, idle) = server.pool;
        for (state, count) in [("in_use", in_use), ("idle", idle)] {
            let labels = [("server", server.name.as_str()), ("group", &server.group), ("state", state)];
            line(&mut out, "zebu_pool_connections", &labels, u64::try_from(count).unwrap_or(u64::MAX));
        }
    }
    out
}

/// How sign-ins went.
fn sign_ins(out: &mut String, counted: &SignIns) {
    let help = "Sign-ins of this node with a password, by what became of them; refused: not looked at after too many failures";
    family(out, "zebu_sign_ins_total", "counter", help);
    let outcomes =
        [("succeeded", counted.succeeded), ("failed", counted.failed), ("refused", counted.refused)];
    for (outcome, count) in outcomes {
        line(out, "zebu_sign_ins_total", &[("outcome", outcome)], count);
    }
}

/// The connections with the other nodes, if this one has a mesh.
fn mesh(out: &mut String, app: &App) {
    let Some(status) = cluster::mesh_of(app) else { return };
    family(out, "zebu_mesh_connected", "gauge", "Nodes that this one is connected with");
    line(out, "zebu_mesh_connected", &[], status.peers.len() as u64);
    family(out, "zebu_mesh_missing_ms", "gauge", "How long a registered node has not been connected");
    for missing in &status.missing {
        line(out, "zebu_mesh_missing_ms", &[("node", &missing.name)], missing.for_ms);
    }
    family(out, "zebu_mesh_round_trip_us", "gauge", "Round trip of a ping, smoothed");
    for peer in &status.peers {
        if let Some(us) = peer.round_trip_us {
            line(out, "zebu_mesh_round_trip_us", &[("node", &peer.name)], us);
        }
    }
    family(out, "zebu_mesh_queued_bytes", "gauge", "Bytes that wait to be sent to a node");
    for peer in &status.peers {
        line(out, "zebu_mesh_queued_bytes", &[("node", &peer.name)], peer.queued_bytes as u64);
    }
}

/// This node in the coherence protocol.
fn coherence(out: &mut String, status: &CoherenceStatus) {
    let sight = &status.sight;
    let gauges = [
        ("zebu_coherence_joined", "1: its writes are taken", u64::from(status.joined)),
        ("zebu_coherence_epoch", "1: it may answer from memory", u64::from(sight.epoch_ms.is_some())),
        ("zebu_coherence_membership_ms", "How long its membership is good", sight.membership_ms),
        ("zebu_coherence_writes_open", "Its own writes under way", sight.writes_open as u64),
        ("zebu_coherence_holds_open", "Others' writes that hold something here", sight.holds_open as u64),
    ];
    for (name, help, value) in gauges {
        family(out, name, "gauge", help);
        line(out, name, &[], value);
    }
    family(out, "zebu_coherence_epochs_total", "counter", "Epochs that began and that ended");
    for (what, count) in [("began", status.epochs_begun), ("ended", status.epochs_ended)] {
        line(out, "zebu_coherence_epochs_total", &[("what", what)], count);
    }
}

/// Subscriptions, and what became of them.
fn push(out: &mut String, state: &push::State) {
    family(out, "zebu_push_subscriptions", "gauge", "Subscriptions that are open");
    line(out, "zebu_push_subscriptions", &[], state.open.into());
    family(out, "zebu_push_told", "gauge", "1: this node is told of every change; 0: it looks for them");
    line(out, "zebu_push_told", &[], state.is_told.into());
    family(out, "zebu_push_opened_total", "counter", "Subscriptions that began");
    line(out, "zebu_push_opened_total", &[], state.opened);
    family(out, "zebu_push_refused_total", "counter", "Subscriptions that were refused, by the limit");
    for (limit, count) in ["node", "user", "session"].into_iter().zip(state.refused) {
        line(out, "zebu_push_refused_total", &[("limit", limit)], count);
    }
    family(out, "zebu_push_ended_total", "counter", "Subscriptions that ended, by why");
    for (why, count) in ["client", "session", "drain", "nothing"].into_iter().zip(state.ended) {
        line(out, "zebu_push_ended_total", &[("reason", why)], count);
    }
    family(out, "zebu_push_events_total", "counter", "Events that were made, by kind");
    let events = [("change", state.changes), ("gone", state.gone), ("start_over", state.started_over)];
    for (kind, count) in events {
        line(out, "zebu_push_events_total", &[("kind", kind)], count);
    }
    family(out, "zebu_push_looks_total", "counter", "Looks at a context's versions");
    line(out, "zebu_push_looks_total", &[], state.looks);
}

/// What a node that remembers adds.
fn cache(out: &mut String, state: &CacheState) {
    let help = "Statements that could be answered from memory, by what they read and whether they were";
    family(out, "zebu_cache_statements_total", "counter", help);
    for of in &state.hits {
        for (answered, count) in [("memory", of.hits), ("database", of.misses)] {
            line(out, "zebu_cache_statements_total", &[("scope", of.kind), ("by", answered)], count);
        }
    }
    let gauges = [
        ("zebu_cache_entries", "Results that are remembered", state.entries),
        ("zebu_cache_bytes", "What they take", state.bytes),
        ("zebu_cache_bytes_max", "What they may take", state.bytes_max),
    ];
    for (name, help, value) in gauges {
        family(out, name, "gauge", help);
        line(out, name, &[], value);
    }
}

/// What the gauge of this node has seen.
fn gauge(out: &mut String, state: &GaugeState) {
    let counters = [
        ("zebu_gauge_samples_total", "Writes that were read back on every node", state.samples),
        ("zebu_gauge_answers_total", "Answers of nodes to that", state.answers),
        ("zebu_gauge_unanswered_total", "Nodes that did not answer in time", state.unanswered),
    ];
    for (name, help, value) in counters {
        family(out, name, "counter", help);
        line(out, name, &[], value);
    }
    family(out, "zebu_gauge_old_total", "counter", "Answers that showed less than had been written, by age");
    let bounds = AGES_MS.iter().map(u64::to_string).chain(["more".to_owned()]);
    for (bound, count) in bounds.zip(state.by_age) {
        line(out, "zebu_gauge_old_total", &[("up_to_ms", &bound)], count);
    }
}

/// What a metric is.
fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// One value, with its labels.
fn line(out: &mut String, name: &str, labels: &[(&str, &str)], value: u64) {
    let labels: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _ = writeln!(out, "{name}{labels} {value}");
}

/// A label's value as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use zebu_app::databases::Hits;

    use super::*;

    #[test]
    fn metrics_are_in_the_text_format_and_a_name_with_quotes_stays_in_its_label() {
        let server = ServerState {
            id: 3,
            name: "db \"a\"".to_owned(),
            group: "db".to_owned(),
            role: Role::Replica,
            answers: true,
            trouble: String::new(),
            lag_ms: Some(12),
            running: 2,
            connected: 7,
            pool: (1, 3),
        };
        let reads = Reads { replica: 90, by_position: 70, master: 10, behind: 4, ..Reads::default() };
        let text = text(&reads, &[server]);
        for expected in [
            "# TYPE zebu_reads_total counter",
            "zebu_reads_total{on=\"replica\"} 90",
            "zebu_reads_total{on=\"master\"} 10",
            "zebu_reads_by_position_total 70",
            "zebu_read_fallbacks_total{reason=\"behind\"} 4",
            "zebu_read_waits_total 0",
            "zebu_database_lag_ms{server=\"db \\\"a\\\"\",group=\"db\"} 12",
            "zebu_database_role{server=\"db \\\"a\\\"\",group=\"db\",role=\"replica\"} 1",
            "zebu_pool_connections{server=\"db \\\"a\\\"\",group=\"db\",state=\"idle\"} 3",
        ] {
            assert!(text.lines().any(|line| line == expected), "{expected} is missing:\n{text}");
        }
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn a_node_that_remembers_says_how_much_of_what() {
        let hits = vec![Hits { kind: "tree", hits: 30, misses: 2 }];
        let mut text = String::new();
        cache(&mut text, &CacheState { hits, entries: 5, bytes: 900, bytes_max: 1_000 });
        for expected in [
            "zebu_cache_statements_total{scope=\"tree\",by=\"memory\"} 30",
            "zebu_cache_statements_total{scope=\"tree\",by=\"database\"} 2",
            "zebu_cache_entries 5",
            "zebu_cache_bytes 900",
            "zebu_cache_bytes_max 1000",
        ] {
            assert!(text.lines().any(|line| line == expected), "{expected} is missing:\n{text}");
        }
    }
}
