//! UNLOCK: gives a lock back.

use http::{Response, StatusCode};
use zebu_app::dav;
use zebu_formats::dav::lock_token;

use super::failure::Failure;
use super::visit::Visit;
use super::{conditions, reply};
use crate::body::Outgoing;

/// 204; 409 if the resource has no such lock of the caller's.
pub(super) async fn handle(visit: Visit) -> Result<Response<Outgoing>, Failure> {
    let header =
        visit.header("lock-token").ok_or_else(|| Failure::bad("The header Lock-Token is missing."))?;
    let token = lock_token(header)?.to_owned();
    let at = visit.locate().await?;
    conditions::check(&visit, &at).await?;
    let target = at.target().ok_or_else(Failure::not_found)?;
    if dav::unlock(visit.app(), &visit.caller, target, &token).await? {
        return Ok(reply::status(StatusCode::NO_CONTENT));
    }
    Err(Failure::Condition(StatusCode::CONFLICT, "lock-token-matches-request-uri"))
}
