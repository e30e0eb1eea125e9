//! A master and its replicas, of a test's own: GTID replication over the loopback address, all with binary logs, so that each
//! can take each other's place.

use crate::server::{Part, Server};

/// Who replicates signs in as root: these servers are reached from this machine only.
const FROM: &str = "MASTER_HOST='127.0.0.1', MASTER_USER='root', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, \
                    MASTER_HEARTBEAT_PERIOD=1";

/// Servers that were started as a master and its replicas. Which is what may change; the places in here do not.
#[derive(Debug)]
pub struct Group {
    /// The one that was the master at first.
    pub master: Server,
    /// The ones that were replicas at first.
    pub replicas: Vec<Server>,
}

impl Group {
    /// A master with so many replicas that follow it and take no writes.
    ///
    /// # Panics
    /// If one does not start.
    #[must_use]
    #[allow(clippy::panic, clippy::expect_used, reason = "fails the test that asked")]
    pub fn start(replicas: u32) -> Group {
        let started = std::thread::scope(|scope| {
            let starting: Vec<_> = (1..=replicas + 1)
                .map(|number| scope.spawn(move || Server::start(Part::Member(number), &[])))
                .collect();
            let done =
                starting.into_iter().map(|thread| thread.join().expect("a thread that starts a server"));
            done.collect::<Result<Vec<Server>, String>>()
        });
        let mut servers = started.unwrap_or_else(|reason| panic!("MariaDB for tests: {reason}")).into_iter();
        let group = Group { master: servers.next().expect("a master"), replicas: servers.collect() };
        for replica in &group.replicas {
            replica.set_read_only(true);
            replica.follow(&group.master);
        }
        group
    }

    /// From now on the master answers a commit only when a replica has it, and waits for that as long as `timeout_ms`; nobody is
    /// shown what was committed before.
    pub fn semi_sync(&self, timeout_ms: u64) {
        self.master.sql(&format!(
            "SET GLOBAL rpl_semi_sync_master_wait_point='AFTER_SYNC'; SET GLOBAL \
             rpl_semi_sync_master_timeout={timeout_ms}; SET GLOBAL rpl_semi_sync_master_enabled=1"
        ));
        let ready = || self.master.status("Rpl_semi_sync_master_clients") == self.replicas.len().to_string();
        wait_for("each replica to acknowledge", ready);
        wait_for("semi-synchronous replication", || {
            self.master.status("Rpl_semi_sync_master_status") == "ON"
        });
    }

    /// Waits until each replica has everything the master has.
    pub fn settle(&self) {
        for replica in &self.replicas {
            replica.wait_for_all_of(&self.master);
        }
    }
}

impl Server {
    /// Makes this server a replica of another.
    pub fn follow(&self, master: &Server) {
        self.sql(&format!("STOP SLAVE; CHANGE MASTER TO {FROM}, MASTER_PORT={}; START SLAVE", master.port()));
    }

    /// Whether it takes writes of ordinary users.
    pub fn set_read_only(&self, read_only: bool) {
        self.sql(&format!("SET GLOBAL read_only={}", u8::from(read_only)));
    }

    /// Receives on, and applies nothing of it.
    pub fn stop_applying(&self) {
        self.sql("STOP SLAVE SQL_THREAD");
    }

    /// Applies again.
    pub fn start_applying(&self) {
        self.sql("START SLAVE SQL_THREAD");
    }

    /// Receives nothing more.
    pub fn stop_receiving(&self) {
        self.sql("STOP SLAVE IO_THREAD");
    }

    /// Receives again.
    pub fn start_receiving(&self) {
        self.sql("START SLAVE IO_THREAD");
    }

    /// Applies everything so many seconds late.
    pub fn delay(&self, seconds: u32) {
        self.sql(&format!("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY={seconds}; START SLAVE"));
    }

    /// Waits until this replica has applied everything that `master` has committed by now.
    ///
    /// # Panics
    /// If that takes longer than a minute.
    pub fn wait_for_all_of(&self, master: &Server) {
        let there = master.sql("SELECT @@gtid_binlog_pos");
        let said = self.sql(&format!("SELECT MASTER_GTID_WAIT('{}', 60)", there.trim()));
        assert_eq!(said.trim(), "0", "a replica does not catch up");
    }

    /// Makes a replica a master: applies what it has received, forgets whom it followed, takes writes.
    pub fn promote(&self) {
        self.sql("STOP SLAVE IO_THREAD");
        wait_for("what was received to be applied", || {
            let status = self.sql("SELECT @@gtid_slave_pos");
            let received = self.slave("Gtid_IO_Pos");
            received.is_empty() || received == status.trim()
        });
        self.sql("STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only=0");
    }

    /// A status variable.
    #[must_use]
    pub fn status(&self, name: &str) -> String {
        let said = self.sql(&format!("SHOW GLOBAL STATUS LIKE '{name}'"));
        said.split_whitespace().nth(1).unwrap_or_default().to_owned()
    }

    /// A field of `SHOW SLAVE STATUS`; empty if it follows nobody.
    #[must_use]
    pub fn slave(&self, field: &str) -> String {
        let said = self.sql("SHOW SLAVE STATUS\\G");
        let line = said.lines().find_map(|line| line.trim().strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_default().trim().to_owned()
    }
}

/// Waits until something is so.
///
/// # Panics
/// If that takes longer than a minute.
pub fn wait_for(what: &str, so: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !so() {
        assert!(std::time::Instant::now() < deadline, "waited a minute for {what}");
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_get_what_the_master_writes_and_one_can_take_its_place() {
        let group = Group::start(2);
        group.semi_sync(10_000);
        let (one, two) = (&group.replicas[0], &group.replicas[1]);
        group
            .master
            .sql("CREATE DATABASE a; CREATE TABLE a.t (n INT PRIMARY KEY); INSERT INTO a.t VALUES (1)");
        group.settle();
        assert_eq!(one.sql("SELECT n FROM a.t").trim(), "1");
        two.stop_applying();
        group.master.sql("INSERT INTO a.t VALUES (2)");
        one.wait_for_all_of(&group.master);
        assert_eq!(two.sql("SELECT n FROM a.t").trim(), "1");
        two.start_applying();
        group.master.kill();
        one.promote();
        two.follow(one);
        one.sql("INSERT INTO a.t VALUES (3)");
        two.wait_for_all_of(one);
        assert_eq!(two.sql("SELECT COUNT(*) FROM a.t").trim(), "3");
        group.master.start_again(&["--read-only=1"]);
        group.master.sql("SET GLOBAL gtid_slave_pos=@@gtid_binlog_pos");
        group.master.follow(one);
        group.master.wait_for_all_of(one);
        assert_eq!(group.master.sql("SELECT COUNT(*) FROM a.t").trim(), "3");
    }
}
