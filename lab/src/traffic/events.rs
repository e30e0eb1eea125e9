//! Whether whoever listens hears of every write: a file is written, the event waited for, and then written again. So an event that is
//! lost when a stream breaks and is opened again is not covered by the next one. Used by `mod`.

use super::books::Kind;
use super::reply::{Reply, Way};
use super::wire::{Ask, Line};
use super::worker::{Ground, SMALL_BYTES, content, make_folder};
use super::world::{Guest, World, lock};
use crate::checks::history::Register;
use crate::load::{WHATEVER_HAPPENED, file_name, text};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// After what was heard, before the next write.
const PAUSE: Duration = Duration::from_millis(150);
/// A stream that is silent for longer than two heartbeats is opened anew.
const SILENCE_SECONDS_MAX: u64 = 45;
/// Before `ready`, which says 0 of a folder that nobody wrote into.
const NOTHING_YET: i64 = -1;
/// From the end of a stream to the next attempt; browsers wait longer.
const AGAIN: Duration = Duration::from_millis(100);

/// Who writes and listens.
pub(crate) struct Watch {
    world: Arc<World>,
    guest: Arc<Guest>,
    line: Line,
    folder: String,
}

impl Watch {
    pub(crate) async fn prepared(
        world: Arc<World>,
        guest: Arc<Guest>,
        label: &str,
        home: &str,
    ) -> Result<Self, String> {
        let mut line = Line::to(&guest.front);
        let title = format!("{label}-watched-by-{}", guest.login);
        let folder = make_folder(&world, &guest, &mut line, home, &title).await?;
        Ok(Self { world, guest, line, folder })
    }

    pub(crate) fn ground(&self) -> Ground {
        Ground { guest: Arc::clone(&self.guest), folder: self.folder.clone(), title: None }
    }

    /// Writes and listens until the traffic stops.
    pub(crate) async fn run(mut self) {
        let (hears, mut heard) = watch::channel(NOTHING_YET);
        let (world, guest) = (Arc::clone(&self.world), Arc::clone(&self.guest));
        let folder = self.folder.clone();
        let listener = tokio::spawn(async move { Listener::new(world, guest, folder, hears).run().await });
        // Nothing is written before somebody listens.
        self.expect(0, &mut heard).await;
        let mut file: Option<(Register, String, u32)> = None;
        while !self.world.stopped() {
            let stamp = match file.take() {
                None => {
                    let made = self.create().await;
                    made.map(|(register, id, stamp)| {
                        file = Some((register, id, 1));
                        stamp
                    })
                }
                Some((register, id, number)) => {
                    let stamp = self.rename(register, &id, number + 1).await;
                    file = stamp.map(|_| (register, id, number + 1));
                    stamp
                }
            };
            if let Some(stamp) = stamp {
                self.expect(stamp, &mut heard).await;
            }
            // tidy-allow(sleep): a pace, not a wait
            sleep(PAUSE).await;
        }
        listener.abort();
    }

    async fn expect(&self, stamp: i64, heard: &mut watch::Receiver<i64>) {
        let begun = Instant::now();
        while begun.elapsed() < self.world.hear {
            let waited = heard.wait_for(|heard| *heard >= stamp);
            if timeout(PAUSE, waited).await.is_ok() || self.world.stopped() {
                return;
            }
        }
        let said = format!(
            "{} wrote at {stamp} into folder {} and heard nothing for {} s",
            self.guest.login,
            self.folder,
            begun.elapsed().as_secs()
        );
        self.world.count(|counts| counts.events_lost.push(said));
    }

    /// Register, id and stamp of a new file.
    async fn create(&mut self) -> Option<(Register, String, i64)> {
        let register = self.world.register(&format!("a watched file of {}", self.guest.login));
        lock(&self.world.sizes).insert(register, SMALL_BYTES);
        let name = file_name(register, 1);
        let about = json!({"folder_id": self.folder, "filename": name, "title": name});
        let begun = self.world.now();
        let content = content(register, SMALL_BYTES);
        let reply = self.world.upload(&self.guest, &mut self.line, &about, &content, false).await;
        self.world.written(register, 1, begun, &reply);
        let (data, stamp) = self.answered(reply).await?;
        Some((register, text(&data), stamp))
    }

    /// The stamp of a rename; none if it failed: then another file is made.
    async fn rename(&mut self, register: Register, id: &str, number: u32) -> Option<i64> {
        let request = format!("infostore?action=update&id={id}&timestamp={WHATEVER_HAPPENED}");
        let body = json!({"filename": file_name(register, number)});
        let begun = self.world.now();
        let reply = self.world.put(&self.guest, &mut self.line, &request, &body).await;
        self.world.written(register, number, begun, &reply);
        self.answered(reply).await.map(|(_, stamp)| stamp)
    }

    async fn answered(&self, reply: Reply) -> Option<(Value, i64)> {
        match reply {
            Reply::Done(data, stamp) => Some((data, stamp)),
            Reply::File(_) => None,
            Reply::Failed(failed) => {
                self.world.back_in(&self.guest, &failed).await;
                None
            }
        }
    }
}

/// Listens to one folder, over as many streams as it takes.
struct Listener {
    world: Arc<World>,
    guest: Arc<Guest>,
    folder: String,
    hears: watch::Sender<i64>,
    position: Option<String>,
}

impl Listener {
    fn new(world: Arc<World>, guest: Arc<Guest>, folder: String, hears: watch::Sender<i64>) -> Self {
        Self { world, guest, folder, hears, position: None }
    }

    async fn run(mut self) {
        while !self.world.stopped() {
            if self.one().await {
                self.world.count(|counts| counts.streams_cut += 1);
            }
            // tidy-allow(sleep): a pace, not a wait
            sleep(AGAIN).await;
        }
    }

    /// One stream to its end. False if there was none.
    async fn one(&mut self) -> bool {
        let ask = Ask {
            method: "GET",
            target: self.guest.target(&format!("push?action=subscribe&topics=folder:{}", self.folder)),
            cookies: self.guest.cookies(),
            last_event: self.position.clone(),
            ..Ask::default()
        };
        let (mut line, begun) = (Line::to(&self.guest.front), Instant::now());
        let silence = Duration::from_secs(SILENCE_SECONDS_MAX);
        let head = timeout(silence, line.head(&ask)).await.unwrap_or(Err(super::wire::Broken::TimedOut));
        let (head, mut body) = match head {
            Ok(answer) => answer,
            Err(broken) => {
                self.refused(Reply::of(Err(broken)), begun).await;
                return false;
            }
        };
        self.guest.learn(&head.headers);
        let is_stream =
            head.headers.get("content-type").is_some_and(|kind| kind.as_bytes() == b"text/event-stream");
        if !is_stream {
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let got = super::wire::Got { status: head.status.as_u16(), headers: head.headers, body };
            self.refused(Reply::of(Ok(got)), begun).await;
            return false;
        }
        self.world.count(|counts| counts.request(Kind::Stream, begun.elapsed(), None));
        let mut text = String::new();
        while let Ok(Some(Ok(frame))) = timeout(silence, body.frame()).await {
            text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
            while let Some((block, rest)) = text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                text = rest;
                self.hear(&block);
            }
        }
        true
    }

    async fn refused(&self, reply: Reply, begun: Instant) {
        if let Reply::Failed(failed) = reply {
            self.world.count(|counts| counts.request(Kind::Stream, begun.elapsed(), Some(&failed)));
            self.world.back_in(&self.guest, &failed).await;
        }
    }

    /// Takes in one event. What the client knew when it came is no news, so `ready` counts only the first time: afterwards what was
    /// missed must be told.
    fn hear(&mut self, block: &str) {
        let field = |name: &str| {
            block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
        };
        let first = self.position.is_none();
        if let Some(id) = field("id") {
            self.position = Some(id.to_owned());
        }
        let data: Value = serde_json::from_str(field("data").unwrap_or_default()).unwrap_or(Value::Null);
        let stamp = |topic: &Value| topic.get("timestamp").and_then(Value::as_i64).unwrap_or(0);
        let heard = match field("event") {
            Some("change") => stamp(&data),
            Some("ready") if first => data.pointer("/topics/0").map_or(0, stamp),
            Some("end") if data.get("reason") == Some(&json!("session")) => {
                self.world.count(|counts| counts.fail(Kind::Stream, Way::SignedOut));
                NOTHING_YET
            }
            _ => NOTHING_YET,
        };
        self.hears.send_if_modified(|known| {
            let news = heard > *known;
            *known = heard.max(*known);
            news
        });
    }
}
