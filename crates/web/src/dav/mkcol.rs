//! MKCOL: a folder.

use http::{Response, StatusCode};
use zebu_app::folders::{self, Details, NewFolder};
use zebu_model::folder::Type;
use zebu_model::{Bits, Entity, FolderId, Permission};

use super::failure::Failure;
use super::visit::Visit;
use super::{conditions, place, reply};
use crate::body::Outgoing;

/// 201; 405 if there is something already, 409 without a folder to put it in, 415 with a body.
pub(super) async fn handle(visit: Visit) -> Result<Response<Outgoing>, Failure> {
    if !visit.request.body.is_empty() {
        return Err(Failure::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE, String::new()));
    }
    let at = visit.locate().await?;
    let tokens = conditions::check(&visit, &at).await?;
    let place = place::of(&visit.path, at)?;
    if !place.is_free() {
        return Err(Failure::not_allowed());
    }
    place.open_parent(&visit, &tokens).await?;
    make(&visit, place.parent, place.name).await?;
    Ok(reply::stored(true))
}

/// Makes a folder as a network drive makes one: whoever works in the folder above works in this one too, and its maker may
/// do everything. Below the fixed tree's folders it is its maker's alone.
pub(super) async fn make(visit: &Visit, parent: FolderId, title: String) -> Result<FolderId, Failure> {
    let (app, caller) = (visit.app(), &visit.caller);
    let wanted = Details { permissions: true, totals: false };
    let (above, _) = folders::get(app, caller, parent.into(), wanted).await?;
    let permissions = (above.granted.folder.kind != Type::System).then(|| {
        let maker = Permission { entity: Entity::User(caller.user()), bits: Bits::OWNER };
        let others = above.permissions.into_iter().filter(|other| other.entity != maker.entity);
        others.chain([maker]).collect()
    });
    let new = NewFolder { parent, title, module: None, permissions };
    Ok(folders::create(app, caller, new).await?.0)
}
