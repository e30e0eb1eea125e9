//! DELETE: a file, or a folder with all that is below it.

use http::Response;
use zebu_app::dav::Located;
use zebu_formats::dav::Depth;

use super::failure::Failure;
use super::visit::Visit;
use super::{conditions, place, reply};
use crate::body::Outgoing;

/// All or nothing: what stands in the way of one thing below keeps the whole.
pub(super) async fn handle(visit: Visit) -> Result<Response<Outgoing>, Failure> {
    let at = visit.locate().await?;
    if matches!(at, Located::Free { .. } | Located::Nowhere) {
        return Err(Failure::not_found());
    }
    if matches!(at, Located::Folder(_)) && visit.depth(Depth::Infinity)? != Depth::Infinity {
        return Err(Failure::bad("A folder is deleted with all that is in it: Depth must be infinity."));
    }
    let tokens = conditions::check(&visit, &at).await?;
    place::of(&visit.path, at)?.clear(&visit, &tokens).await?;
    Ok(reply::stored(false))
}
