//! `contextrestored`: said after a context's database was restored from a backup. From then on whoever synchronises by a timestamp
//! from before is told to start over, instead of what changed between two states of which one never was.

use zebu_model::ContextId;
use zebu_store::configdb::contexts as registry;

use super::error::Result;
use super::place;
use crate::app::App;
use crate::history;

/// Begins synchronisation of a context anew.
pub async fn restored(app: &App, context: ContextId) -> Result<()> {
    let place = place(app, context).await?;
    history::begin(app, &place, context).await?;
    Ok(())
}

/// The same for all contexts. Returns how many there are.
pub async fn restored_all(app: &App) -> Result<usize> {
    let places = {
        let mut tx = app.store.config().await?;
        registry::all(&mut tx).await?
    };
    for place in &places {
        history::begin(app, place, place.context).await?;
    }
    Ok(places.len())
}
