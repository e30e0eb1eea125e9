//! A small server with folders, files, sessions and events in memory, in a thread of its own; and what can be wrong with it.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What is wrong, now and then, after [`Server::begin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    Nothing,
    /// A write is answered and not done.
    WithholdsWrites,
    /// An upload is carried out twice, as by a front that repeats it.
    RepeatsUploads,
    DropsSessions,
    /// A stream that is opened again begins with the present, whatever the client knew.
    LosesEvents,
    /// A list shows the names before.
    ShowsThePast,
    /// A write is carried out, and answered with "may have been done".
    LosesNodes,
}

/// One in so many requests of a kind is hit.
const EVERY: usize = 5;
/// A stream is cut at one in so many writes, before it is told.
const CUT_EVERY: usize = 3;

#[derive(Default)]
struct Store {
    last: i64,
    sessions: BTreeSet<String>,
    titles: BTreeMap<String, String>,
    /// Folder, name, name before, content.
    files: BTreeMap<String, (String, String, String, Bytes)>,
    stamps: BTreeMap<String, i64>,
    /// Files and folders whose updates are not done.
    withheld: BTreeSet<String>,
    streams: Vec<(String, UnboundedSender<Bytes>)>,
    counts: BTreeMap<&'static str, usize>,
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    plant: Plant,
    at_it: Arc<AtomicBool>,
    store: Arc<Mutex<Store>>,
}

/// The body of an answer: one piece, or events.
enum Said {
    Whole(Option<Bytes>),
    Events(UnboundedReceiver<Bytes>),
}

impl Body for Said {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Said::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Said::Events(events) => events.poll_recv(context).map(|event| event.map(|e| Ok(Frame::data(e)))),
        }
    }
}

impl Server {
    pub(crate) fn start(plant: Plant) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self { address, plant, at_it: Arc::default(), store: Arc::default() };
        let serving = server.clone();
        // It ends with the process of the test.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let server = serving.clone();
                    let service = service_fn(move |request| {
                        let server = server.clone();
                        async move { Ok::<_, Infallible>(server.answer(request).await) }
                    });
                    tokio::spawn(
                        hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service),
                    );
                }
            });
        });
        server
    }

    /// From now on it does what is planted.
    pub(crate) fn begin(&self) {
        self.at_it.store(true, Ordering::SeqCst);
    }

    /// From now on it is right again.
    pub(crate) fn end(&self) {
        self.at_it.store(false, Ordering::SeqCst);
    }

    /// Whether this one is hit.
    fn hits(&self, store: &mut Store, plant: Plant) -> bool {
        let is_at_it = self.plant == plant && self.at_it.load(Ordering::SeqCst);
        is_at_it && store.every("hit", EVERY)
    }

    /// Whether this update is answered and not done. What it has withheld once it withholds for good, so that no later write hides
    /// it from who looks in the end.
    fn withholds(&self, store: &mut Store, id: &str) -> bool {
        if self.hits(store, Plant::WithholdsWrites) {
            store.withheld.insert(id.to_owned());
        }
        store.withheld.contains(id)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Said> {
        let path = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let query: BTreeMap<String, String> = request
            .uri()
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let position = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
        let has_body = request.method() != "GET";
        let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let value = |name: &str| query.get(name).map_or("", String::as_str);
        let (action, id, folder) = (value("action"), value("id"), value("folder"));
        let mut store = self.store.lock().unwrap();
        let store = &mut *store;
        if action == "login" {
            return store.login();
        }
        if self.hits(store, Plant::DropsSessions) {
            store.sessions.remove(value("session"));
        }
        if !store.sessions.contains(value("session")) {
            return refused(200, "SES-0203");
        }
        if path == "push" {
            return self.subscribe(store, value("topics"), position);
        }
        if has_body && action == "update" && self.withholds(store, id) {
            return said(&json!({"data": {}, "timestamp": store.stamped(&store.folder_of(id))}));
        }
        let answer = match (path.as_str(), action) {
            ("folders", "list") => json!({"data": [["1", 3, true]]}),
            ("folders", "new") => json!({"data": store.folder(&body)}),
            ("folders", "get") => json!({"data": {"title": store.titles.get(id)}}),
            ("folders", "update") => {
                let title = json_of(&body)["title"].as_str().unwrap().to_owned();
                store.titles.insert(id.to_owned(), title);
                json!({"data": {}, "timestamp": store.stamped(id)})
            }
            ("infostore", "new") => {
                let is_repeated = self.hits(store, Plant::RepeatsUploads);
                let mut answer = store.upload(&body);
                if is_repeated {
                    answer = store.upload(&body);
                }
                answer
            }
            ("infostore", "update") => {
                let name = json_of(&body)["filename"].as_str().unwrap().to_owned();
                let file = store.files.get_mut(id).unwrap();
                file.2 = std::mem::replace(&mut file.1, name);
                json!({"data": {}, "timestamp": store.stamped(&store.folder_of(id))})
            }
            ("infostore", "all") => {
                let before = self.hits(store, Plant::ShowsThePast);
                let files = store.files.iter().filter(|(_, file)| file.0 == folder);
                let rows = files.map(|(id, file)| json!([id, if before { &file.2 } else { &file.1 }]));
                json!({"data": rows.collect::<Vec<_>>()})
            }
            ("infostore", "document") => {
                let content = store.files.get(id).unwrap().3.clone();
                let mut response = Response::new(Said::Whole(Some(content)));
                response.headers_mut().insert(CONTENT_TYPE, "application/octet-stream".parse().unwrap());
                return response;
            }
            _ => json!({"data": {}}),
        };
        if has_body && self.hits(store, Plant::LosesNodes) {
            return refused(502, "WEB-0003");
        }
        said(&answer)
    }

    fn subscribe(&self, store: &mut Store, topics: &str, position: Option<i64>) -> Response<Said> {
        let folder = topics.trim_start_matches("folder:").to_owned();
        let (sender, events) = unbounded_channel();
        let now = store.stamps.get(&folder).copied().unwrap_or(0);
        let known = if self.plant == Plant::LosesEvents { now } else { position.unwrap_or(now) };
        let ready = json!({"topics": [{"timestamp": now}]});
        sender.send(Bytes::from(format!("id: {known}\nevent: ready\ndata: {ready}\n\n"))).unwrap();
        if known < now {
            sender.send(event(now)).unwrap();
        }
        store.streams.push((folder, sender));
        let mut response = Response::new(Said::Events(events));
        response.headers_mut().insert(CONTENT_TYPE, "text/event-stream".parse().unwrap());
        response
    }
}

impl Store {
    fn every(&mut self, what: &'static str, every: usize) -> bool {
        let count = self.counts.entry(what).or_default();
        *count += 1;
        (*count).is_multiple_of(every)
    }

    fn next(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    fn login(&mut self) -> Response<Said> {
        let session = format!("s{}", self.next());
        self.sessions.insert(session.clone());
        let mut response = said(&json!({"session": session, "user_id": 3}));
        response.headers_mut().insert(SET_COOKIE, "JSESSIONID=1.OX-1; Path=/".parse().unwrap());
        response
    }

    fn folder(&mut self, body: &[u8]) -> String {
        let id = self.next().to_string();
        self.titles.insert(id.clone(), json_of(body)["title"].as_str().unwrap().to_owned());
        id
    }

    fn folder_of(&self, file: &str) -> String {
        self.files.get(file).map_or_else(|| file.to_owned(), |file| file.0.clone())
    }

    /// A new file from the two parts of a form.
    fn upload(&mut self, body: &[u8]) -> Value {
        let text = String::from_utf8_lossy(body).into_owned();
        let mut parts = text
            .split("\r\n------zebu-lab-boundary")
            .map(|part| part.split_once("\r\n\r\n").unwrap_or_default().1);
        let about = json_of(parts.next().unwrap().as_bytes());
        let content = Bytes::from(parts.next().unwrap().to_owned());
        let [folder, name] = ["folder_id", "filename"].map(|field| about[field].as_str().unwrap().to_owned());
        let id = self.next().to_string();
        self.files.insert(id.clone(), (folder.clone(), name.clone(), name, content));
        json!({"data": id, "timestamp": self.stamped(&folder)})
    }

    /// A new stamp of a folder, told to those who listen, or their streams are cut.
    fn stamped(&mut self, folder: &str) -> i64 {
        let stamp = self.next();
        self.stamps.insert(folder.to_owned(), stamp);
        let cut = self.every("cut", CUT_EVERY);
        self.streams.retain(|(of, sender)| of != folder || (!cut && sender.send(event(stamp)).is_ok()));
        stamp
    }
}

fn event(stamp: i64) -> Bytes {
    let data = json!({"timestamp": stamp});
    Bytes::from(format!("id: {stamp}\nevent: change\ndata: {data}\n\n"))
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn said(answer: &Value) -> Response<Said> {
    let mut response = Response::new(Said::Whole(Some(Bytes::from(answer.to_string()))));
    response.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
    response
}

fn refused(status: u16, code: &str) -> Response<Said> {
    let mut response = said(&json!({"error": "no", "code": code}));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response
}
