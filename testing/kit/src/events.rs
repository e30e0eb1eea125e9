//! A stream of server-sent events, read one by one as a browser does.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use crate::answer::Answer;
use crate::client::Client;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its name.
    pub event: String,
    /// Its data.
    pub data: Value,
}

/// An open stream. Dropped, the connection is closed.
#[derive(Debug)]
pub struct Events {
    /// The headers of the answer.
    pub headers: HeaderMap,
    /// The id that came last.
    pub last_id: String,
    /// Comments that came.
    pub comments: usize,
    body: Incoming,
    text: String,
    connection: AbortHandle,
}

impl Client {
    /// Subscribes to topics; the test fails if that is refused.
    pub async fn events(&self, topics: &str, last_id: Option<&str>) -> Events {
        self.try_events(topics, last_id).await.unwrap_or_else(|refused| panic!("refused: {refused:?}"))
    }

    /// The same, or the refusal.
    pub async fn try_events(&self, topics: &str, last_id: Option<&str>) -> Result<Events, Box<Answer>> {
        let session = self.session.as_ref().expect("somebody who is signed in");
        let target = format!("/ajax/push?action=subscribe&session={session}&topics={topics}");
        let headers: Vec<(&str, &str)> = last_id.iter().map(|id| ("last-event-id", *id)).collect();
        let request = self.request("GET", &target, &headers, Bytes::new());
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection).abort_handle();
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        self.jar.learn(&parts.headers);
        if parts.headers.get(CONTENT_TYPE).is_none_or(|kind| kind != "text/event-stream") {
            let body = body.collect().await.unwrap().to_bytes();
            connection.abort();
            return Err(Box::new(Answer { status: parts.status, headers: parts.headers, body }));
        }
        Ok(Events {
            headers: parts.headers,
            last_id: String::new(),
            comments: 0,
            body,
            text: String::new(),
            connection,
        })
    }
}

impl Events {
    /// The next event; none at the end of the stream.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(heard) = self.read(&block) {
                    return Some(heard);
                }
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// Reads on to whatever comes next, a comment too. False at the end of the stream; an event makes the test fail.
    pub async fn step(&mut self) -> bool {
        if !self.more().await {
            return false;
        }
        while let Some((block, rest)) = self.text.split_once("\n\n") {
            let (block, rest) = (block.to_owned(), rest.to_owned());
            self.text = rest;
            assert_eq!(self.read(&block), None);
        }
        true
    }

    async fn more(&mut self) -> bool {
        match self.body.frame().await {
            Some(Ok(frame)) => {
                let bytes = frame.into_data().unwrap_or_default();
                self.text.push_str(std::str::from_utf8(&bytes).unwrap());
                true
            }
            Some(Err(_)) | None => false,
        }
    }

    fn read(&mut self, block: &str) -> Option<Heard> {
        let mut heard = None;
        let mut data = Value::Null;
        for line in block.lines() {
            match line.split_once(':').unwrap() {
                ("", _) => self.comments += 1,
                ("id", id) => self.last_id = id.trim().to_owned(),
                ("event", name) => heard = Some(name.trim().to_owned()),
                ("data", json) => data = serde_json::from_str(json).unwrap(),
                ("retry", ms) => assert!(ms.trim().parse::<u64>().is_ok(), "{line}"),
                _ => panic!("{line} is no line of an event"),
            }
        }
        heard.map(|event| Heard { event, data })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
