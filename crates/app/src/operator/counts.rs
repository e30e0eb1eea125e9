//! `checkcountsconsistency`: how many contexts are counted on databases, schemas and file stores, by which new ones are placed,
//! compared with how many there are; and mended. Right while contexts come, go and move: see `zebu_store::configdb::counts`.

use std::collections::BTreeMap;

use zebu_store::ConfigTx;
use zebu_store::configdb::{counts, databases, filestores, jobs};

use super::error::Result;
use crate::app::App;
use crate::jobs::move_database;
use crate::settle::until_settled;

/// What a count is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The contexts on a master: those of its schemas together.
    Database,
    /// The contexts in a schema.
    Schema,
    /// The contexts on a file store.
    Filestore,
}

/// A count that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What is counted.
    pub of: Counted,
    /// The id of the database or the file store; of a schema, that of the database it is on.
    pub id: i64,
    /// The name of the database or the schema, the URI of the file store; empty if it is not registered.
    pub name: String,
    /// How many contexts are counted; `None`: it is not registered, though contexts are said to be there.
    pub counted: Option<i64>,
    /// How many there are.
    pub there: i64,
}

/// The counts that are wrong: databases, schemas, file stores. `fix`: those that can be mended are right afterwards.
pub async fn check(app: &App, fix: bool) -> Result<Vec<Wrong>> {
    let found = {
        let mut tx = app.store.config().await?;
        compare(&mut tx).await?
    };
    if fix && !found.is_empty() { until_settled!(mend(app).await) } else { Ok(found) }
}

async fn mend(app: &App) -> Result<Vec<Wrong>> {
    let mut tx = app.store.config_write().await?;
    counts::hold(&mut tx).await?;
    let found = compare(&mut tx).await?;
    for wrong in found.iter().filter(|wrong| wrong.counted.is_some()) {
        match wrong.of {
            // That of its schemas.
            Counted::Database => {}
            Counted::Schema => counts::set_in_schema(&mut tx, &wrong.name, wrong.there).await?,
            Counted::Filestore => counts::set_in_filestore(&mut tx, wrong.id, wrong.there).await?,
        }
    }
    tx.commit().await?;
    Ok(found)
}

async fn compare(tx: &mut ConfigTx) -> Result<Vec<Wrong>> {
    let there = in_schemas(tx).await?;
    let schemas = databases::schemas(tx).await?;
    let counted = schemas.into_iter().map(|s| ((s.database, s.name), s.contexts)).collect();
    let mut wrong = in_databases(tx, &counted, &there).await?;
    let of = |((id, name), counted, there)| Wrong { of: Counted::Schema, id, name, counted, there };
    wrong.extend(different(&counted, &there).into_iter().map(of));
    let stores = filestores::all(tx).await?;
    let names: BTreeMap<i64, String> = stores.iter().map(|s| (s.id, s.url.clone())).collect();
    let counted = stores.into_iter().map(|s| (s.id, s.contexts)).collect();
    let there = counts::in_filestores(tx).await?;
    wrong.extend(different(&counted, &there).into_iter().map(|(id, counted, there)| {
        let name = names.get(&id).cloned().unwrap_or_default();
        Wrong { of: Counted::Filestore, id, name, counted, there }
    }));
    Ok(wrong)
}

/// Contexts by master and schema. One that moves has its place counted at the target before it is there.
async fn in_schemas(tx: &mut ConfigTx) -> Result<BTreeMap<(i64, String), i64>> {
    let mut there = counts::in_schemas(tx).await?;
    let moving = jobs::open(tx).await?;
    for job in moving {
        let Some(target) = move_database::counted(&job)? else { continue };
        let place = zebu_store::configdb::contexts::registered_by_id(tx, job.context).await?;
        if place.is_some_and(|context| (context.database, context.schema) != target) {
            let count = there.entry(target).or_default();
            *count = count.saturating_add(1);
        }
    }
    Ok(there)
}

/// The same summed up by master.
async fn in_databases(
    tx: &mut ConfigTx,
    counted: &BTreeMap<(i64, String), i64>,
    there: &BTreeMap<(i64, String), i64>,
) -> Result<Vec<Wrong>> {
    let names: BTreeMap<i64, String> =
        databases::all(tx).await?.into_iter().map(|s| (s.id, s.name)).collect();
    let sum = |counts: &BTreeMap<(i64, String), i64>| {
        let mut sums: BTreeMap<i64, i64> = BTreeMap::new();
        for ((id, _), count) in counts {
            let sum = sums.entry(*id).or_default();
            *sum = sum.saturating_add(*count);
        }
        sums
    };
    let found = different(&sum(counted), &sum(there)).into_iter().map(|(id, counted, there)| {
        let name = names.get(&id).cloned().unwrap_or_default();
        Wrong { of: Counted::Database, id, name, counted, there }
    });
    Ok(found.collect())
}

/// Where what is counted is not what is there.
fn different<K: Ord + Clone>(
    counted: &BTreeMap<K, i64>,
    there: &BTreeMap<K, i64>,
) -> Vec<(K, Option<i64>, i64)> {
    let known = counted.iter().filter_map(|(key, counted)| {
        let there = there.get(key).copied().unwrap_or(0);
        (there != *counted).then(|| (key.clone(), Some(*counted), there))
    });
    let unknown = there.iter().filter(|(key, _)| !counted.contains_key(*key));
    known.chain(unknown.map(|(key, there)| (key.clone(), None, *there))).collect()
}
