//! `changecontext`.

use serde::{Deserialize, Serialize};
use zebu_model::access::Access;
use zebu_model::quota::Quota;
use zebu_model::{ContextId, Scope, account};
use zebu_store::configdb::contexts::{self as registry, Registered};
use zebu_store::shard::{accounts, tenant};
use zebu_store::{ConfigWriteTx, Plan};

use super::super::error::{Denied, Result, field};
use super::super::{AccessSpec, Fields, Named, place, servers};
use super::{check_attributes, check_name, find, quota};
use crate::app::App;
use crate::settle::until_settled;

/// What is to change of a context; what is not said stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContextChange {
    /// Another name. It leads to the context from then on, and the old one does too until it is removed.
    pub name: Option<String>,
    /// Login mappings to add; those it has are no error.
    pub add_mappings: Vec<String>,
    /// Login mappings to remove.
    pub remove_mappings: Vec<String>,
    /// How much it may store, MB; -1: no limit. Less than it stores is possible: then nothing more can be stored.
    pub quota_mb: Option<i64>,
    /// Module access of every user of the context. Single flags change what each has.
    pub access: AccessSpec,
    /// Attributes to set.
    pub attributes: Fields,
    /// Attributes to remove.
    pub remove_attributes: Vec<String>,
}

/// Changes a context. Returns its id.
pub async fn change(app: &App, which: &Named<ContextId>, change: &ContextChange) -> Result<ContextId> {
    if let Some(name) = &change.name {
        check_name(name)?;
    }
    change.add_mappings.iter().try_for_each(|m| field("addmapping", account::mapping(m)))?;
    check_attributes(&change.attributes)?;
    change.access.resolve(Access::NONE)?;
    let id = until_settled!(register(app, which, change).await)?;
    if !change.access.is_empty() || !change.attributes.is_empty() || !change.remove_attributes.is_empty() {
        until_settled!(in_shard(app, id, change).await)?;
    }
    Ok(id)
}

/// Sets how much a context may store, to the byte.
pub async fn set_quota(app: &App, id: ContextId, quota: Quota) -> Result<()> {
    let mut tx = app.store.config_write().await?;
    if !registry::set_quota(&mut tx, id, quota).await? {
        return Err(Denied::ContextUnknown { context: id.to_string() }.into());
    }
    Ok(tx.commit().await?)
}

async fn register(app: &App, which: &Named<ContextId>, change: &ContextChange) -> Result<ContextId> {
    let mut tx = servers::hold(app).await?;
    let context = find(&mut tx, which).await?;
    if let Some(quota_mb) = change.quota_mb {
        registry::set_quota(&mut tx, context.id, quota(quota_mb)?).await?;
    }
    if let Some(name) = change.name.as_ref().filter(|name| **name != context.name) {
        if registry::registered_by_name(&mut tx, name).await?.is_some() {
            return Err(Denied::ContextNameTaken { name: name.clone() }.into());
        }
        registry::set_name(&mut tx, context.id, name).await?;
        lead(&mut tx, &context, name).await?;
    }
    for mapping in &change.remove_mappings {
        if *mapping == context.id.to_string() {
            return Err(Denied::MappingFixed { mapping: mapping.clone() }.into());
        }
        if !registry::delete_mapping(&mut tx, context.id, mapping).await? {
            return Err(Denied::MappingUnknown { mapping: mapping.clone() }.into());
        }
    }
    for mapping in &change.add_mappings {
        lead(&mut tx, &context, mapping).await?;
    }
    tx.commit().await?;
    Ok(context.id)
}

/// Lets a mapping lead to a context; one that does already is no error.
async fn lead(tx: &mut ConfigWriteTx, context: &Registered, mapping: &str) -> Result<()> {
    match registry::mapping_owner(tx, mapping).await? {
        Some(owner) if owner == context.id => Ok(()),
        Some(_) => Err(Denied::MappingTaken { mapping: mapping.to_owned() }.into()),
        None => Ok(registry::insert_mapping(tx, context.id, mapping).await?),
    }
}

async fn in_shard(app: &App, id: ContextId, change: &ContextChange) -> Result<()> {
    let place = place(app, id).await?;
    let mut tx = app.write(&place, Plan::changing([Scope::Principals, Scope::Tree])).await?;
    if !change.access.is_empty() {
        for mut user in accounts::all(&mut tx).await? {
            let access = change.access.resolve(user.access)?.as_held_by(user.id);
            if access != user.access {
                user.access = access;
                accounts::update(&mut tx, &user).await?;
            }
        }
    }
    for name in &change.remove_attributes {
        tenant::delete_attribute(&mut tx, name).await?;
    }
    for (name, value) in &change.attributes {
        tenant::set_attribute(&mut tx, name, value).await?;
    }
    Ok(tx.commit().await?)
}
