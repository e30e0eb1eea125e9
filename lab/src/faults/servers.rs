//! What an operator does to the two database servers: freezes, kills, starts and promotes them. Used by the faults; each
//! waits until it is done.

use crate::Result;
use crate::guide::databases::slave_state;
use crate::guide::operator::ask;
use crate::hosts::{Host, Lab};
use crate::wait::until;

/// A server starts, with its recovery after a kill.
const START_SECONDS_MAX: u64 = 60;
/// A replica has what was written before.
const CATCH_UP_SECONDS_MAX: u64 = 60;

/// Kills a server the hard way, and what would start it again at once.
pub(crate) fn kill(host: &Host) -> Result {
    host.must("pkill -KILL -x mysqld_safe; pkill -KILL -x mariadbd", 10)?;
    until("the server is gone", 10, || Ok((host.run("pgrep -x mariadbd", 10)?.code == 1).then_some(())))
        .map(drop)
}

/// Starts a server as its host would at boot.
pub(crate) fn start(host: &Host) -> Result {
    host.must("/etc/init.d/mariadb start", START_SECONDS_MAX)?;
    until("the server answers", START_SECONDS_MAX, || ask(host, "SELECT 1;").map(Some)).map(drop)
}

/// Stops and starts a replica's threads: one that lost its master tries again only once a minute.
pub(crate) fn reconnect(slave: &Host) -> Result {
    ask(slave, "STOP SLAVE; START SLAVE;").map(drop)
}

/// Waits until the replica runs and has what the master has now.
pub(crate) fn replica_is_well(lab: &Lab, seconds_max: u64) -> Result {
    let (master, slave) = (lab.host("dbmaster")?, lab.host("dbslave")?);
    until("the replica's threads run", seconds_max, || {
        let state = slave_state(slave)?;
        if state.runs { Ok(Some(())) } else { Err(state.reason.into()) }
    })?;
    let position = ask(master, "SELECT @@gtid_binlog_pos;")?;
    let wait = format!("SELECT MASTER_GTID_WAIT('{}', {CATCH_UP_SECONDS_MAX});", position.trim());
    match ask(slave, &wait)?.trim() {
        "0" => Ok(()),
        other => Err(format!("the replica has not caught up after {CATCH_UP_SECONDS_MAX} s: {other}").into()),
    }
}

/// Whether `dbslave` has become the master.
pub(crate) fn is_promoted(lab: &Lab) -> Result<bool> {
    Ok(ask(lab.host("dbslave")?, "SHOW SLAVE STATUS;")?.is_empty())
}

/// Makes each commit wait until the replica has it, however long that takes.
pub(crate) fn semi_synchronous(lab: &Lab) -> Result {
    let (master, slave) = (lab.host("dbmaster")?, lab.host("dbslave")?);
    ask(slave, "SET GLOBAL rpl_semi_sync_slave_enabled=1; STOP SLAVE IO_THREAD; START SLAVE IO_THREAD;")?;
    ask(
        master,
        "SET GLOBAL rpl_semi_sync_master_wait_point='AFTER_SYNC'; SET GLOBAL rpl_semi_sync_master_timeout=86400000; \
         SET GLOBAL rpl_semi_sync_master_enabled=1;",
    )?;
    until("the master knows one semi-synchronous replica", CATCH_UP_SECONDS_MAX, || {
        let status = ask(master, "SHOW STATUS LIKE 'Rpl_semi_sync_master_%';")?;
        let has = |name: &str, value: &str| status.lines().any(|line| line == format!("{name}\t{value}"));
        let on = has("Rpl_semi_sync_master_status", "ON") && has("Rpl_semi_sync_master_clients", "1");
        if on { Ok(Some(())) } else { Err(status.into()) }
    })
    .map(drop)
}

/// Makes the replica the master: it applies what it has received, follows nobody any more and takes writes.
pub(crate) fn promote(slave: &Host) -> Result {
    ask(slave, "STOP SLAVE IO_THREAD;")?;
    until("the replica has applied what it received", CATCH_UP_SECONDS_MAX, || {
        let status = slave.must("mysql -u root -e 'SHOW SLAVE STATUS\\G'", 10)?;
        let field =
            |name: &str| status.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::to_owned);
        let (read, done) = (field("Read_Master_Log_Pos: "), field("Exec_Master_Log_Pos: "));
        let same_file = field("Master_Log_File: ") == field("Relay_Master_Log_File: ");
        if read == done && same_file {
            Ok(Some(()))
        } else {
            Err(format!("read {read:?}, applied {done:?}").into())
        }
    })?;
    ask(slave, "STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only=0;").map(drop)
}
