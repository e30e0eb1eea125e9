//! `registerdatabase`.

use serde::{Deserialize, Serialize};
use zebu_model::account;
use zebu_store::configdb::databases::{self as registry, DatabaseServer};
use zebu_store::{ConfigTx, Login};

use super::super::error::{Denied, Error, Result, field};
use super::super::{Made, Secret};
use super::{check_ranges, host};
use crate::app::App;
use crate::settle::until_settled;

/// A database server to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewDatabase {
    /// Its name; schemas on it are called after it. Has to be given.
    pub name: String,
    /// `host[:port]`, a socket's path, or `sqlite:/directory`. Default `localhost`.
    pub hostname: String,
    /// The user to sign in as. Default `openexchange`; of no meaning for SQLite.
    pub login: String,
    /// The password.
    pub password: Secret,
    /// Whether it takes writes. Default true.
    pub master: bool,
    /// The master whose replica it is.
    pub master_id: Option<i64>,
    /// 0 to 100: its share of new contexts. Default 100.
    pub weight: i64,
    /// How many contexts it takes; -1: no limit, 0: none. Default 1000.
    pub contexts_max: i64,
    /// Whether `pool_max` is a limit, or only what is kept. Default true.
    pub pool_hard_limit: bool,
    /// Connections kept open. Default 0.
    pub pool_initial: i64,
    /// Connections of one node. Default 100.
    pub pool_max: i64,
    /// Register it without connecting to it: it is not there yet. Default false.
    pub unchecked: bool,
}

impl Default for NewDatabase {
    fn default() -> Self {
        NewDatabase {
            name: String::new(),
            hostname: "localhost".to_owned(),
            login: "openexchange".to_owned(),
            password: Secret::default(),
            master: true,
            master_id: None,
            weight: 100,
            contexts_max: 1_000,
            pool_hard_limit: true,
            pool_initial: 0,
            pool_max: 100,
            unchecked: false,
        }
    }
}

/// Registers a database server, after having connected to it. `if_absent`: one of this name is no error.
pub async fn register(app: &App, new: &NewDatabase, if_absent: bool) -> Result<Made<i64>> {
    field("name", account::database(&new.name))?;
    field("dbuser", account::optional_name(&new.login))?;
    let password = &new.password.0;
    field("dbpasswd", if password.is_empty() { Ok(()) } else { account::password(password) })?;
    let master = match (new.master, new.master_id) {
        (true, None) => 0,
        (true, Some(_)) => return Err(Denied::MasterIdNotAllowed {}.into()),
        (false, None) => return Err(Denied::MasterIdMissing {}.into()),
        (false, Some(id)) => id,
    };
    let url = host::url(&new.hostname)?;
    let login = if url.starts_with("sqlite:") { String::new() } else { new.login.clone() };
    field("hostname", account::registered(&url))?;
    let mut server = DatabaseServer {
        id: 0,
        name: new.name.clone(),
        url,
        login,
        password: String::new(),
        master,
        weight: new.weight,
        contexts_max: new.contexts_max,
        pool_hard_limit: new.pool_hard_limit,
        pool_max: new.pool_max,
        pool_initial: new.pool_initial,
    };
    check_ranges(&server)?;
    {
        let mut tx = app.store.config().await?;
        if let Some(known) = known(&mut tx, &server, if_absent).await? {
            return Ok(known);
        }
    }
    if !new.unchecked {
        try_out(app, &server, password).await?;
    }
    server.password = seal(app, &server.name, password)?;
    until_settled!(attempt(app, &server, if_absent).await)
}

/// The password as configdb keeps it.
pub(super) fn seal(app: &App, name: &str, password: &str) -> Result<String> {
    app.store.seal_password(name, password).map_err(|error| match error {
        zebu_store::Error::Secret { reason } => {
            Denied::SecretMissing { name: name.to_owned(), reason }.into()
        }
        other => other.into(),
    })
}

/// Connects to a server, and makes and removes a schema on it if it is a master.
pub(super) async fn try_out(app: &App, server: &DatabaseServer, password: &str) -> Result<()> {
    let login = Login { user: server.login.clone(), password: password.to_owned() };
    let done = app.store.try_server(&server.url, login, server.master == 0).await;
    done.map_err(|error| {
        let (name, host) = (server.name.clone(), host::hostname(&server.url));
        Denied::DatabaseUnreachable { name, host, reason: reason(&error) }.into()
    })
}

/// Why, without the place, which the denial names already.
fn reason(error: &zebu_store::Error) -> String {
    match error {
        zebu_store::Error::Unavailable { reason, .. }
        | zebu_store::Error::Statement { reason, .. }
        | zebu_store::Error::Url { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}

/// Whether there is one of this name already, and its master is one.
async fn known(tx: &mut ConfigTx, new: &DatabaseServer, if_absent: bool) -> Result<Option<Made<i64>>> {
    if let Some(known) = registry::by_name(tx, &new.name).await? {
        return match if_absent {
            true => Ok(Some(Made::before(known.id))),
            false => Err(Denied::DatabaseExists { name: known.name }.into()),
        };
    }
    check_master(tx, new.master).await?;
    Ok(None)
}

/// Refuses a master that is not there or is itself a replica.
pub(super) async fn check_master(tx: &mut ConfigTx, id: i64) -> Result<()> {
    if id == 0 {
        return Ok(());
    }
    let master = registry::by_id(tx, id).await?.filter(|m| m.master == 0);
    Ok(master.map(drop).ok_or(Denied::MasterUnknown { id })?)
}

async fn attempt(app: &App, new: &DatabaseServer, if_absent: bool) -> Result<Made<i64>> {
    let mut tx = super::super::servers::hold(app).await?;
    if let Some(known) = known(&mut tx, new, if_absent).await? {
        return Ok(known);
    }
    let id = registry::insert(&mut tx, new).await?;
    tx.commit().await?;
    Ok::<_, Error>(Made::now(id))
}
