//! Looking at a server, again and again, on a connection of its own.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::observation::{Observation, Seen, SemiSync, Source, Status};
use super::position::{Log, Position};
use super::{Group, LOOK_EVERY, Watched};
use crate::engine::{Probe, Server};
use crate::error::{Error, Result};

/// The least rest between two looks.
const REST: Duration = Duration::from_millis(50);

/// Watches over a server of a group until either is gone.
pub(super) fn start(group: &Arc<Group>, watched: &Arc<Watched>) {
    if let Ok(server @ Server::Maria(_)) = &watched.server {
        let (group, watched, server) = (Arc::downgrade(group), Arc::downgrade(watched), server.clone());
        tokio::spawn(watch(group, watched, server));
    }
}

async fn watch(group: Weak<Group>, watched: Weak<Watched>, server: Server) {
    let mut probe = None;
    loop {
        let asked = Instant::now();
        let Some((wait, alone)) = group.upgrade().map(|g| (g.limits.look, g.inner().servers.len() == 1))
        else {
            return;
        };
        let seen = match look(&server, &mut probe, wait, alone).await {
            Ok(status) => Seen::Alive(Box::new(status)),
            Err(error) => {
                probe = None;
                Seen::Dead(reason(error).into())
            }
        };
        let took = asked.elapsed();
        {
            let (Some(group), Some(watched)) = (group.upgrade(), watched.upgrade()) else { return };
            watched.latency_us.store(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
            *watched.observation.lock().unwrap_or_else(PoisonError::into_inner) = Observation { asked, seen };
            group.update();
        }
        tokio::time::sleep(LOOK_EVERY.saturating_sub(took).max(REST)).await;
    }
}

/// An error's reason, without the server's name that is said beside it.
fn reason(error: Error) -> String {
    match error {
        Error::Unavailable { reason, .. } => reason,
        other => other.to_string(),
    }
}

/// Asks a server how it is. `alone`: it has no replicas, so nothing about replication matters.
async fn look(server: &Server, probe: &mut Option<Probe>, wait: Duration, alone: bool) -> Result<Status> {
    let asker = match probe {
        Some(asker) => asker,
        None => match server.probe(wait).await? {
            Some(asker) => probe.insert(asker),
            None => return Ok(Status::default()),
        },
    };
    if alone {
        let rows = asker.ask("SELECT @@global.read_only AS read_only").await?;
        let read_only = rows.first().is_some_and(|row| is_on(row.get("read_only")));
        return Ok(Status { read_only, ..Status::default() });
    }
    let sql = "SELECT @@global.read_only AS read_only, @@server_id AS number, @@gtid_current_pos AS position, \
               @@gtid_binlog_state AS log, \
               @@global.rpl_semi_sync_master_timeout AS timeout, @@global.rpl_semi_sync_master_wait_no_slave AS waits";
    let row = asker.ask(sql).await?.into_iter().next().unwrap_or_default();
    let mut status = Status {
        number: number(row.get("number")),
        read_only: is_on(row.get("read_only")),
        source: source(asker).await?,
        position: Position::parse(row.get("position").map_or("", String::as_str)),
        log: Log::parse(row.get("log").map_or("", String::as_str)),
        ..Status::default()
    };
    status.semi_sync.timeout_ms = number(row.get("timeout"));
    status.semi_sync.waits_without_replicas = is_on(row.get("waits"));
    count(asker, &mut status).await?;
    Ok(status)
}

/// Whom it follows.
pub(super) async fn source(asker: &mut Probe) -> Result<Option<Source>> {
    // All, because a server may follow several under names.
    let rows = asker.ask("SHOW ALL SLAVES STATUS").await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let text = |field: &str| row.get(field).map_or("", String::as_str);
    let io = text("slave_io_running");
    let errors = [text("last_io_error"), text("last_sql_error")].join(" ");
    let error = match errors.trim() {
        "" if io == "Connecting" => "it is connecting".to_owned(),
        "" => "it was stopped".to_owned(),
        said => said.to_owned(),
    };
    Ok(Some(Source {
        number: number(row.get("master_server_id")),
        receives: io == "Yes",
        applies: text("slave_sql_running") == "Yes",
        error,
        received: (text("using_gtid") != "No").then(|| Position::parse(text("gtid_io_pos"))),
        behind_seconds: row.get("seconds_behind_master").and_then(|s| s.parse().ok()),
    }))
}

/// How busy it is, and how it acknowledges.
async fn count(asker: &mut Probe, status: &mut Status) -> Result<()> {
    let sql = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Threads_running', 'Threads_connected', \
               'Rpl_semi_sync_master_status', 'Rpl_semi_sync_master_wait_sessions', 'Rpl_semi_sync_master_clients', \
               'Rpl_semi_sync_slave_status')";
    let semi_sync: &mut SemiSync = &mut status.semi_sync;
    for row in asker.ask(sql).await? {
        let value = row.get("value");
        match row.get("variable_name").map_or("", String::as_str) {
            "Threads_running" => status.running = number(value),
            "Threads_connected" => status.connected = number(value),
            "Rpl_semi_sync_master_status" => semi_sync.holds = is_on(value),
            "Rpl_semi_sync_master_wait_sessions" => semi_sync.waiting = number(value),
            "Rpl_semi_sync_master_clients" => semi_sync.replicas = number(value),
            "Rpl_semi_sync_slave_status" => semi_sync.acknowledges = is_on(value),
            _ => {}
        }
    }
    Ok(())
}

fn number(text: Option<&String>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn is_on(text: Option<&String>) -> bool {
    text.is_some_and(|text| text == "1" || text.eq_ignore_ascii_case("on"))
}
