//! Removing a context's rows from a schema, a few at a time, and its home last.

use zebu_store::Place;
use zebu_store::home::State;
use zebu_store::shard::tables;

use super::hold::{Hold, Outcome, Stop};

/// Rows removed in one transaction: what else lives in the schema waits no longer than for these.
const ROWS_A_STEP: u32 = 500;

/// Removes everything of the context in the schema that `place` names. Never where it lives: that would be a defect, and
/// is refused whatever the job says.
pub(super) async fn clear(hold: &Hold<'_>, place: &Place) -> Outcome<()> {
    if hold.stamp(place).await?.is_none() {
        return Ok(());
    }
    for table in tables::all() {
        loop {
            let (mut tx, home) = hold.home(place).await?;
            refuse_living(home.state)?;
            let more = tx.delete_some(table, ROWS_A_STEP).await?;
            tx.commit().await?;
            if !more {
                break;
            }
        }
    }
    let (mut tx, home) = hold.home(place).await?;
    refuse_living(home.state)?;
    tx.remove().await?;
    Ok(tx.commit().await?)
}

fn refuse_living(state: State) -> Outcome<()> {
    if state == State::Lives {
        return Err(Stop::Refused("the context lives in the schema that was to be cleared".to_owned()));
    }
    Ok(())
}
