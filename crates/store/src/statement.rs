//! A statement with its values, and helpers for the few texts that grow with their input.

use std::borrow::Cow;

use crate::value::Value;

/// One statement. `table` names it in errors about rows that make no sense.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) table: &'static str,
    pub(crate) sql: Cow<'static, str>,
    pub(crate) args: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(table: &'static str, sql: impl Into<Cow<'static, str>>, args: Vec<Value>) -> Statement {
        Statement { table, sql: sql.into(), args }
    }
}

/// `?,?,?` for an `IN` list; an empty list becomes `NULL`, which matches nothing on either engine.
pub(crate) fn marks(count: usize) -> String {
    if count == 0 {
        return "NULL".to_owned();
    }
    let mut text = "?,".repeat(count);
    text.pop();
    text
}
