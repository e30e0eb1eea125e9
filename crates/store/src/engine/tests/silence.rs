//! A server that takes connections and answers nothing (SIGSTOP), and one that is marked down.

use std::time::Duration;

use super::{Begin, PATIENCE, database, execute, given_up_after, number, same, sum};
use crate::error::Error;

#[tokio::test]
async fn nothing_waits_longer_than_configured_for_a_server_that_is_frozen() {
    let server = zebu_mariadb::Server::own();
    let database = database(&server, |config| {
        config.connect_ms_max = 61_000;
        config.statement_ms_max = 62_000;
    })
    .await;
    let mut reading = database.lease(Begin::Read).await.unwrap();
    number(&mut reading, "SELECT v FROM t WHERE id = 1").await.unwrap();
    let mut writing = database.lease(Begin::Write).await.unwrap();
    execute(&mut writing, "UPDATE t SET v = 5 WHERE id = 1").await.unwrap();
    let mut committing = database.lease(Begin::Write).await.unwrap();
    execute(&mut committing, "UPDATE t SET v = 7 WHERE id = 2").await.unwrap();

    // Whatever is answered from here on is answered before the server goes on.
    server.freeze();
    let read = given_up_after(62_000, number(&mut reading, "SELECT v FROM t WHERE id = 1")).await;
    assert!(
        matches!(&read, Err(Error::Unavailable { reason, .. }) if reason.contains("62000 ms")),
        "{read:?}"
    );
    let write = given_up_after(62_000, execute(&mut writing, "UPDATE t SET v = 6 WHERE id = 1")).await;
    assert!(matches!(write, Err(Error::Unavailable { .. })), "{write:?}");
    // A statement that was not answered is no ground to commit on.
    let refused = given_up_after(0, writing.commit()).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    let commit = given_up_after(62_000, committing.commit()).await;
    assert!(matches!(commit, Err(Error::InDoubt { .. })), "{commit:?}");
    let fresh = given_up_after(61_000, database.lease(Begin::Read)).await;
    assert!(matches!(fresh, Err(Error::Unavailable { .. })), "{fresh:?}");
    let probe = given_up_after(200, database.server.probe(Duration::from_millis(200))).await;
    assert!(matches!(probe, Err(Error::Unavailable { .. })), "{probe:?}");

    server.thaw();
    // The commit in doubt arrived whole or not at all; the other transaction is gone.
    let after = sum(&database).await;
    assert!(after == 7 || after == 0, "{after}");
}

#[tokio::test]
async fn who_waits_for_a_server_that_is_marked_down_is_told_so_before_the_server_answers() {
    let server = zebu_mariadb::server();
    let database = database(server, |_| {}).await;
    let mut asking = database.lease(Begin::Read).await.unwrap();
    let mut resting = database.lease(Begin::Write).await.unwrap();
    execute(&mut resting, "UPDATE t SET v = 5 WHERE id = 1").await.unwrap();
    // Longer than any limit: an answer, or a limit that was reached, would say something else.
    let slow = number(&mut asking, "SELECT SLEEP(600)");
    let (slow, ()) = tokio::join!(slow, async { database.server.mark_down("moved away") });
    assert!(matches!(&slow, Err(Error::Unavailable { reason, .. }) if reason == "moved away"), "{slow:?}");
    let refused = database.lease(Begin::Read).await;
    assert!(
        matches!(&refused, Err(Error::Unavailable { reason, .. }) if reason == "moved away"),
        "{refused:?}"
    );
    assert_eq!(database.server.down().as_deref(), Some("moved away"));
    // Whoever watches over it is not kept out.
    let mut probe = database.server.probe(PATIENCE).await.unwrap().unwrap();
    let said = probe.ask("SELECT @@read_only AS Read_Only, NULL AS nothing").await.unwrap();
    assert_eq!(said.first().unwrap().get("read_only").map(String::as_str), Some("0"));
    assert_eq!(said.first().unwrap().get("nothing"), None);

    database.server.mark_up();
    assert_eq!(database.server.down(), None);
    // What had begun before does not go on as if nothing had been.
    let late = resting.commit().await;
    assert!(matches!(late, Err(Error::Unavailable { .. })), "{late:?}");
    drop(asking);
    assert_eq!(database.server.connections(), (0, 0));
    assert_eq!(sum(&database).await, 0);
}

#[tokio::test]
async fn a_commit_under_way_when_its_server_is_marked_down_is_in_doubt() {
    let server = zebu_mariadb::Server::own();
    let database = database(&server, |_| {}).await;
    let mut lease = database.lease(Begin::Write).await.unwrap();
    execute(&mut lease, "UPDATE t SET v = 5 WHERE id = 1").await.unwrap();
    server.freeze();
    // The server goes on only when the answer is here.
    let (commit, ()) =
        tokio::join!(lease.commit(), async { database.server.mark_down("it does not answer") });
    assert!(
        matches!(&commit, Err(Error::InDoubt { reason, .. }) if reason == "it does not answer"),
        "{commit:?}"
    );
    server.thaw();
    database.server.mark_up();
    let after = sum(&database).await;
    assert!(after == 5 || after == 0, "{after}");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up_by_the_server_too() {
    let server = zebu_mariadb::server();
    let patient = database(server, |_| {}).await;
    let hasty = same(&server.url_of(&patient.schema), |config| config.statement_ms_max = 500);
    let mut lease = hasty.lease(Begin::Read).await.unwrap();
    let slow = number(&mut lease, "SELECT SLEEP(600)").await;
    assert!(matches!(slow, Err(Error::Unavailable { .. })), "{slow:?}");
    let running = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(600)%'";
    zebu_mariadb::wait_for("the server gave it up", || server.sql(running).trim() == "0");
}
