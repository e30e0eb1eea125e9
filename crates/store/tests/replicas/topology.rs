//! What is registered takes effect without a restart; and configdb is a group like the others.

use zebu_model::{FolderId, Scope};
use zebu_store::configdb::databases::{self, DatabaseServer};
use zebu_store::{Config, Plan, Role, Store};

use crate::support::{NOW, Shard, get, put, reason, row, seen, until, until_all_answer, until_role};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_registered_later_is_used_without_a_restart() {
    let shard = Shard::start(1).await;
    let store = shard.node().await;
    until_all_answer(&store, &shard).await;
    let second = zebu_mariadb::Server::own();
    let mut tx = store.config_write().await.unwrap();
    let id = databases::insert(&mut tx, &row("stranger", &second, shard.master)).await.unwrap();
    tx.commit().await.unwrap();
    // It is a master of its own: with it registered there would be two writers.
    until("it to be seen", async || seen(&store, id).is_some_and(|s| s.answers)).await;
    until("writes to stop", async || put(&store, &shard.place, 1, 1).await.is_err()).await;
    let said = reason(put(&store, &shard.place, 1, 1).await);
    assert!(said.contains("db and stranger all take writes"), "{said}");
    second.set_read_only(true);
    until("writes to go on", async || put(&store, &shard.place, 1, 1).await.is_ok()).await;
    until_role(&store, id, Role::Out).await;
    assert!(seen(&store, id).unwrap().trouble.contains("follows nobody"));
    assert_eq!(get(&store, &shard.request(), 1).await.unwrap().0, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_begun_goes_on_when_a_replica_is_registered() {
    let shard = Shard::start(1).await;
    let store = shard.node().await;
    let replica = shard.replicas[0];
    let mut tx = store.config_write().await.unwrap();
    let registered = databases::by_id(&mut tx, replica).await.unwrap().unwrap();
    databases::delete(&mut tx, replica).await.unwrap();
    tx.commit().await.unwrap();
    until("it to be forgotten", async || seen(&store, replica).is_none()).await;
    until("the master to be written to", async || put(&store, &shard.place, 1, 1).await.is_ok()).await;
    let content = Scope::Folder(FolderId(1));
    let begun = store.write(&shard.place, Plan::changing([content]), NOW).await.unwrap();
    let mut tx = store.config_write().await.unwrap();
    let id = databases::insert(&mut tx, &registered).await.unwrap();
    tx.commit().await.unwrap();
    until_role(&store, id, Role::Replica).await;
    begun.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configdb_follows_its_master_too() {
    let servers = tokio::task::spawn_blocking(|| zebu_mariadb::Group::start(1)).await.unwrap();
    let url = servers.master.schema();
    servers.settle();
    let schema = url.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    let config =
        Config { configdb_read: vec![servers.replicas[0].url_of(&schema)], ..Config::new(url.as_str()) };
    let store = Store::open(config).await.unwrap();
    until_role(&store, -1, Role::Replica).await;
    let insert = async |name: &str| {
        let mut tx = store.config_write().await?;
        databases::insert(&mut tx, &row(name, &servers.master, 0)).await?;
        tx.commit().await
    };
    insert("a").await.unwrap();
    servers.replicas[0].wait_for_all_of(&servers.master);
    servers.master.kill();
    servers.replicas[0].promote();
    until_role(&store, -1, Role::Master).await;
    until("writes to go on", async || insert("b").await.is_ok()).await;
    let mut tx = store.config().await.unwrap();
    let names: Vec<String> = databases::all(&mut tx).await.unwrap().into_iter().map(|d| d.name).collect();
    assert_eq!(names, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_password_takes_effect_without_a_restart() {
    let server = zebu_mariadb::Server::own();
    server.sql("CREATE USER zebu@localhost IDENTIFIED BY 'one'; GRANT ALL ON *.* TO zebu@localhost");
    let dir = tempfile::tempdir().unwrap();
    let key_file = dir.path().join("key");
    std::fs::write(&key_file, [7u8; 32]).unwrap();
    let url = format!("sqlite:{}/config.db", dir.path().display());
    let store = Store::open(Config { key_file, ..Config::new(url.as_str()) }).await.unwrap();
    let signed = |password: &str| DatabaseServer {
        login: "zebu".to_owned(),
        password: store.seal_password("db", password).unwrap(),
        url: server.url().replace("root@", ""),
        ..row("db", &server, 0)
    };
    let mut tx = store.config_write().await.unwrap();
    let id = databases::insert(&mut tx, &signed("one")).await.unwrap();
    tx.commit().await.unwrap();
    store.ensure_schema(id, "db_1").await.unwrap();
    until_role(&store, id, Role::Master).await;
    server.sql("ALTER USER zebu@localhost IDENTIFIED BY 'two'; KILL USER zebu");
    until_role(&store, id, Role::Out).await;
    until("the reason to be told", async || {
        seen(&store, id).is_some_and(|state| state.trouble.contains("Access denied"))
    })
    .await;
    let mut tx = store.config_write().await.unwrap();
    databases::update(&mut tx, &DatabaseServer { id, ..signed("two") }).await.unwrap();
    tx.commit().await.unwrap();
    until_role(&store, id, Role::Master).await;
    store.ensure_schema(id, "db_2").await.unwrap();
}
