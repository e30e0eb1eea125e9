//! What all clients of a traffic share, and the way of each request: it is asked, its cookies are kept, and it is counted.

use super::Plan;
use super::books::{Counts, Kind, Part};
use super::reply::{Failed, Reply, Way};
use super::wire::{Ask, Front, Line};
use crate::checks::history::{History, Moment, Register, Write};
use crate::load::{Lots, multipart, sign_in_form};
use bytes::Bytes;
use http::HeaderMap;
use http::header::SET_COOKIE;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The common part.
pub(crate) struct World {
    pub(crate) history: Mutex<History>,
    pub(crate) parts: Mutex<Vec<Part>>,
    /// How large each file is, by its register.
    pub(crate) sizes: Mutex<BTreeMap<Register, usize>>,
    pub(crate) stop: AtomicBool,
    pub(crate) lots: Lots,
    pub(crate) answered_writes: AtomicU64,
    /// Where the guests connect; they are spread over them.
    pub(crate) fronts: Vec<Front>,
    pub(crate) password: String,
    /// An event that has not come after so long is lost.
    pub(crate) hear: Duration,
}

/// A user with a browser: one session, one set of cookies, some connections.
pub(crate) struct Guest {
    pub(crate) login: String,
    pub(crate) user: i64,
    pub(crate) front: Front,
    session: Mutex<Session>,
}

#[derive(Clone, Default)]
struct Session {
    id: String,
    jar: BTreeMap<String, String>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        let first = Part { name: "before".to_owned(), from: Moment::ZERO, counts: Counts::default() };
        Self {
            history: Mutex::new(History::new()),
            parts: Mutex::new(vec![first]),
            sizes: Mutex::default(),
            stop: AtomicBool::new(false),
            lots: Lots::from(plan.seed),
            answered_writes: AtomicU64::new(0),
            fronts: plan.fronts.clone(),
            password: plan.password.clone(),
            hear: plan.hear,
        }
    }

    pub(crate) fn now(&self) -> Moment {
        lock(&self.history).now()
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Enters something into the part of now.
    pub(crate) fn count(&self, enter: impl FnOnce(&mut Counts)) {
        if let Some(part) = lock(&self.parts).last_mut() {
            enter(&mut part.counts);
        }
    }

    /// From now on another part.
    pub(crate) fn turn(&self, name: &str) {
        let part = Part { name: name.to_owned(), from: self.now(), counts: Counts::default() };
        lock(&self.parts).push(part);
    }

    /// A new register with what it is, for people.
    pub(crate) fn register(&self, what: &str) -> Register {
        lock(&self.history).register(what, None)
    }

    /// Enters a write and what came of it.
    pub(crate) fn written(&self, register: Register, number: u32, begun: Moment, reply: &Reply) {
        let answered = matches!(reply, Reply::Done(..)).then(|| self.now());
        if answered.is_some() {
            self.answered_writes.fetch_add(1, Ordering::Relaxed);
        }
        lock(&self.history).write(Write { register, number, begun, answered });
    }

    /// Signs somebody in, with a new jar.
    pub(crate) async fn sign_in(&self, login: &str, front: &Front) -> Result<Guest, Failed> {
        let guest =
            Guest { login: login.to_owned(), user: 0, front: front.clone(), session: Mutex::default() };
        let user = self.sign_in_again(&guest).await?;
        Ok(Guest { user, ..guest })
    }

    /// Gives a guest a new session; answers who they are.
    pub(crate) async fn sign_in_again(&self, guest: &Guest) -> Result<i64, Failed> {
        *lock(&guest.session) = Session::default();
        let ask = Ask {
            method: "POST",
            target: "/ajax/login?action=login".to_owned(),
            content_type: Some("application/x-www-form-urlencoded"),
            body: Bytes::from(sign_in_form(&guest.login, &self.password)),
            ..Ask::default()
        };
        let data = self.asks(Kind::SignIn, guest, &mut Line::to(&guest.front), ask).await.data()?;
        let id = data.get("session").and_then(Value::as_str).unwrap_or_default();
        id.clone_into(&mut lock(&guest.session).id);
        Ok(data.get("user_id").and_then(Value::as_i64).unwrap_or(0))
    }

    pub(crate) async fn get(&self, kind: Kind, guest: &Guest, line: &mut Line, request: &str) -> Reply {
        let ask = Ask { method: "GET", target: guest.target(request), ..Ask::default() };
        self.asks(kind, guest, line, ask).await
    }

    pub(crate) async fn put(&self, guest: &Guest, line: &mut Line, request: &str, body: &Value) -> Reply {
        let ask = Ask {
            method: "PUT",
            target: guest.target(request),
            content_type: Some("application/json"),
            body: Bytes::from(body.to_string()),
            ..Ask::default()
        };
        self.asks(Kind::Write, guest, line, ask).await
    }

    /// A new file. Slowly on a connection of its own.
    pub(crate) async fn upload(
        &self,
        guest: &Guest,
        line: &mut Line,
        about: &Value,
        content: &[u8],
        slowly: bool,
    ) -> Reply {
        let (content_type, body) = multipart(about, content);
        let ask = Ask {
            method: "POST",
            target: guest.target("infostore?action=new&plainJson=true"),
            content_type: Some(content_type),
            body: Bytes::from(body),
            slowly,
            ..Ask::default()
        };
        self.asks(Kind::Upload, guest, line, ask).await
    }

    /// A file's bytes.
    pub(crate) async fn download(
        &self,
        guest: &Guest,
        line: &mut Line,
        request: &str,
        slowly: bool,
    ) -> Reply {
        let ask = Ask { method: "GET", target: guest.target(request), slowly, ..Ask::default() };
        self.asks(Kind::Download, guest, line, ask).await
    }

    /// Any request with a whole answer.
    async fn asks(&self, kind: Kind, guest: &Guest, line: &mut Line, mut ask: Ask) -> Reply {
        ask.cookies = guest.cookies();
        let begun = Instant::now();
        let got = line.ask(&ask).await;
        if let Ok(got) = &got {
            guest.learn(&got.headers);
        }
        let reply = Reply::of(got);
        let failed = if let Reply::Failed(failed) = &reply { Some(failed) } else { None };
        // A slow client's time says nothing of the front.
        let took = if ask.slowly { Duration::ZERO } else { begun.elapsed() };
        self.count(|counts| counts.request(kind, took, failed));
        reply
    }

    /// Whoever was signed out signs in again, so that the run goes on; it has been counted.
    pub(crate) async fn back_in(&self, guest: &Guest, failed: &Failed) {
        if failed.way == Way::SignedOut {
            let _ = self.sign_in_again(guest).await;
        }
    }
}

impl Guest {
    /// The path and query of a request of this session.
    pub(crate) fn target(&self, request: &str) -> String {
        format!("/ajax/{request}&session={}", lock(&self.session).id)
    }

    pub(crate) fn cookies(&self) -> String {
        let session = lock(&self.session);
        session.jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Keeps the cookies that an answer sets.
    pub(crate) fn learn(&self, headers: &HeaderMap) {
        let mut session = lock(&self.session);
        for value in headers.get_all(SET_COOKIE) {
            let pair = value.to_str().ok().and_then(|value| value.split(';').next()?.split_once('='));
            if let Some((name, value)) = pair {
                session.jar.insert(name.trim().to_owned(), value.to_owned());
            }
        }
    }

    /// The route behind the dot of its `JSESSIONID`.
    pub(crate) fn route(&self) -> Option<String> {
        let session = lock(&self.session);
        session.jar.get("JSESSIONID")?.rsplit_once('.').map(|(_, route)| route.to_owned())
    }

    /// The same session, asked for somewhere else.
    pub(crate) fn through(&self, front: &Front) -> Self {
        let session = Mutex::new(lock(&self.session).clone());
        Self { login: self.login.clone(), user: self.user, front: front.clone(), session }
    }
}
