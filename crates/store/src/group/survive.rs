//! Reading on while nothing can be written: only where it is certain that nothing answered is missing.
//!
//! The rule. A master with semi-synchronous replication answers a commit when one replica has it in its relay log, unless
//! that takes longer than `rpl_semi_sync_master_timeout`: then it gives up and answers alone. A moment at which it held and
//! no commit was waiting proves that nothing is answered alone before that moment plus the time limit. Until then, every
//! write that was answered is with at least one of the replicas that acknowledge. So whoever asks all of them how far they
//! have received, after the request came, and reads where all of that is applied, misses nothing, whether the master is dead
//! or only out of this node's sight. One replica that does not answer, follows somebody else, or was not known to acknowledge
//! is enough for there to be no proof: then nobody reads.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::decide::Stop;
use super::observation::{Member, Seen, ServerId, Status};
use super::position::Position;
use super::{Group, Watched, watch};
use crate::engine::{Begin, Lease, Server};
use crate::error::{Error, Result};
use crate::statement::Statement;
use crate::value::args;

/// Of the master's time limit so much is believed: clocks do not run alike.
const BELIEVED_PERCENT: u64 = 90;
/// How long is waited until what was received is applied, ms.
const APPLIED_MS_MAX: u64 = 1_000;

/// That nothing has been answered that no replica has.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Proof {
    /// The number of the master in replication.
    master: u64,
    /// The replicas that acknowledge, all of the group.
    replicas: BTreeSet<ServerId>,
    /// How far the master was when this was seen.
    position: Position,
    until: Instant,
}

/// What is proven, and what may be in a moment.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    proven: Option<Proof>,
    /// Seen of the master. A master that gave up takes semi-synchronous replication up again when it has sent what it had
    /// answered alone: only once that has arrived is anything proven.
    seen: Option<Proof>,
}

impl Proofs {
    /// Takes in a look at the writer, begun at `asked`, and what was last seen of the others.
    pub(super) fn note(&mut self, writer: ServerId, status: &Status, members: &[Member], asked: Instant) {
        let semi_sync = &status.semi_sync;
        if !semi_sync.holds || !semi_sync.waits_without_replicas {
            (self.proven, self.seen) = (None, None);
            return;
        }
        let others: Vec<&Member> = members.iter().filter(|m| m.id != writer).collect();
        // One that does not acknowledge at the moment, or commits that wait: what was proven before goes on to hold for
        // its time, as long as nobody came who is not asked.
        let holds =
            |p: &Proof| p.master == status.number && others.iter().all(|m| p.replicas.contains(&m.id));
        self.proven = self.proven.take().filter(holds);
        let mut received = Position::default();
        for source in others.iter().filter_map(|m| m.status()?.source.as_ref()) {
            if let (Some(position), true) = (&source.received, source.number == status.number) {
                received.raise(position);
            }
        }
        match self.seen.take().filter(holds) {
            Some(seen) if received.covers(&seen.position) => self.proven = Some(seen),
            waiting => self.seen = waiting,
        }
        if self.seen.as_ref().is_none_or(|seen| asked >= seen.until) {
            self.seen = Proof::of(status, &others, asked);
        }
    }
}

impl Proof {
    /// What a look at the master shows, if all others acknowledge and no commit was waiting.
    fn of(status: &Status, others: &[&Member], asked: Instant) -> Option<Proof> {
        let semi_sync = &status.semi_sync;
        let acknowledges = |m: &&&Member| {
            let follows = |s: &Status| {
                s.source.as_ref().is_some_and(|f| f.number == status.number && f.received.is_some())
            };
            m.status().is_some_and(|s| s.semi_sync.acknowledges && follows(s))
        };
        let replicas: BTreeSet<ServerId> = others.iter().filter(acknowledges).map(|m| m.id).collect();
        let all = !replicas.is_empty()
            && replicas.len() == others.len()
            && u64::try_from(replicas.len()).ok() == Some(semi_sync.replicas);
        let believed = Duration::from_millis(semi_sync.timeout_ms.saturating_mul(BELIEVED_PERCENT) / 100);
        let until = asked.checked_add(believed)?;
        let (master, position) = (status.number, status.position.clone());
        (all && semi_sync.waiting == 0).then_some(Proof { master, replicas, position, until })
    }
}

impl Group {
    /// A connection to a replica that has everything that was answered, if the master is gone and that can be proven;
    /// else why not; `error`: what the master said, if it is not known to be gone.
    pub(crate) async fn survivor(self: &Arc<Self>, schema: &str, error: Error) -> Result<Lease> {
        let decided = self.decided().await;
        let Err(stop) = &decided.roles.writer else { return Err(error) };
        let refuse = |why: &str| {
            self.unavailable(format!("{stop}; and it is not certain that a replica has everything: {why}"))
        };
        if !matches!(stop, Stop::Dead { .. }) {
            return Err(self.unavailable(stop.to_string()));
        }
        let proof = self.inner().proofs.proven.clone();
        let proof =
            proof.ok_or_else(|| refuse("semi-synchronous replication did not hold with all of them"))?;
        if Instant::now() >= proof.until {
            return Err(refuse("the time limit of semi-synchronous replication has passed"));
        }
        let of = |id: &ServerId| decided.servers.iter().find(|s| s.id == *id);
        let mut all = Position::default();
        for id in &proof.replicas {
            let watched = of(id).ok_or_else(|| refuse("one was unregistered"))?;
            let received = received(watched, proof.master, self.limits.look).await;
            all.raise(&received.map_err(|why| refuse(&format!("{} {why}", watched.name)))?);
        }
        for id in &proof.replicas {
            let Some(server) = of(id).and_then(|watched| watched.server.as_ref().ok()) else { continue };
            if decided.members.iter().any(|m| m.id == *id && !matches!(m.seen, Seen::Alive(_))) {
                continue;
            }
            if let Ok(lease) = applied(server, schema, &all).await {
                return Ok(lease);
            }
        }
        Err(refuse("none has applied what was received"))
    }
}

/// How far a replica has received from the master, asked now.
async fn received(
    watched: &Arc<Watched>,
    master: u64,
    wait: Duration,
) -> std::result::Result<Position, String> {
    let server = watched.server.as_ref().map_err(|reason| reason.to_string())?;
    let mut held = watched.asker.lock().await;
    // Taken, so that one that failed is not used again.
    let mut asker = match held.take() {
        Some(asker) => asker,
        None => {
            let connected = server.probe(wait).await.map_err(|error| format!("does not answer ({error})"))?;
            connected.ok_or("is a file")?
        }
    };
    let source = watch::source(&mut asker).await.map_err(|error| format!("does not answer ({error})"))?;
    *held = Some(asker);
    let source = source.filter(|source| source.number == master).ok_or("follows another server")?;
    source.received.ok_or_else(|| "does not replicate by GTID".to_owned())
}

/// A connection to a replica once it has applied all of this.
async fn applied(server: &Server, schema: &str, all: &Position) -> Result<Lease> {
    let mut lease = server.lease(schema, Begin::Read).await?;
    // Touches no table, so the snapshot begins after it.
    let sql = format!("SELECT MASTER_GTID_WAIT(?, {}.{:03})", APPLIED_MS_MAX / 1_000, APPLIED_MS_MAX % 1_000);
    let rows = lease.query(Statement::new("replication", sql, args![all.to_string()])).await?;
    match rows.into_iter().next().map(|mut row| row.opt_int()).transpose()?.flatten() {
        Some(0) => Ok(lease),
        _ => Err(Error::Unavailable {
            database: lease.database(),
            reason: "it has not applied what was received".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::observation::{SemiSync, Source};
    use super::*;

    const AT: &str = "0-1-5";

    fn master(semi_sync: SemiSync) -> Status {
        Status { number: 1, semi_sync, position: Position::parse(AT), ..Status::default() }
    }

    fn holding() -> SemiSync {
        SemiSync {
            holds: true,
            timeout_ms: 10_000,
            replicas: 2,
            waits_without_replicas: true,
            ..SemiSync::default()
        }
    }

    fn replica(id: ServerId, acknowledges: bool, received: &str) -> Member {
        let source =
            Some(Source { number: 1, received: Some(Position::parse(received)), ..Source::default() });
        let semi_sync = SemiSync { acknowledges, ..SemiSync::default() };
        let seen = Seen::Alive(Box::new(Status { number: 9, source, semi_sync, ..Status::default() }));
        Member { id, name: "r".into(), registered_master: false, seen }
    }

    /// What is proven after these looks: each so many seconds after the first, with the master's state and its replicas.
    fn proven(looks: &[(u64, SemiSync, [Member; 2])]) -> Option<u64> {
        let start = Instant::now();
        let mut proofs = Proofs::default();
        for (later, semi_sync, members) in looks {
            proofs.note(1, &master(semi_sync.clone()), members, start + Duration::from_secs(*later));
        }
        proofs.proven.map(|proof| proof.until.duration_since(start).as_secs())
    }

    #[test]
    fn a_proof_lasts_as_long_as_the_limit_after_a_moment_when_nothing_waited_and_all_acknowledged() {
        let both = || [replica(2, true, AT), replica(3, true, "0-1-4")];
        let behind = || [replica(2, true, "0-1-4"), replica(3, true, "0-1-4")];
        let one = || [replica(2, true, AT), replica(3, false, AT)];
        let waiting = || SemiSync { waiting: 1, ..holding() };
        assert_eq!(proven(&[(0, holding(), both())]), None, "what was sent may not have arrived");
        assert_eq!(proven(&[(0, holding(), both()), (1, holding(), both())]), Some(9));
        assert_eq!(proven(&[(0, holding(), behind()), (1, holding(), behind())]), None);
        assert_eq!(proven(&[(0, holding(), behind()), (2, waiting(), both())]), Some(9));
        // Commits that wait may have begun long before: nothing new is proven, and nothing lost.
        let first = [(0, holding(), both()), (1, waiting(), both()), (5, waiting(), both())];
        assert_eq!(proven(&first), Some(9));
        assert_eq!(proven(&[(0, waiting(), both()), (1, waiting(), both())]), None);
        // One of them does not acknowledge: what it acknowledged before is still with it alone.
        let fewer = || SemiSync { replicas: 1, ..holding() };
        assert_eq!(proven(&[(0, holding(), both()), (1, fewer(), one()), (2, fewer(), one())]), Some(9));
        assert_eq!(proven(&[(0, fewer(), one()), (1, fewer(), one())]), None);
        // A stranger acknowledges too.
        let more = || SemiSync { replicas: 3, ..holding() };
        assert_eq!(proven(&[(0, more(), both()), (1, more(), both())]), None);
        // It was given up.
        let off = SemiSync { holds: false, ..holding() };
        assert_eq!(proven(&[(0, holding(), both()), (1, holding(), both()), (2, off, both())]), None);
        let gives_up = SemiSync { waits_without_replicas: false, ..holding() };
        assert_eq!(proven(&[(0, holding(), both()), (1, holding(), both()), (2, gives_up, both())]), None);
    }
}
