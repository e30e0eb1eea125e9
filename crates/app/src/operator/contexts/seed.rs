//! What a new context's shard holds: its home, the fixed tree, the standard groups, and its administrator. One transaction.

use zebu_model::access::Access;
use zebu_model::folder::{Folder, Type, fixed_tree};
use zebu_model::{GroupId, Scope, UserId, Version};
use zebu_store::shard::{folder_writes, principals, tenant, usage};
use zebu_store::{Place, Plan};

use super::super::error::Result;
use super::super::users::{Prepared, insert};
use super::NewContext;
use crate::app::App;

pub(super) async fn seed(
    app: &App,
    place: &Place,
    new: &NewContext,
    admin: &Prepared,
    access: Access,
) -> Result<()> {
    let now = app.now_ms();
    let mut tx =
        app.store.found(place, Plan::changing([Scope::Principals, Scope::Tree, Scope::History]), now).await?;
    usage::insert_slots(&mut tx).await?;
    principals::insert_group(&mut tx, GroupId::EVERYBODY, "users", "All users").await?;
    principals::insert_group(&mut tx, GroupId::STANDARD, "standard", "Standard group").await?;
    for f in fixed_tree() {
        let folder = Folder {
            id: f.id,
            parent: f.parent,
            title: f.title.to_owned(),
            module: f.module,
            kind: Type::System,
            standard: false,
            created_by: UserId::ADMIN,
            created: now,
            modified_by: UserId::ADMIN,
            modified: Version::NONE,
        };
        folder_writes::insert(&mut tx, &folder, &f.permissions).await?;
    }
    insert(&mut tx, UserId::ADMIN, admin, access, now).await?;
    for (name, value) in &new.attributes {
        tenant::set_attribute(&mut tx, name, value).await?;
    }
    Ok(tx.commit().await?)
}
