//! `registerdatabase`, `listdatabase`, `changedatabase`, `unregisterdatabase`: the servers that hold contexts.

mod change;
mod host;
mod list;
mod register;

use zebu_store::ConfigTx;
use zebu_store::configdb::databases::{self as registry, DatabaseServer};

use super::Named;
use super::error::{Denied, Result};
use crate::app::App;

pub use change::{DatabaseChange, change, unregister};
pub(in crate::operator) use host::hostname;
pub use list::{DatabaseRow, list};
pub use register::{NewDatabase, register};

/// The id of a database server.
pub(super) async fn id_of(app: &App, which: &Named<i64>) -> Result<i64> {
    let mut tx = app.store.config().await?;
    Ok(find(&mut tx, which).await?.id)
}

async fn find(tx: &mut ConfigTx, which: &Named<i64>) -> Result<DatabaseServer> {
    let found = match which {
        Named::Id(id) => registry::by_id(tx, *id).await?,
        Named::Name(name) => registry::by_name(tx, name).await?,
    };
    Ok(found.ok_or_else(|| Denied::DatabaseUnknown { database: which.to_string() })?)
}

/// The values that have a range.
fn check_ranges(server: &DatabaseServer) -> std::result::Result<(), Denied> {
    if !(0..=100).contains(&server.weight) {
        return Err(Denied::WeightOutOfRange { weight: server.weight });
    }
    let refuse = |field: &str, reason: &str| Denied::FieldInvalid {
        field: field.to_owned(),
        reason: reason.to_owned(),
    };
    if server.contexts_max < -1 {
        return Err(refuse("maxunit", "it is less than -1, which means no limit"));
    }
    if !(1..=POOL_MAX).contains(&server.pool_max) {
        return Err(refuse("poolmax", "it is not from 1 to 10000"));
    }
    if !(0..=server.pool_max).contains(&server.pool_initial) {
        return Err(refuse("poolinitial", "it is not from 0 to poolmax"));
    }
    Ok(())
}

/// Connections of one node to one server: as many as a server takes from all, at the very most.
const POOL_MAX: i64 = 10_000;
