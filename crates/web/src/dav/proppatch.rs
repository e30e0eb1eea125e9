//! PROPPATCH: properties that clients keep with a resource, among them Windows' file times. All changes or none.

use http::{Response, StatusCode};
use zebu_app::dav;
use zebu_formats::dav::{Change, Multistatus, Name, Precondition, Property, Propstat, changes};

use super::failure::Failure;
use super::shown::{LIVE, key_of};
use super::visit::Visit;
use super::{conditions, locks, reply};
use crate::body::{self, Outgoing};

/// Bytes of one property's value.
const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one property's name with its namespace.
const NAME_BYTES_MAX: usize = 512;
/// Properties of one resource.
const PROPERTIES_MAX: usize = 500;

/// 207 with the fate of each property.
pub(super) async fn handle(mut visit: Visit) -> Result<Response<Outgoing>, Failure> {
    let body = visit.xml().await?;
    let changes = changes(&body)?;
    let at = visit.locate().await?;
    let tokens = conditions::check(&visit, &at).await?;
    let Some(target) = at.target() else {
        let is_view = matches!(at, dav::Located::OtherFolders);
        return Err(if is_view { Failure::forbidden() } else { Failure::not_found() });
    };
    locks::open(&visit, target, &visit.path, &tokens).await?;
    let kept = dav::properties(visit.app(), &visit.caller, target).await?.len();
    let fates: Vec<u16> = changes.iter().map(|change| fate(change, kept + changes.len())).collect();
    if fates.iter().all(|fate| *fate == 200) {
        let stored: Vec<_> = changes.iter().map(stored).collect();
        dav::set_properties(visit.app(), &visit.caller, target, &stored).await?;
        return Ok(answer(&visit, &changes, &fates));
    }
    // One that cannot be done keeps the others from being done (424).
    let fates: Vec<u16> = fates.into_iter().map(|fate| if fate == 200 { 424 } else { fate }).collect();
    Ok(answer(&visit, &changes, &fates))
}

fn stored(change: &Change) -> (String, Option<String>) {
    match change {
        Change::Set { name, xml, .. } => (key_of(name), Some(xml.clone())),
        Change::Remove { name } => (key_of(name), None),
    }
}

fn name(change: &Change) -> &Name {
    match change {
        Change::Set { name, .. } | Change::Remove { name } => name,
    }
}

/// What would become of a change alone: 200, 403 for a live property, 507 past a limit.
fn fate(change: &Change, count: usize) -> u16 {
    if LIVE.iter().any(|local| name(change).is_dav(local)) {
        return 403;
    }
    match change {
        Change::Set { name, xml, .. } => {
            let name_bytes = name.ns.len() + name.local.len();
            let fits =
                xml.len() <= VALUE_BYTES_MAX && name_bytes <= NAME_BYTES_MAX && count <= PROPERTIES_MAX;
            if fits { 200 } else { 507 }
        }
        Change::Remove { .. } => 200,
    }
}

fn answer(visit: &Visit, changes: &[Change], fates: &[u16]) -> Response<Outgoing> {
    let with = |status: u16| -> Vec<Property<'_>> {
        let these = changes.iter().zip(fates).filter(|(_, fate)| **fate == status);
        these.map(|(change, _)| Property::Name(name(change))).collect()
    };
    let (done, live, full, kept_back) = (with(200), with(403), with(507), with(424));
    let mut answer = Multistatus::new();
    answer.properties(
        &visit.path,
        &[
            Propstat { status: 200, properties: &done, error: None },
            Propstat {
                status: 403,
                properties: &live,
                error: Some(Precondition::dav("cannot-modify-protected-property")),
            },
            Propstat { status: 507, properties: &full, error: None },
            Propstat { status: 424, properties: &kept_back, error: None },
        ],
    );
    reply::xml(StatusCode::MULTI_STATUS, body::full(answer.finish()))
}
