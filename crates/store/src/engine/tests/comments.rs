//! The id of a request in MariaDB's own logs.

use std::sync::Arc;

use super::{Begin, database, execute, number};
use crate::RequestComments;
use crate::engine::Database;
use crate::meter::{Meter, measured};

const ID: &str = "0123456789abcdef0123456789abcdef";

/// A read, a write that is committed and one that is not, of one request.
async fn request(database: &Database) {
    measured(Arc::new(Meter::of_request(ID)), async {
        let mut lease = database.lease(Begin::Read).await.unwrap();
        number(&mut lease, "SELECT v FROM t WHERE id = 2").await.unwrap();
        drop(lease);
        let mut lease = database.lease(Begin::Write).await.unwrap();
        execute(&mut lease, "UPDATE t SET v = 5 WHERE id = 1").await.unwrap();
        lease.commit().await.unwrap();
        let mut lease = database.lease(Begin::Write).await.unwrap();
        execute(&mut lease, "UPDATE t SET v = 6 WHERE id = 1").await.unwrap();
    })
    .await;
}

/// What the general log has of a request: its statements with the id, and the number of its connections.
async fn logged(comments: RequestComments) -> Vec<String> {
    let server = zebu_mariadb::Server::own();
    let database = database(&server, |config| config.request_comments = comments).await;
    server.sql("SET GLOBAL log_output = 'TABLE', general_log = 1");
    request(&database).await;
    // The last rollback is sent when its connection is dropped, and read by the server some time after.
    zebu_mariadb::wait_for("all of it is logged", || {
        server.sql("SELECT COUNT(*) FROM mysql.general_log WHERE argument LIKE '%ROLLBACK'").trim() == "2"
    });
    let log = server.sql(&format!(
        "SELECT DISTINCT argument FROM mysql.general_log WHERE argument LIKE '%zebu request {ID} */%' \
         AND argument NOT LIKE '%mysql.general_log%' ORDER BY argument"
    ));
    log.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_end_of_each_transaction_names_its_request_in_the_general_log() {
    let expected = ["COMMIT", "ROLLBACK"].map(|end| format!("/* zebu request {ID} */ {end}"));
    assert_eq!(logged(RequestComments::Ends).await, expected);
}

#[tokio::test]
async fn every_statement_names_its_request_if_that_is_wanted_and_none_if_not() {
    let all = logged(RequestComments::Statements).await;
    for part in ["COMMIT", "ROLLBACK", "SELECT v FROM t WHERE id = 2", "UPDATE t SET v = 5 WHERE id = 1"] {
        assert!(all.contains(&format!("/* zebu request {ID} */ {part}")), "{part}: {all:?}");
    }
    assert_eq!(logged(RequestComments::None).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_slow_statement_names_its_request_in_the_slow_log() {
    let server = zebu_mariadb::Server::own();
    let statements = |config: &mut crate::Config| config.request_comments = RequestComments::Statements;
    server.sql("SET GLOBAL log_output = 'TABLE', slow_query_log = 1, long_query_time = 0.001, min_examined_row_limit = 0");
    let database = database(&server, statements).await;
    measured(Arc::new(Meter::of_request(ID)), async {
        let mut lease = database.lease(Begin::Read).await.unwrap();
        number(&mut lease, "SELECT SLEEP(0.01)").await.unwrap();
    })
    .await;
    let slow = format!(
        "SELECT sql_text FROM mysql.slow_log WHERE sql_text LIKE '/* zebu request {ID} */ SELECT SLEEP%'"
    );
    zebu_mariadb::wait_for("it is in the slow log", || !server.sql(&slow).trim().is_empty());
}
