//! What a deployment needs before its first context: a server, a file store and a database, in the order of the original's
//! guide. For whoever sets one up from a program: the demo, tests.

use super::databases::{self, NewDatabase};
use super::filestores::{self, NewFilestore};
use super::{Result, servers};
use crate::app::App;

/// Where the first contexts are put.
#[derive(Clone, Debug)]
pub struct Foundation {
    /// The server's name.
    pub server: String,
    /// The file store.
    pub filestore: NewFilestore,
    /// The database.
    pub database: NewDatabase,
}

/// What was registered, or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Laid {
    /// The file store's id.
    pub filestore: i64,
    /// The database's id.
    pub database: i64,
}

/// Registers what is not registered yet.
pub async fn lay(app: &App, foundation: &Foundation) -> Result<Laid> {
    servers::register(app, &foundation.server, true).await?;
    let filestore = filestores::register(app, &foundation.filestore, true).await?.id;
    let database = databases::register(app, &foundation.database, true).await?.id;
    Ok(Laid { filestore, database })
}
