//! Where a new context is put: decided, entered and counted in one transaction, one placement at a time, so that nothing is
//! ever filled beyond its limit.

use std::collections::BTreeMap;

use zebu_model::placement::{self, NoRoom};
use zebu_model::{ContextId, quota::Quota};
use zebu_store::configdb::contexts::{self as registry, NewContext as Entry};
use zebu_store::configdb::databases::{self, DatabaseServer};
use zebu_store::configdb::{filestores, servers as clusters};
use zebu_store::{ConfigTx, ConfigWriteTx};

use super::super::databases::hostname;
use super::super::error::{Denied, Result};
use super::super::filestores::candidate;
use super::super::{Named, servers};
use super::NewContext;
use crate::app::App;
use crate::databases::without_writer;

/// Where a context was put.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) database: i64,
    pub(super) schema: String,
    /// Whether the schema's tables have been made.
    pub(super) schema_ready: bool,
}

/// What is entered beside the place.
pub(super) struct Entered<'a> {
    pub(super) name: &'a str,
    pub(super) mappings: &'a [String],
    pub(super) quota: Quota,
    pub(super) maker: &'a str,
}

/// Finds a place for a context and enters it there, as being created. The id is free.
pub(super) async fn enter(app: &App, new: &NewContext, entered: &Entered<'_>) -> Result<Placed> {
    // Before anything is held: a server that says nothing takes its time.
    let gone = without_writer(app).await;
    let mut tx = servers::hold(app).await?;
    if registry::registered_by_id(&mut tx, new.id).await?.is_some() {
        return Err(Denied::ContextExists { context: new.id }.into());
    }
    check_free(&mut tx, new.id, entered).await?;
    let server = cluster(app, &mut tx).await?;
    let filestore = choose_filestore(app, &mut tx, new.filestore).await?;
    let master = choose_master(&mut tx, new.database.as_ref(), &gone).await?;
    let schema = choose_schema(app, &mut tx, &master).await?;
    let entry = Entry {
        id: new.id,
        name: entered.name.to_owned(),
        server,
        database: master.id,
        schema: schema.name.clone(),
        filestore,
        quota: entered.quota,
        mappings: entered.mappings.to_vec(),
        maker: entered.maker.to_owned(),
        made: app.now_ms(),
    };
    registry::insert(&mut tx, &entry).await?;
    databases::count_contexts(&mut tx, &schema.name, 1).await?;
    filestores::count_contexts(&mut tx, filestore, 1).await?;
    tx.commit().await?;
    Ok(Placed { database: master.id, schema: schema.name, schema_ready: schema.ready })
}

async fn check_free(tx: &mut ConfigTx, id: ContextId, entered: &Entered<'_>) -> Result<()> {
    if registry::registered_by_name(tx, entered.name).await?.is_some() {
        return Err(Denied::ContextNameTaken { name: entered.name.to_owned() }.into());
    }
    for mapping in entered.mappings {
        if registry::mapping_owner(tx, mapping).await?.is_some_and(|owner| owner != id) {
            return Err(Denied::MappingTaken { mapping: mapping.clone() }.into());
        }
    }
    Ok(())
}

/// The cluster that serves new contexts: the one this process belongs to, else the first that was registered.
async fn cluster(app: &App, tx: &mut ConfigTx) -> Result<i64> {
    if let Some(own) = &app.config.node.server {
        let found = clusters::by_name(tx, own).await?;
        return Ok(found.map(|s| s.id).ok_or_else(|| Denied::ServerUnknown { server: own.clone() })?);
    }
    let first = clusters::all(tx).await?.into_iter().next();
    Ok(first.map(|s| s.id).ok_or(Denied::ServerMissing {})?)
}

async fn choose_filestore(app: &App, tx: &mut ConfigTx, wanted: Option<i64>) -> Result<i64> {
    if let Some(id) = wanted {
        let store = filestores::by_id(tx, id).await?;
        return Ok(store.map(|s| s.id).ok_or(Denied::FilestoreUnknown { id })?);
    }
    let candidates: Vec<placement::Filestore> =
        filestores::all(tx).await?.into_iter().map(candidate).collect();
    let chosen = placement::filestore(&candidates, app.config.operator.context_bytes);
    Ok(chosen.map_err(|why| Denied::FilestoreNone { reasons: listed(&why, "registerfilestore") })?)
}

/// `gone`: masters to which nothing can be written, and why.
async fn choose_master(
    tx: &mut ConfigTx,
    wanted: Option<&Named<i64>>,
    gone: &BTreeMap<String, String>,
) -> Result<DatabaseServer> {
    if let Some(which) = wanted {
        let found = match which {
            Named::Id(id) => databases::by_id(tx, *id).await?,
            Named::Name(name) => databases::by_name(tx, name).await?,
        };
        let found = found.ok_or_else(|| Denied::DatabaseUnknown { database: which.to_string() })?;
        if found.master != 0 {
            return Err(Denied::NotAMaster { database: found.name }.into());
        }
        if let Some(reason) = gone.get(&found.name).cloned() {
            let host = hostname(&found.url);
            return Err(Denied::DatabaseUnreachable { name: found.name, host, reason }.into());
        }
        return Ok(found);
    }
    let (all, counts) = (databases::all(tx).await?, databases::contexts(tx).await?);
    let masters = all.iter().filter(|s| s.master == 0);
    let candidates: Vec<placement::Master> = masters
        .map(|s| placement::Master {
            id: s.id,
            name: s.name.clone(),
            weight: s.weight,
            contexts_max: s.contexts_max,
            contexts: counts.get(&s.id).copied().unwrap_or(0),
            gone: gone.get(&s.name).cloned(),
        })
        .collect();
    let none = |why: &[(String, NoRoom)]| Denied::DatabaseNone { reasons: listed(why, "registerdatabase") };
    let chosen = placement::master(&candidates).map_err(|why| none(&why))?;
    Ok(all.into_iter().find(|s| s.id == chosen).ok_or_else(|| none(&[]))?)
}

/// The emptiest schema with room, else a new one. One whose tables somebody else is making serves too.
async fn choose_schema(
    app: &App,
    tx: &mut ConfigWriteTx,
    master: &DatabaseServer,
) -> Result<databases::Schema> {
    let most = app.config.operator.contexts_per_schema.max(1);
    if let Some(schema) = databases::schema_with_room(tx, master.id, most).await? {
        return Ok(schema);
    }
    let name = databases::insert_schema(tx, master).await?;
    Ok(databases::Schema { name, database: master.id, contexts: 0, ready: false })
}

/// Why each takes none, to go behind the original's sentence.
fn listed(why: &[(String, NoRoom)], first: &str) -> String {
    if why.is_empty() {
        return format!(": none is registered, {first} comes first");
    }
    let reasons: Vec<String> = why.iter().map(|(name, reason)| format!("{name}: {reason}")).collect();
    format!(" ({})", reasons.join("; "))
}
