//! Many of a kind in one request: lines of a file that the command line sends in parts. What is refused is told by the number
//! that its line has in the file, counted from 1 without the line of names.

use serde_json::{Map, Value};
use zebu_app::operator::{Denied, Error, Progress};

use super::asked::Outcome;
use super::options::Options;
use super::refused::Refused;
use super::reply::Reply;

/// Rows of a request at most: a request is to end within the time that its sender waits.
const ROWS_MAX: usize = 1_000;

/// The rows of a request, read.
pub(super) struct Rows<T> {
    /// What the first of them is called.
    first: usize,
    items: Vec<T>,
}

impl<T> Rows<T> {
    /// Reads rows. Nothing has been made if one of them is not understood.
    pub(super) fn new(
        first: usize,
        rows: Vec<Map<String, Value>>,
        read: impl Fn(Options) -> Result<T, Refused>,
    ) -> Result<Rows<T>, Refused> {
        if rows.len() > ROWS_MAX {
            return Err(Refused::invalid(format!("At most {ROWS_MAX} rows are taken at once.")));
        }
        let numbered = (first..).zip(rows);
        let items =
            numbered.map(|(number, row)| read(Options::from(row)).map_err(|refused| refused.of_row(number)));
        Ok(Rows { first, items: items.collect::<Result<_, _>>()? })
    }

    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    /// How many were made and how many were there, or why not.
    pub(super) fn reply(&self, done: Result<Progress, Error>) -> Outcome {
        match done {
            Ok(done) => Ok(Reply::counted(done.created, done.existed)),
            Err(Error::Denied(Denied::RowRefused { row, reason })) => {
                let row = row.saturating_add(self.first).saturating_sub(1);
                Err(Error::from(Denied::RowRefused { row, reason }).into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Nobody watches the rows of one request: whoever sends them counts the requests.
pub(super) fn unwatched(_: Progress) {}
