//! The tenants: `createcontext`, `changecontext`, `listcontext` and the commands beside.

mod change;
mod create;
mod enable;
mod import;
mod left;
mod list;
mod place;
mod seed;

use serde::{Deserialize, Serialize};
use zebu_model::quota::Quota;
use zebu_model::{ContextId, account, person};
use zebu_store::ConfigTx;
use zebu_store::configdb::contexts::{self as registry, Registered, State};

use super::error::{Denied, Result, field};
use super::users::NewUser;
use super::{AccessSpec, Fields, Named};
use crate::app::App;

pub use change::{ContextChange, change, set_quota};
pub use create::create;
pub use enable::{disable, disable_all, enable, enable_all};
pub use import::import;
pub(in crate::operator) use import::refused;
pub use list::{
    ContextFilter, ContextRow, access_of, admin_id, combination_of, exists, list, schema_name, usage,
};

/// A context to create, with its administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewContext {
    /// Its id, from 1.
    pub id: ContextId,
    /// Its name. Default: its id.
    #[serde(default)]
    pub name: Option<String>,
    /// Login mappings, beside its id and its name, which lead to it anyway.
    #[serde(default)]
    pub mappings: Vec<String>,
    /// How much it may store, MB; -1: no limit.
    pub quota_mb: i64,
    /// Its administrator.
    pub admin: NewUser,
    /// The administrator's module access, which users inherit. Default: the setting `new_context_access`.
    #[serde(default)]
    pub access: AccessSpec,
    /// The file store to put it on. Default: the emptiest with room.
    #[serde(default)]
    pub filestore: Option<i64>,
    /// The master to put it on. Default: the one furthest behind its share.
    #[serde(default)]
    pub database: Option<Named<i64>>,
    /// Attributes, `namespace/name`.
    #[serde(default)]
    pub attributes: Fields,
}

impl NewContext {
    /// A context of which only what is required is said.
    #[must_use]
    pub fn of(id: ContextId, quota_mb: i64, admin: NewUser) -> NewContext {
        NewContext {
            id,
            name: None,
            mappings: Vec::new(),
            quota_mb,
            admin,
            access: AccessSpec::default(),
            filestore: None,
            database: None,
            attributes: Fields::new(),
        }
    }
}

/// A quota in MB as it is kept; -1: none.
fn quota(quota_mb: i64) -> std::result::Result<Quota, Denied> {
    if quota_mb == -1 {
        return Ok(Quota::Unlimited);
    }
    let bytes = u64::try_from(quota_mb).ok().and_then(|mb| mb.checked_mul(1 << 20));
    let bytes = bytes.filter(|bytes| i64::try_from(*bytes).is_ok());
    let reason = "it is neither -1, for no limit, nor from 0 to 8796093022207 MB".to_owned();
    bytes.map(Quota::Bytes).ok_or(Denied::FieldInvalid { field: "quota".to_owned(), reason })
}

/// A context's name. It leads to the context when its users sign in, so it is what a mapping may be.
fn check_name(name: &str) -> std::result::Result<(), Denied> {
    field("contextname", account::mapping(name))
}

pub(super) fn check_attributes(attributes: &Fields) -> std::result::Result<(), Denied> {
    if attributes.len() > person::ATTRIBUTES_MAX {
        return Err(Denied::TooMany { field: "attributes", limit: person::ATTRIBUTES_MAX });
    }
    for (name, value) in attributes {
        if !person::is_attribute_name(name) {
            return Err(Denied::FieldUnknown { field: name.clone() });
        }
        if value.chars().count() > person::ATTRIBUTE_CHARS_MAX {
            let limit_chars = person::ATTRIBUTE_CHARS_MAX;
            return Err(Denied::FieldTooLong { field: name.clone(), limit_chars });
        }
    }
    Ok(())
}

/// The id of a context. One that is named by it need not be ready: who asks for work on it finds out.
pub(super) async fn id_of(app: &App, which: &Named<ContextId>) -> Result<ContextId> {
    if let Named::Id(id) = which {
        return Ok(*id);
    }
    let mut tx = app.store.config().await?;
    Ok(find(&mut tx, which).await?.id)
}

/// A context that is ready.
async fn find(tx: &mut ConfigTx, which: &Named<ContextId>) -> Result<Registered> {
    let found = match which {
        Named::Id(id) => registry::registered_by_id(tx, *id).await?,
        Named::Name(name) => registry::registered_by_name(tx, name).await?,
    };
    let found = found.filter(|c| c.state == State::Ready);
    Ok(found.ok_or_else(|| Denied::ContextUnknown { context: which.to_string() })?)
}
