//! PROPFIND: the properties of a resource, and of what is in it.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{Response, StatusCode};
use zebu_formats::dav::{Depth, Multistatus, Path, Property, Propfind, Propstat};

use super::failure::Failure;
use super::listing::Listing;
use super::reply;
use super::shown::Shown;
use super::visit::Visit;
use crate::body::{self, Outgoing};

/// Bytes of the answer that are made before they are handed on.
const PIECE_BYTES: usize = 32 * 1024;

/// 207. Depth infinity, which is what no header means, is refused: no client needs it, and it would list a whole tenant.
pub(super) async fn handle(mut visit: Visit) -> Result<Response<Outgoing>, Failure> {
    let depth = visit.depth(Depth::Infinity)?;
    if depth == Depth::Infinity {
        return Err(Failure::Condition(StatusCode::FORBIDDEN, "propfind-finite-depth"));
    }
    let body = visit.xml().await?;
    let wanted = Propfind::parse(&body)?;
    let listing = Listing::fetch(&visit, &wanted, depth == Depth::One).await?;
    Ok(reply::xml(StatusCode::MULTI_STATUS, stream_of(listing, wanted)))
}

/// The answer, made as fast as the client takes it.
fn stream_of(listing: Listing, wanted: Propfind) -> Outgoing {
    let source = Arc::new((listing, wanted));
    let state = Some((0, Multistatus::new()));
    body::streamed(stream::unfold(state, move |state| {
        let source = Arc::clone(&source);
        async move {
            let (mut next, mut answer) = state?;
            let (listing, wanted) = &*source;
            while let Some((path, shown)) = listing.show(next) {
                describe(&mut answer, path, &shown, wanted);
                next += 1;
                if answer.pending_bytes() >= PIECE_BYTES {
                    let piece = Bytes::from(answer.take());
                    return Some((Ok(piece), Some((next, answer))));
                }
            }
            Some((Ok(Bytes::from(answer.finish())), None))
        }
    }))
}

/// Writes what was asked for of one resource.
fn describe(answer: &mut Multistatus, path: &Path, shown: &Shown<'_>, wanted: &Propfind) {
    match wanted {
        Propfind::PropName => {
            let names = shown.names();
            let properties: Vec<_> = names.iter().map(Property::Name).collect();
            answer.properties(path, &[Propstat { status: 200, properties: &properties, error: None }]);
        }
        Propfind::AllProp { include } => {
            let mut properties = shown.everything();
            // What is shown anyway needs no second mention.
            let more = include.iter().filter(|name| name.local.starts_with("quota-"));
            properties.extend(more.filter_map(|name| shown.value(name)));
            answer.properties(path, &[Propstat { status: 200, properties: &properties, error: None }]);
        }
        Propfind::Prop(names) => {
            let (mut found, mut missing) = (Vec::new(), Vec::new());
            for name in names {
                match shown.value(name) {
                    Some(property) => found.push(property),
                    None => missing.push(Property::Name(name)),
                }
            }
            answer.properties(
                path,
                &[
                    Propstat { status: 200, properties: &found, error: None },
                    Propstat { status: 404, properties: &missing, error: None },
                ],
            );
        }
    }
}
