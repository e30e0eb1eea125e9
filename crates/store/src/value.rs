//! Values that go into a statement, and rows that come out, the same for every engine.

use std::sync::Arc;

use crate::error::{Error, Result};

/// One value. Times are integers (ms since the epoch), flags are 0 and 1: both engines agree on those.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Value {
    /// What it takes in memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let apart = match self {
            Value::Null | Value::Int(_) => 0,
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
        };
        u64::try_from(size_of::<Value>().saturating_add(apart)).unwrap_or(u64::MAX)
    }
}

impl From<i64> for Value {
    fn from(v: i64) -> Value {
        Value::Int(v)
    }
}
impl From<i32> for Value {
    fn from(v: i32) -> Value {
        Value::Int(v.into())
    }
}
impl From<u32> for Value {
    fn from(v: u32) -> Value {
        Value::Int(v.into())
    }
}
impl From<u64> for Value {
    fn from(v: u64) -> Value {
        // Sizes and counts stay far below 2^63; saturating keeps a hostile one from turning negative.
        Value::Int(i64::try_from(v).unwrap_or(i64::MAX))
    }
}
impl From<bool> for Value {
    fn from(v: bool) -> Value {
        Value::Int(v.into())
    }
}
impl From<&str> for Value {
    fn from(v: &str) -> Value {
        Value::Text(v.to_owned())
    }
}
impl From<String> for Value {
    fn from(v: String) -> Value {
        Value::Text(v)
    }
}
impl From<&String> for Value {
    fn from(v: &String) -> Value {
        Value::Text(v.clone())
    }
}
impl From<&[u8]> for Value {
    fn from(v: &[u8]) -> Value {
        Value::Blob(v.to_vec())
    }
}
impl From<[u8; 32]> for Value {
    fn from(v: [u8; 32]) -> Value {
        Value::Blob(v.to_vec())
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Value {
        v.map_or(Value::Null, Into::into)
    }
}

macro_rules! from_id {
    ($($id:ty),*) => {$(
        impl From<$id> for Value {
            fn from(v: $id) -> Value {
                Value::Int(v.0.into())
            }
        }
    )*};
}
from_id!(
    zebu_model::ContextId,
    zebu_model::UserId,
    zebu_model::GroupId,
    zebu_model::FolderId,
    zebu_model::FileId,
    zebu_model::Version
);

/// The values of a statement, in order.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::value::Value::from($value)),*] };
}
pub(crate) use args;

/// One row, read from left to right.
#[derive(Debug)]
pub(crate) struct Row {
    table: &'static str,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Own(std::vec::IntoIter<Value>),
    /// Of a row of one column: many are, and need no memory of their own.
    One(Option<Value>),
    /// A row of a result that others read too.
    Kept {
        rows: Arc<Vec<Vec<Value>>>,
        row: usize,
        column: usize,
    },
}

impl Iterator for Values {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        match self {
            Values::Own(values) => values.next(),
            Values::One(value) => value.take(),
            Values::Kept { rows, row, column } => {
                let value = rows.get(*row)?.get(*column)?.clone();
                *column = column.saturating_add(1);
                Some(value)
            }
        }
    }
}

impl Row {
    pub(crate) fn new(table: &'static str, values: Vec<Value>) -> Row {
        Row { table, values: Values::Own(values.into_iter()) }
    }

    /// A row of one column.
    pub(crate) fn of_one(table: &'static str, value: Value) -> Row {
        Row { table, values: Values::One(Some(value)) }
    }

    /// The rows of a result that is kept.
    pub(crate) fn kept(table: &'static str, rows: &Arc<Vec<Vec<Value>>>) -> Vec<Row> {
        let of = |row| Row { table, values: Values::Kept { rows: Arc::clone(rows), row, column: 0 } };
        (0..rows.len()).map(of).collect()
    }

    fn corrupt(&self, detail: impl Into<String>) -> Error {
        Error::Corrupt { table: self.table, detail: detail.into() }
    }

    #[inline]
    fn next(&mut self) -> Result<Value> {
        self.values.next().ok_or_else(|| self.corrupt("a column is missing"))
    }

    /// All that is left of it, as it is.
    pub(crate) fn into_values(self) -> Vec<Value> {
        self.values.collect()
    }

    #[inline]
    pub(crate) fn int(&mut self) -> Result<i64> {
        match self.next()? {
            Value::Int(v) => Ok(v),
            other => Err(self.corrupt(format!("{other:?} is no number"))),
        }
    }

    /// The value as it is; `None` after the last column.
    #[cfg(test)]
    pub(crate) fn any(&mut self) -> Option<Value> {
        self.values.next()
    }

    /// A number, or `None` for SQL's NULL (an outer join's empty side, an aggregate over no rows).
    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>> {
        match self.next()? {
            Value::Int(v) => Ok(Some(v)),
            Value::Null => Ok(None),
            other => Err(self.corrupt(format!("{other:?} is no number"))),
        }
    }

    pub(crate) fn uint<T: TryFrom<i64>>(&mut self) -> Result<T> {
        let v = self.int()?;
        T::try_from(v).map_err(|_| self.corrupt(format!("{v} is out of range")))
    }

    pub(crate) fn flag(&mut self) -> Result<bool> {
        Ok(self.int()? != 0)
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        match self.next()? {
            Value::Text(v) => Ok(v),
            other => Err(self.corrupt(format!("{other:?} is no text"))),
        }
    }

    pub(crate) fn hash(&mut self) -> Result<[u8; 32]> {
        match self.next()? {
            Value::Blob(v) => v.try_into().map_err(|_| self.corrupt("a hash is not 32 bytes long")),
            other => Err(self.corrupt(format!("{other:?} is no hash"))),
        }
    }

    pub(crate) fn context(&mut self) -> Result<zebu_model::ContextId> {
        self.uint().map(zebu_model::ContextId)
    }
    pub(crate) fn user(&mut self) -> Result<zebu_model::UserId> {
        self.uint().map(zebu_model::UserId)
    }
    pub(crate) fn group(&mut self) -> Result<zebu_model::GroupId> {
        self.uint().map(zebu_model::GroupId)
    }
    pub(crate) fn folder(&mut self) -> Result<zebu_model::FolderId> {
        self.uint().map(zebu_model::FolderId)
    }
    pub(crate) fn file(&mut self) -> Result<zebu_model::FileId> {
        self.uint().map(zebu_model::FileId)
    }
    pub(crate) fn version(&mut self) -> Result<zebu_model::Version> {
        self.int().map(zebu_model::Version)
    }

    /// Gives a value the model refused a place in the error.
    pub(crate) fn known<T>(&self, what: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.corrupt(format!("unknown {what}")))
    }
}
