//! The guide's chapter "Master/Slave database setup", step by step, on `dbmaster` and `dbslave`, with its test at the end.
//! What Debian 12 wants otherwise is said where it is done.

use super::operator::{Operator, ask, heading, note};
use crate::Result;
use crate::hosts::{Host, Lab};
use crate::wait::until;

/// What both servers' `my.cnf` gets in the lab and a real host need not have: no syslog runs here.
const LOG: &str = "\n[mysqld_safe]\nskip_syslog\nlog_error               = /var/log/mysql/error.log";
const RESTART: &str = "/etc/init.d/mariadb restart";
const OF_GROUPWARE: [&str; 2] = [
    "GRANT ALL PRIVILEGES ON *.* TO 'openexchange'@'10.20.30.213' IDENTIFIED BY 'secret';",
    "GRANT ALL PRIVILEGES ON *.* TO 'openexchange'@'10.20.30.215' IDENTIFIED BY 'secret';",
];
/// A slave connects at once, or waits for a second and tries again.
const REPLICATION_SECONDS_MAX: u64 = 60;

/// The whole chapter.
pub(crate) fn run(lab: &Lab) -> Result {
    let (master, slave) = (Operator::at(lab.host("dbmaster")?), Operator::at(lab.host("dbslave")?));
    heading("Master/Slave database setup");
    note("Startup both database machines and install the mysql server packages:");
    note(
        "$ apt-get install mysql-server was done for all hosts (Debian 12: mariadb-server); what it does on a host:",
    );
    std::thread::scope(|scope| {
        let both = [master, slave].map(|operator| scope.spawn(move || install(operator)));
        both.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| Err("it broke off".into())))
    })?;
    let (file, position) = configure_master(master)?;
    configure_slave(slave, &file, position)?;
    test(lab, master, slave)
}

fn install(operator: Operator<'_>) -> Result {
    operator
        .types("mariadb-install-db --user=mysql --skip-test-db >/dev/null && chown mysql:adm /var/log/mysql")
        .map(drop)
}

fn configure_master(master: Operator<'_>) -> Result<(String, u64)> {
    heading("Master configuration");
    note(
        "`bindaddress`, as the guide prints it, is no option: the server would not start. It is `bind-address`.",
    );
    note(
        "/var/log/mysql comes with Debian's package (elsewhere: mkdir /var/log/mysql; chown mysql:adm /var/log/mysql).",
    );
    note("No syslog runs on these hosts: the server's log goes to /var/log/mysql/error.log.");
    master.edits(
        "/etc/mysql/my.cnf",
        &format!(
            "[mysqld]\nbind-address            = 10.20.30.217\nserver-id               = 1\n\
             log_bin                 = /var/log/mysql/mysql-bin.log\n{LOG}"
        ),
    )?;
    master.types(RESTART)?;
    note("$ mysql -u root -p: Debian's root signs in through the socket, without a password.");
    master.sql("GRANT REPLICATION SLAVE ON *.* TO 'replication'@'10.20.30.219' IDENTIFIED BY 'secret';")?;
    for grant in OF_GROUPWARE {
        master.sql(grant)?;
    }
    let status = master.sql("SHOW MASTER STATUS;")?;
    note("Copying the binary log to the slave is not needed: it asks for it from the position above.");
    position(&status).ok_or_else(|| format!("SHOW MASTER STATUS names no position: {status}").into())
}

/// File and position in the table that `SHOW MASTER STATUS` prints.
fn position(table: &str) -> Option<(String, u64)> {
    let row = table.lines().find(|line| line.contains("mysql-bin."))?;
    let mut cells = row.split('|').map(str::trim).filter(|cell| !cell.is_empty());
    Some((cells.next()?.to_owned(), cells.next()?.parse().ok()?))
}

fn configure_slave(slave: Operator<'_>, file: &str, position: u64) -> Result {
    heading("Slave configuration");
    slave.edits(
        "/etc/mysql/my.cnf",
        &format!("[mysqld]\nbind-address            = 10.20.30.219\nserver-id               = 2\n{LOG}"),
    )?;
    slave.types(RESTART)?;
    slave.sql(&format!(
        "CHANGE MASTER TO MASTER_HOST='10.20.30.217', MASTER_USER='replication', MASTER_PASSWORD='secret', \
         MASTER_LOG_FILE='{file}', MASTER_LOG_POS={position};"
    ))?;
    for grant in OF_GROUPWARE {
        slave.sql(grant)?;
    }
    slave.sql("START SLAVE;").map(drop)
}

fn test(lab: &Lab, master: Operator<'_>, slave: Operator<'_>) -> Result {
    let host = lab.host("dbslave")?;
    note("Check the slave status, sometimes it can take a while until the replication starts.");
    until("Slave_IO_Running and Slave_SQL_Running are Yes", REPLICATION_SECONDS_MAX, || {
        let state = slave_state(host)?;
        if state.runs { Ok(Some(())) } else { Err(state.reason.into()) }
    })?;
    let grep = "mysql -u root -e 'SHOW SLAVE STATUS \\G;' | grep -E 'Slave_(IO|SQL)_Running:'";
    slave.types(grep)?;
    slave.types("grep 'Slave I/O thread: connected' /var/log/mysql/error.log")?;
    heading("Testing Master/Slave");
    master.sql("CREATE DATABASE foo;")?;
    shows_foo(lab, true)?;
    slave.sql("SHOW DATABASES;")?;
    master.sql("DROP DATABASE foo;")?;
    shows_foo(lab, false)?;
    slave.sql("SHOW DATABASES;").map(drop)
}

/// What a slave says of itself.
#[derive(Debug)]
pub(crate) struct SlaveState {
    /// Both of its threads run.
    pub(crate) runs: bool,
    /// If not: which does not, and its last error.
    pub(crate) reason: String,
}

/// Asks a slave how it is.
pub(crate) fn slave_state(host: &Host) -> Result<SlaveState> {
    let status = host.must("mysql -u root -e 'SHOW SLAVE STATUS\\G'", 10)?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or("").to_owned()
    };
    let (io, sql) = (field("Slave_IO_Running"), field("Slave_SQL_Running"));
    let reason = format!("IO {io}, SQL {sql} {} {}", field("Last_IO_Error"), field("Last_SQL_Error"));
    Ok(SlaveState { runs: io == "Yes" && sql == "Yes", reason })
}

fn shows_foo(lab: &Lab, wanted: bool) -> Result {
    let host = lab.host("dbslave")?;
    until(
        if wanted { "foo is on the slave" } else { "foo is off the slave" },
        REPLICATION_SECONDS_MAX,
        || {
            let has = ask(host, "SHOW DATABASES;")?.lines().any(|line| line == "foo");
            Ok((has == wanted).then_some(()))
        },
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_is_read_from_the_printed_table() {
        let table = "+------------------+----------+--------------+------------------+\n\
            | File             | Position | Binlog_Do_DB | Binlog_Ignore_DB |\n\
            | mysql-bin.000001 |     1082 |              |                  |\n";
        assert_eq!(position(table), Some(("mysql-bin.000001".to_owned(), 1082)));
        assert_eq!(position("Empty set"), None);
    }
}
