//! Many contexts in one call: `createcontext --csv-import`.

use zebu_model::ContextId;

use super::super::error::{Denied, Result};
use super::super::{Made, Progress};
use super::{NewContext, create};
use crate::app::App;

/// Creates contexts one by one, in order; stops at the first that is refused and says which row that was (from 1). To go on
/// after a stop the same rows can be given again with `if_absent`: those that are there are skipped and counted.
pub async fn import(
    app: &App,
    rows: &[NewContext],
    if_absent: bool,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Progress> {
    let mut done = Progress { rows: rows.len(), ..Progress::default() };
    for (row, new) in (1..).zip(rows) {
        let made: Made<ContextId> = create(app, new, if_absent).await.map_err(|error| refused(row, error))?;
        if made.existed {
            done.existed += 1
        } else {
            done.created += 1
        }
        progress(done);
    }
    Ok(done)
}

/// A denial that says which row it is about; a failure stays what it is.
pub(in crate::operator) fn refused(row: usize, error: super::super::Error) -> super::super::Error {
    match error {
        super::super::Error::Denied(denied) => Denied::RowRefused { row, reason: denied.to_string() }.into(),
        failed => failed,
    }
}
