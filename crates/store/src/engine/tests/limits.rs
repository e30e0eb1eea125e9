//! How many connections a server is asked for, and what happens at the limit.

use super::{Begin, PATIENCE, database, number, same};
use crate::engine::{Server, Target};
use crate::error::Error;

/// Connections to the schemas of a test, as their server counts them.
fn counted(server: &zebu_mariadb::Server, schemas: &[&str]) -> usize {
    let list = schemas.join("', '");
    let sql = format!("SELECT COUNT(*) FROM information_schema.processlist WHERE db IN ('{list}')");
    server.sql(&sql).trim().parse().unwrap()
}

fn target(url: String, pool_max: usize, pool_hard_limit: bool) -> Target {
    Target { url, credentials: None, pool_max, pool_hard_limit, pool_initial: 0 }
}

#[tokio::test]
async fn a_limit_is_the_server_s_and_not_each_schema_s() {
    let server = zebu_mariadb::server();
    let (x, y) = (database(server, |_| {}).await, database(server, |_| {}).await);
    let config = crate::Config {
        wait_ms_max: 200,
        connect_ms_max: u64::try_from(PATIENCE.as_millis()).unwrap(),
        ..crate::Config::new("")
    };
    let pool = Server::of(&config, &target(server.url(), 2, true)).unwrap();
    let schemas = [x.schema.as_str(), y.schema.as_str()];
    // The other nodes' connections are not counted.
    [&x, &y].iter().for_each(|other| other.server.mark_down("not needed"));
    zebu_mariadb::wait_for("the others are gone", || counted(server, &schemas) == 0);
    for round in 0..6 {
        let schema = if round % 2 == 0 { &x.schema } else { &y.schema };
        let mut one = pool.lease(schema, Begin::Read).await.unwrap();
        let mut two = pool.lease(schema, Begin::Write).await.unwrap();
        for lease in [&mut one, &mut two] {
            assert_eq!(number(lease, "SELECT COUNT(*) FROM t").await.unwrap(), 2);
        }
        assert_eq!(pool.connections(), (2, 0));
        // It is told while both are still in use.
        let busy = pool.lease(schema, Begin::Read).await;
        assert!(matches!(busy, Err(Error::Busy { waited_ms: 200, .. })), "{busy:?}");
        zebu_mariadb::wait_for("as many as allowed", || counted(server, &schemas) == 2);
    }
    assert_eq!(pool.connections(), (0, 2));
}

#[tokio::test]
async fn who_waits_gets_the_connection_of_who_is_done() {
    let server = zebu_mariadb::server();
    let database = database(server, |config| config.connections_max = 1).await;
    let held = database.lease(Begin::Write).await.unwrap();
    let (waiting, ()) = tokio::join!(database.lease(Begin::Read), async { drop(held) });
    assert_eq!(number(&mut waiting.unwrap(), "SELECT COUNT(*) FROM t").await.unwrap(), 2);
}

#[tokio::test]
async fn a_full_pool_does_not_blind_who_watches_over_the_server() {
    let server = zebu_mariadb::server();
    let database = database(server, |config| config.connections_max = 1).await;
    let _all = database.lease(Begin::Write).await.unwrap();
    let mut probe = database.server.probe(PATIENCE).await.unwrap().unwrap();
    for _ in 0..3 {
        assert_eq!(probe.ask("SELECT 1 AS one").await.unwrap().len(), 1);
    }
    // What the server refuses leaves the probe usable.
    assert!(probe.ask("SELECT nonsense").await.is_err());
    assert_eq!(probe.ask("SELECT 1 AS one").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_soft_limit_lets_a_rush_through_and_keeps_only_its_number() {
    let server = zebu_mariadb::server();
    let database = database(server, |_| {}).await;
    let pool = Server::of(&crate::Config::new(""), &target(server.url(), 1, false)).unwrap();
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(pool.lease(&database.schema, Begin::Read).await.unwrap());
    }
    assert_eq!(pool.connections(), (4, 0));
    drop(all);
    assert_eq!(pool.connections(), (0, 1));
}

#[tokio::test]
async fn a_deadlock_gives_way_to_one_and_tells_the_other_to_start_over() {
    let server = zebu_mariadb::server();
    let database = database(server, |_| {}).await;
    let other = same(&server.url_of(&database.schema), |_| {});
    let mut one = database.lease(Begin::Write).await.unwrap();
    let mut two = other.lease(Begin::Write).await.unwrap();
    super::execute(&mut one, "UPDATE t SET v = v + 1 WHERE id = 1").await.unwrap();
    super::execute(&mut two, "UPDATE t SET v = v + 1 WHERE id = 2").await.unwrap();
    let (a, b) = tokio::join!(
        super::execute(&mut one, "UPDATE t SET v = v + 1 WHERE id = 2"),
        super::execute(&mut two, "UPDATE t SET v = v + 1 WHERE id = 1")
    );
    let lost = a.as_ref().err().or(b.as_ref().err()).unwrap();
    assert!(lost.asks_to_start_over(), "{lost:?}");
    assert!(a.is_ok() || b.is_ok(), "{a:?} {b:?}");
}

#[tokio::test]
async fn many_may_try_a_server_out_at_once_and_nothing_is_left_of_it() {
    let server = zebu_mariadb::Server::own();
    let pool = Server::of(&crate::Config::new(""), &target(server.url(), 1, true)).unwrap();
    let tries = (0..16).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move { pool.try_out(PATIENCE, true).await })
    });
    for tried in tries.collect::<Vec<_>>() {
        tried.await.unwrap().unwrap();
    }
    assert!(!server.sql("SHOW DATABASES").contains("zebu_try_"));
}

#[tokio::test]
async fn a_server_whose_binary_log_would_refuse_every_write_is_refused_with_what_to_change() {
    let server = zebu_mariadb::Server::own();
    server.start_again(&["--log-bin=binlog", "--server-id=1", "--binlog-format=STATEMENT"]);
    let pool = Server::of(&crate::Config::new(""), &target(server.url(), 1, true)).unwrap();
    let refused = pool.try_out(PATIENCE, true).await.unwrap_err().to_string();
    assert!(refused.ends_with("its binlog_format is STATEMENT; it must be MIXED or ROW"), "{refused}");
    pool.try_out(PATIENCE, false).await.unwrap();
    server.sql("SET GLOBAL binlog_format = MIXED");
    pool.try_out(PATIENCE, true).await.unwrap();
}
