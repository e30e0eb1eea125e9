//! A change of what leads to contexts whose commit is in doubt: who wants to know what became of it waits until it is over.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail their test")]

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use zebu_cluster::{Announced, Announcer, Coherence, Outcome, ScopeKey, Waiting};
use zebu_model::{ContextId, Version};
use zebu_store::configdb::contexts;
use zebu_store::{Config, Store};

/// Lets no write commit before it is told to, and says which was announced.
#[derive(Debug)]
struct Holding {
    announced: mpsc::UnboundedSender<ScopeKey>,
    go: Arc<Notify>,
}

#[derive(Debug)]
struct Held(Arc<Notify>);

impl Announcer for Holding {
    fn announce(&self, scopes: &[ScopeKey]) -> Box<dyn Announced> {
        scopes.iter().for_each(|scope| self.announced.send(*scope).unwrap());
        Box::new(Held(Arc::clone(&self.go)))
    }
}

impl Announced for Held {
    fn may_commit(&mut self) -> Waiting<'_> {
        Box::pin(async move {
            self.0.notified().await;
            Ok(())
        })
    }

    fn ended(self: Box<Self>, _: Outcome) {}
}

async fn check(engine: &str, url: String) {
    println!("on {engine}");
    let (announced, mut scopes) = mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let announcer = Arc::new(Holding { announced, go: Arc::clone(&go) });
    let coherence = Coherence { announcer, ..Coherence::alone() };
    let config = || Config { wait_ms_max: 60_000, ..Config::new(url.as_str()) };
    let writer = Store::open_in(config(), Some(coherence)).await.unwrap();
    let other = Store::open(config()).await.unwrap();
    let mut tx = writer.config_write().await.unwrap();
    contexts::insert_mapping(&mut tx, ContextId(7), "leads").await.unwrap();
    tx.commit().await.unwrap();
    let writing = tokio::spawn(async move {
        let mut tx = writer.config_write().await.unwrap();
        assert!(contexts::delete_mapping(&mut tx, ContextId(7), "leads").await.unwrap());
        tx.commit().await
    });
    let scope = scopes.recv().await.unwrap();
    let mut looking = std::pin::pin!(other.version_locked(scope));
    let early = timeout(Duration::from_millis(500), looking.as_mut()).await;
    assert!(early.is_err(), "it was not waited for: {early:?}");
    go.notify_one();
    assert_eq!(looking.await.unwrap(), Version::NONE);
    writing.await.unwrap().unwrap();
    assert_eq!(contexts::mapping_owner(&mut other.config().await.unwrap(), "leads").await.unwrap(), None);
}

#[tokio::test]
async fn whoever_asks_for_a_change_of_places_that_is_in_doubt_waits_until_it_is_over() {
    let dir = tempfile::tempdir().unwrap();
    check("SQLite", format!("sqlite:{}/config.db", dir.path().display())).await;
    check("MariaDB", zebu_mariadb::server().schema()).await;
}
