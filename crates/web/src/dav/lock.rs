//! LOCK: a new write lock, or more time for one.

use http::header::HeaderName;
use http::{HeaderValue, Response, StatusCode};
use zebu_app::Error;
use zebu_app::dav::{self, Located, LockRequest as Wanted, Target};
use zebu_app::files::{self, Fields, NewFile};
use zebu_formats::dav::{Depth, LockInfo, LockRequest, Scope, Timeout, lock_body, timeouts};
use zebu_model::Refusal;
use zebu_model::limits::LOCK_SECONDS_MAX;

use super::failure::Failure;
use super::locks::Rooted;
use super::place::{self, Place};
use super::visit::Visit;
use super::{conditions, locks, reply};
use crate::body::{self, Outgoing};
use crate::content::mime;

/// How long a lock lasts whose client has no wish, seconds.
const SECONDS_DEFAULT: u32 = 3_600;

/// 200, or 201 with an empty file for a name that was free.
pub(super) async fn handle(mut visit: Visit) -> Result<Response<Outgoing>, Failure> {
    let body = visit.xml().await?;
    let wanted = LockRequest::parse(&body)?;
    let at = visit.locate().await?;
    let tokens = conditions::check(&visit, &at).await?;
    match wanted {
        LockRequest::Refresh => refresh(&visit, &at, &tokens).await,
        LockRequest::New(info) => take(&visit, at, info, &tokens).await,
    }
}

fn seconds(visit: &Visit) -> u32 {
    match timeouts(visit.header("timeout")).first() {
        Some(Timeout::Seconds(seconds)) => (*seconds).clamp(1, LOCK_SECONDS_MAX),
        Some(Timeout::Infinite) => LOCK_SECONDS_MAX,
        None => SECONDS_DEFAULT,
    }
}

async fn refresh(visit: &Visit, at: &Located, tokens: &[String]) -> Result<Response<Outgoing>, Failure> {
    let target = at.target().ok_or_else(Failure::precondition_failed)?;
    let prolonged = dav::refresh(visit.app(), &visit.caller, target, tokens, seconds(visit)).await?;
    let token = prolonged.ok_or_else(Failure::precondition_failed)?.token;
    let locks = locks::rooted(visit, target, &visit.path).await?;
    let now = visit.app().now_ms();
    let active: Vec<_> =
        locks.iter().map(|lock| lock.active(now)).filter(|lock| lock.token == token).collect();
    Ok(reply::xml(StatusCode::OK, body::full(lock_body(&active))))
}

async fn take(
    visit: &Visit,
    at: Located,
    info: LockInfo,
    tokens: &[String],
) -> Result<Response<Outgoing>, Failure> {
    let depth = visit.depth(Depth::Infinity)?;
    if depth == Depth::One {
        return Err(Failure::bad("A lock has the depth 0 or infinity."));
    }
    let (target, is_new) = match at.target() {
        Some(target) => (target, false),
        None => (empty_file(visit, place::of(&visit.path, at)?, tokens).await?, true),
    };
    let wanted = Wanted {
        shared: info.scope == Scope::Shared,
        deep: depth == Depth::Infinity,
        owner: info.owner.unwrap_or_default(),
        seconds: seconds(visit),
    };
    let lock = dav::lock(visit.app(), &visit.caller, target, wanted).await.map_err(conflict)?;
    let token = HeaderValue::from_str(&format!("<{}>", lock.token)).ok();
    let lock = Rooted::at(lock, visit.path.clone());
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = reply::xml(status, body::full(lock_body(&[lock.active(visit.app().now_ms())])));
    response.headers_mut().extend(token.map(|token| (HeaderName::from_static("lock-token"), token)));
    Ok(response)
}

/// Here a lock in the way is not one whose token is missing, but one that excludes another.
fn conflict(error: Error) -> Failure {
    match error {
        Error::Refused(Refusal::FileLocked {}) => {
            Failure::Condition(StatusCode::LOCKED, "no-conflicting-lock")
        }
        other => other.into(),
    }
}

/// A name that is free is locked by storing an empty file there (RFC 4918 §7.3).
async fn empty_file(visit: &Visit, place: Place, tokens: &[String]) -> Result<Target, Failure> {
    place.open_parent(visit, tokens).await?;
    let (app, caller) = (visit.app(), &visit.caller);
    let content = files::upload(app, caller, Some(place.parent), Some(0)).await?.finish().await?;
    let mime = Some(mime::choose(None, &place.name));
    let fields = Fields { filename: Some(place.name), mime, ..Fields::default() };
    let new = NewFile { folder: place.parent, fields, content: Some(content) };
    Ok(Target::File(files::create(app, caller, new).await?.0))
}
