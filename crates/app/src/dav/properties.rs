//! Properties that clients keep with us, and the quota properties.

use zebu_model::lock::Target;
use zebu_model::quota::Quota;
use zebu_model::{Refusal, Scope};
use zebu_store::Plan;
use zebu_store::shard::dav;
use zebu_store::shard::{files, folders, usage};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::settle::until_settled;

/// The properties kept for clients of one resource: `{namespace}local` and XML.
pub async fn properties(app: &App, caller: &Caller, target: Target) -> Result<Vec<(String, String)>> {
    until_settled!(
        async {
            let mut tx = app.read_of(&caller.place, &[Scope::Tree]).await?;
            Ok(dav::properties(&mut tx, target).await?)
        }
        .await
    )
}

/// Sets properties (`Some`) or removes them (`None`), all or none. The caller must be allowed to write there.
pub async fn set_properties(
    app: &App,
    caller: &Caller,
    target: Target,
    changes: &[(String, Option<String>)],
) -> Result<()> {
    until_settled!(attempt(app, caller, target, changes).await)
}

async fn attempt(
    app: &App,
    caller: &Caller,
    target: Target,
    changes: &[(String, Option<String>)],
) -> Result<()> {
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Tree])).await?;
    let caller = &caller.as_of(&mut tx).await?;
    let denied = Refusal::FileWriteDenied {};
    let (place, creator) = match target {
        Target::Folder(id) => (id, caller.who.user),
        Target::File(id) => {
            let file = files::get(&mut tx, id).await?.ok_or(Refusal::FileMissing { file: id })?;
            (file.folder, file.created_by)
        }
    };
    let granted = folders::get(&mut tx, &caller.who, place).await?.filter(|g| g.bits.sees());
    let granted = granted.ok_or(Refusal::FolderNotVisible { folder: place })?;
    if !granted.bits.write.covers(creator, caller.who.user) {
        return Err(denied.into());
    }
    for (name, value) in changes {
        dav::set_property(&mut tx, target, name, value.as_deref()).await?;
    }
    Ok(tx.commit().await?)
}

/// Bytes the context has in use, and its quota (RFC 4331).
pub async fn quota(app: &App, caller: &Caller) -> Result<(u64, Quota)> {
    let mut tx = app.read(&caller.place).await?;
    Ok((usage::used(&mut tx).await?, caller.place.quota))
}
