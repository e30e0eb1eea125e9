//! Connections that go away: killed, closed by a server that ended, left by a request that went away.

use super::{Begin, database, execute, number, sum};
use crate::engine::Database;
use crate::error::Error;

/// Ends all connections to a database, as their server's operator would.
fn kill_all(server: &zebu_mariadb::Server, database: &Database) {
    let schema = &database.schema;
    let list = format!("SELECT id FROM information_schema.processlist WHERE db = '{schema}'");
    for id in server.sql(&list).lines() {
        server.sql(&format!("KILL {id}"));
    }
    zebu_mariadb::wait_for("they are gone", || server.sql(&list).trim().is_empty());
}

#[tokio::test]
async fn connections_that_were_closed_meanwhile_are_replaced_before_anybody_notices() {
    let server = zebu_mariadb::server();
    let database = database(server, |_| {}).await;
    for begin in [Begin::Read, Begin::Write] {
        let leases = [database.lease(begin).await.unwrap(), database.lease(begin).await.unwrap()];
        for mut lease in leases {
            number(&mut lease, "SELECT v FROM t WHERE id = 1").await.unwrap();
        }
        kill_all(server, &database);
        let mut lease = database.lease(begin).await.unwrap();
        assert_eq!(number(&mut lease, "SELECT v FROM t WHERE id = 1").await.unwrap(), 0);
    }
    // A first statement that writes is asked again too: without a commit nothing of it stayed.
    kill_all(server, &database);
    let mut lease = database.lease(Begin::Write).await.unwrap();
    assert_eq!(execute(&mut lease, "UPDATE t SET v = v + 1 WHERE id = 1").await.unwrap(), 1);
    lease.commit().await.unwrap();
    assert_eq!(sum(&database).await, 1);
}

#[tokio::test]
async fn a_server_that_was_killed_and_started_again_is_used_again() {
    let server = zebu_mariadb::Server::own();
    server.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
    let database = database(&server, |_| {}).await;
    assert_eq!(sum(&database).await, 0);
    server.kill();
    let gone = database.lease(Begin::Read).await;
    // An idle connection is lent, and found dead by its first statement.
    let gone = match gone {
        Ok(mut lease) => number(&mut lease, "SELECT v FROM t WHERE id = 1").await.map(drop),
        Err(error) => Err(error),
    };
    assert!(matches!(gone, Err(Error::Unavailable { .. })), "{gone:?}");
    server.start_again(&[]);
    assert_eq!(sum(&database).await, 0);
}

#[tokio::test]
async fn a_transaction_whose_connection_is_killed_fails_and_leaves_nothing() {
    let server = zebu_mariadb::server();
    let database = database(server, |_| {}).await;
    let mut lease = database.lease(Begin::Write).await.unwrap();
    execute(&mut lease, "UPDATE t SET v = 5 WHERE id = 1").await.unwrap();
    kill_all(server, &database);
    let next = execute(&mut lease, "UPDATE t SET v = 5 WHERE id = 2").await;
    assert!(matches!(next, Err(Error::Unavailable { .. })), "{next:?}");
    let commit = lease.commit().await;
    assert!(matches!(commit, Err(Error::Unavailable { .. })), "a commit that was never sent: {commit:?}");
    assert_eq!(sum(&database).await, 0);

    let mut lease = database.lease(Begin::Write).await.unwrap();
    execute(&mut lease, "UPDATE t SET v = 5 WHERE id = 1").await.unwrap();
    kill_all(server, &database);
    let commit = lease.commit().await;
    assert!(matches!(commit, Err(Error::InDoubt { .. })), "{commit:?}");
    assert_eq!(sum(&database).await, 0);
}

#[tokio::test]
async fn a_write_that_stands_still_is_ended_by_its_server_and_its_rows_are_free() {
    let server = zebu_mariadb::server();
    let patient = database(server, |_| {}).await;
    let url = server.url_of(&patient.schema);
    let gone = format!("SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{}'", patient.schema);
    for writes in [false, true] {
        let still = super::same(&url, |config| config.write_idle_ms_max = 3_000);
        let lock = "SELECT v FROM t WHERE id = 1 FOR UPDATE";
        let mut first = still.lease(Begin::Write).await.unwrap();
        let mut second = still.lease(Begin::Write).await.unwrap();
        number(&mut first, "SELECT v FROM t WHERE id = 2 FOR UPDATE").await.unwrap();
        number(&mut second, lock).await.unwrap();
        if writes {
            execute(&mut second, "UPDATE t SET v = 5 WHERE id = 1").await.unwrap();
        }
        // The node says nothing more, and it does not go away either. Who waits for its row gets it.
        let mut other = patient.lease(Begin::Write).await.unwrap();
        assert_eq!(number(&mut other, lock).await.unwrap(), 0);
        drop(other);
        patient.server.mark_down("not needed");
        zebu_mariadb::wait_for("both are gone", || server.sql(&gone).trim() == "0");
        patient.server.mark_up();
        let late = number(&mut first, lock).await;
        assert!(matches!(late, Err(Error::Unavailable { .. })), "{late:?}");
        let commit = second.commit().await;
        assert!(matches!(commit, Err(Error::InDoubt { .. })), "{commit:?}");
        assert_eq!(sum(&patient).await, 0);
    }
}

#[tokio::test]
async fn a_read_and_a_connection_that_rests_may_stand_still_for_longer() {
    let server = zebu_mariadb::server();
    let database = database(server, |config| config.write_idle_ms_max = 1_000).await;
    let idle = "SELECT @@idle_transaction_timeout";
    let limit = async |begin| number(&mut database.lease(begin).await.unwrap(), idle).await.unwrap();
    // On one connection after the other, and on the same one.
    for begin in [Begin::Write, Begin::Read, Begin::Write, Begin::Read] {
        assert_eq!(limit(begin).await, i64::from(begin == Begin::Write), "{begin:?}");
    }
    assert_eq!(database.server.connections(), (0, 1));
}

#[tokio::test]
async fn a_connection_left_in_the_middle_of_a_statement_is_not_used_again() {
    let server = zebu_mariadb::server();
    let database = database(server, |config| config.connections_max = 1).await;
    let me = "SELECT CONNECTION_ID()";
    let mut lease = database.lease(Begin::Write).await.unwrap();
    let first = number(&mut lease, me).await.unwrap();
    execute(&mut lease, "UPDATE t SET v = 5 WHERE id = 1").await.unwrap();
    {
        let slow = std::pin::pin!(number(&mut lease, "SELECT SLEEP(60)"));
        let left = tokio::time::timeout(std::time::Duration::from_millis(50), slow).await;
        assert!(left.is_err());
    }
    let refused = number(&mut lease, me).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    drop(lease);
    let mut lease = database.lease(Begin::Write).await.unwrap();
    assert_ne!(number(&mut lease, me).await.unwrap(), first);
    drop(lease);
    assert_eq!(sum(&database).await, 0);
}

#[tokio::test]
async fn a_dropped_write_is_undone_before_its_connection_serves_anybody_else() {
    let server = zebu_mariadb::server();
    let database = database(server, |config| config.connections_max = 1).await;
    let me = "SELECT CONNECTION_ID()";
    let mut seen = Vec::new();
    for _ in 0..10 {
        let mut lease = database.lease(Begin::Write).await.unwrap();
        seen.push(number(&mut lease, me).await.unwrap());
        execute(&mut lease, "UPDATE t SET v = v + 1 WHERE id = 1").await.unwrap();
        drop(lease);
        let mut lease = database.lease(Begin::Write).await.unwrap();
        execute(&mut lease, "UPDATE t SET v = v + 10 WHERE id = 2").await.unwrap();
        lease.commit().await.unwrap();
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "the connection was kept all the time");
    assert_eq!(sum(&database).await, 100);
}

#[tokio::test]
async fn a_snapshot_stays_and_a_write_sees_what_others_committed() {
    let server = zebu_mariadb::server();
    let database = database(server, |_| {}).await;
    let mut reading = database.lease(Begin::Read).await.unwrap();
    let mut writing = database.lease(Begin::Write).await.unwrap();
    let v = "SELECT v FROM t WHERE id = 1";
    assert_eq!((number(&mut reading, v).await.unwrap(), number(&mut writing, v).await.unwrap()), (0, 0));
    let mut other = database.lease(Begin::Write).await.unwrap();
    execute(&mut other, "UPDATE t SET v = 5 WHERE id = 1").await.unwrap();
    other.commit().await.unwrap();
    assert_eq!((number(&mut reading, v).await.unwrap(), number(&mut writing, v).await.unwrap()), (0, 5));
    let refused = execute(&mut reading, "UPDATE t SET v = 6 WHERE id = 1").await;
    assert!(refused.is_err(), "a snapshot only reads: {refused:?}");
}

#[tokio::test]
async fn the_locks_of_a_dropped_write_are_gone_at_once_even_if_its_task_has_had_its_turn() {
    let server = zebu_mariadb::server();
    let database = database(server, |_| {}).await;
    let other = super::same(&server.url_of(&database.schema), |_| {});
    let mut lease = database.lease(Begin::Write).await.unwrap();
    execute(&mut lease, "UPDATE t SET v = 5 WHERE id = 1").await.unwrap();
    // The runtime lets a task do only so much before others have theirs.
    std::future::poll_fn(|context| {
        while std::pin::pin!(tokio::task::consume_budget()).poll(context).is_ready() {}
        std::task::Poll::Ready(())
    })
    .await;
    drop(lease);
    let mut next = other.lease(Begin::Write).await.unwrap();
    assert_eq!(execute(&mut next, "UPDATE t SET v = v + 1 WHERE id = 1").await.unwrap(), 1);
    next.commit().await.unwrap();
    assert_eq!(sum(&database).await, 1);
}

#[tokio::test]
async fn to_begin_and_to_end_a_transaction_costs_one_word_and_no_connection_is_set_up_twice() {
    let server = zebu_mariadb::Server::own();
    let database = database(&server, |_| {}).await;
    let asked = || -> u64 {
        let said = server.sql("SHOW GLOBAL STATUS LIKE 'Questions'");
        said.split_whitespace().last().unwrap().parse().unwrap()
    };
    let work = async || {
        for _ in 0..10 {
            let mut read = database.lease(Begin::Read).await.unwrap();
            number(&mut read, "SELECT v FROM t WHERE id = 1").await.unwrap();
            number(&mut read, "SELECT v FROM t WHERE id = 2").await.unwrap();
            drop(read);
            let mut write = database.lease(Begin::Write).await.unwrap();
            execute(&mut write, "UPDATE t SET v = v + 1 WHERE id = 1").await.unwrap();
            write.commit().await.unwrap();
        }
    };
    // Connections of both kinds are made and their statements prepared.
    let both = (database.lease(Begin::Read).await.unwrap(), database.lease(Begin::Write).await.unwrap());
    drop(both);
    work().await;
    // The question itself is counted, and the client's own greeting.
    let before = asked();
    let asking = asked() - before;
    let before = asked();
    work().await;
    let done = asked() - before - asking;
    assert_eq!(done, 10 * (2 + 1 + 1 + 1), "statements, a rollback, a commit");
}
