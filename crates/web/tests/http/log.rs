//! What the log says of requests, and what it must never say.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;
use zebu_kit::{Cluster, PASSWORD};

use crate::support::home;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn line_with(&self, words: &str) -> String {
        let text = self.text();
        text.lines()
            .find(|line| line.contains(words))
            .unwrap_or_else(|| panic!("no {words} in {text}"))
            .to_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_tells_what_happened_and_no_credential() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .finish();
    // While there is one subscriber only, tracing asks whichever thread comes first whether a line is wanted, and other
    // tests' threads say no. With two it asks both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    // For this thread, on which the whole cluster of this test runs.
    let _guard = tracing::subscriber::set_default(subscriber);
    let cluster = Cluster::start(1).await;
    let anna = cluster.client("anna").login().await;
    let folder = home(&anna).await;
    let refused = anna.get("folders", "get", &[("id", "4711"), ("folder", &folder)]).await.json();
    anna.dav("PUT", "/infostore/Userstore/Anna/a%0Ab.txt", &[], "x").await;
    cluster.client("").sign_in("anna", "a-wrong-password").await;

    let created = log.line_with("Session created. ID: ");
    assert!(created.contains(", Context: 1, User: 3"), "{created}");
    let line = log.line_with(refused["error_id"].as_str().unwrap());
    for words in [
        "path=\"/ajax/folders\"",
        "module=\"folders\" action=\"get\"",
        "status=200",
        "code=\"FLD-0003\"",
        "context=1 user=3",
        "statements=",
        "database_ms=",
    ] {
        assert!(line.contains(words), "no {words} in {line}");
    }
    assert!(log.line_with("/infostore/Userstore/Anna/a%0Ab.txt").contains("status=400"));

    let text = log.text();
    let secret = anna.jar.find("open-xchange-secret-").unwrap();
    for credential in
        [anna.session.as_deref().unwrap(), &secret, PASSWORD, "a-wrong-password", "YW5uYTpzZWNyZXQ"]
    {
        let shown = text.lines().find(|line| line.contains(credential) && !line.contains("hyper"));
        assert_eq!(shown, None, "the log shows {credential}");
    }
    assert_eq!(anna.get("user", "get", &[]).await.data()["id"], json!(3));
}
