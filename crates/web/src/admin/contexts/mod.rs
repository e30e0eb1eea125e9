//! Contexts: tenants.

mod change;
mod create;
mod look;
mod switch;

use serde::Deserialize;
use zebu_app::operator::Named;
use zebu_model::ContextId;

use super::options::named;
use super::refused::Refused;

pub(super) use change::change;
pub(super) use create::{create, import};
pub(super) use look::{
    admin_id, combination, exists, list, list_by_database, list_by_filestore, module_access, schema_name,
};
pub(super) use switch::{disable, disable_all, enable, enable_all};

/// Which context.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    contextid: Option<u32>,
    contextname: Option<String>,
}

impl Which {
    pub(super) fn named(self) -> Result<Named<ContextId>, Refused> {
        named(self.contextid.map(ContextId), self.contextname, "contextid or contextname")
    }
}
