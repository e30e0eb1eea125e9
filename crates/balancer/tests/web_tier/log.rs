//! The access log.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

use tracing_subscriber::fmt::MakeWriter;
use zebu_balancer::Config;

use crate::node::Node;
use crate::tier::{Tier, config, eventually, get};

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Hears what this thread says, until dropped.
    pub(crate) fn listen(&self) -> tracing::subscriber::DefaultGuard {
        tracing::subscriber::set_default(
            tracing_subscriber::fmt().with_writer(self.clone()).with_ansi(false).finish(),
        )
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// What the whole process logs: that of other tests is in there too, under other paths and names.
pub(crate) fn heard() -> &'static Log {
    static HEARD: OnceLock<Log> = OnceLock::new();
    HEARD.get_or_init(|| {
        let log = Log::default();
        tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).init();
        log
    })
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn every_request_is_one_line_and_no_session_id_is_in_it() {
    let log = heard();
    let node = Node::start("OX-1").await;
    let tier = Tier::over(&[&node]).await;
    let answer =
        tier.get("/ajax/log/x;jsessionid=SECRET.OX-1?session=SECRET", "JSESSIONID=SECRET.OX-1").await;
    tier.raw("GET /ajax/log/y;jsessionid=SECRET.OX-1?session=SECRET HTTP/1.1\r\nConnection: close\r\n\r\n")
        .await;
    node.kill().await;
    tier.get("/ajax/log/z?session=SECRET", "").await;
    eventually("three lines", || log.text().matches("path=\"/ajax/log/").count() == 3).await;
    let text = log.text();
    assert!(!text.contains("SECRET"), "{text}");
    let line = |part: &str| text.lines().find(|line| line.contains(part)).expect(part).to_owned();
    let served = line("path=\"/ajax/log/x\"");
    let id = answer.headers()["x-request-id"].to_str().unwrap();
    for part in [
        id,
        "client=\"127.0.0.1\"",
        "protocol=\"HTTP/1.1\"",
        "method=\"GET\"",
        "status=200",
        "route=\"OX-1\"",
        "tries=1",
        "bytes_out=4",
        "complete=true",
    ] {
        assert!(served.contains(part), "{part} in {served}");
    }
    assert!(line("path=\"/ajax/log/y\"").contains("status=400"));
    let failed = line("path=\"/ajax/log/z\"");
    assert!(failed.contains("WARN") && failed.contains("WEB-0001") && failed.contains("refused"), "{failed}");
}

#[tokio::test]
async fn the_access_log_may_be_a_file_of_text_without_session_ids() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let node = Node::start("OX-1").await;
    let tier = Tier::with(Config { access_log: Some(path.clone()), ..config(&[&node]) }).await;
    let mut request = get("/ajax/file/x?session=SECRET", "JSESSIONID=SECRET.OX-1");
    request.headers_mut().insert("user-agent", "curl \"7\"".parse().unwrap());
    request.headers_mut().insert("referer", "http://h/y?session=SECRET".parse().unwrap());
    let answer = tier.send(request).await;
    let text = || std::fs::read_to_string(&path).unwrap();
    eventually("a line", || text().ends_with('\n')).await;
    let id = answer.headers()["x-request-id"].to_str().unwrap();
    let line = text();
    let asked = "\"GET /ajax/file/x HTTP/1.1\" 200 4 \"http://h/y\" \"curl \\x227\\x22\"";
    let begins = format!("127.0.0.1 - - [18/Nov/2026:11:06:40 +0000] {asked} {id} OX-1 1 ");
    assert!(line.starts_with(&begins), "{line}");
    assert!(!line.contains("SECRET"), "{line}");
}
