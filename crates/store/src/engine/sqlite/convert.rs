//! Statements as SQLite runs them: values on their way in, rows on their way out, and what an error means.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, StatementStatus, ToSql};

use crate::error::{Error, Result};
use crate::statement::Statement;
use crate::value::{Row, Value};

/// Why a statement was not carried out.
pub(super) enum Stop {
    /// It takes long, waits for somebody or writes: not here.
    Elsewhere,
    Failed(Error),
}

/// Runs a query. `here`: on a thread that must not wait.
pub(super) fn query(
    connection: &Connection,
    statement: &Statement,
    here: bool,
) -> std::result::Result<Vec<Row>, Stop> {
    ask(connection, statement, here, |next| {
        let Some(first) = next()? else { return Ok(Vec::new()) };
        // Most have one row, and need no room for more.
        let mut rows = vec![first];
        while let Some(row) = next()? {
            rows.push(row);
        }
        Ok(rows)
    })
}

/// Runs a query and looks for no row after the first, on a thread that must not wait.
#[inline]
pub(super) fn query_one(
    connection: &Connection,
    statement: &Statement,
) -> std::result::Result<Option<Row>, Stop> {
    ask(connection, statement, true, |next| next())
}

#[inline]
fn ask<T>(
    connection: &Connection,
    statement: &Statement,
    here: bool,
    read: impl FnOnce(&mut dyn FnMut() -> std::result::Result<Option<Row>, Stop>) -> std::result::Result<T, Stop>,
) -> std::result::Result<T, Stop> {
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted)
            if here =>
        {
            Stop::Elsewhere
        }
        _ => Stop::Failed(failure(statement, &error)),
    };
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(failed)?;
    if here && !prepared.readonly() {
        return Err(Stop::Elsewhere);
    }
    let columns = prepared.column_count();
    let mut cursor = prepared.query(rusqlite::params_from_iter(&statement.args)).map_err(failed)?;
    read(&mut || {
        let Some(row) = cursor.next().map_err(failed)? else { return Ok(None) };
        let read = |column| {
            let found = row.get_ref(column).map_err(failed)?;
            value(statement, found).map_err(Stop::Failed)
        };
        if columns == 1 {
            return Ok(Some(Row::of_one(statement.table, read(0)?)));
        }
        let mut values = Vec::with_capacity(columns);
        for column in 0..columns {
            values.push(read(column)?);
        }
        Ok(Some(Row::new(statement.table, values)))
    })
}

/// Steps of SQLite's machine that a write may take where it must not take long: some ten rows with their indexes.
const SMALL_STEPS_MAX: i32 = 1_000;

/// Runs a statement that changes something; answers how many rows it changed.
pub(super) fn execute(connection: &Connection, statement: &Statement) -> Result<u64> {
    let prepared = connection.prepare_cached(&statement.sql);
    run(prepared.map_err(|error| failure(statement, &error))?, statement)
}

/// The same on a thread that must not wait, if it was little work the last time it ran on this connection.
pub(super) fn execute_if_small(
    connection: &Connection,
    statement: &Statement,
) -> std::result::Result<u64, Stop> {
    let prepared = connection.prepare_cached(&statement.sql);
    let prepared = prepared.map_err(|error| Stop::Failed(failure(statement, &error)))?;
    let has_run = prepared.get_status(StatementStatus::Run) > 0;
    if !has_run || prepared.get_status(StatementStatus::VmStep) > SMALL_STEPS_MAX {
        return Err(Stop::Elsewhere);
    }
    run(prepared, statement).map_err(Stop::Failed)
}

/// Runs it, counting its steps anew.
fn run(mut prepared: CachedStatement<'_>, statement: &Statement) -> Result<u64> {
    prepared.reset_status(StatementStatus::VmStep);
    let changed = prepared.execute(rusqlite::params_from_iter(&statement.args));
    changed.map(|changed| changed as u64).map_err(|error| failure(statement, &error))
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(v) => ValueRef::Integer(*v),
            Value::Text(v) => ValueRef::Text(v.as_bytes()),
            Value::Blob(v) => ValueRef::Blob(v),
        }))
    }
}

#[inline]
fn value(statement: &Statement, value: ValueRef<'_>) -> Result<Value> {
    let corrupt = |detail: &str| Error::Corrupt { table: statement.table, detail: detail.to_owned() };
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(v) => Value::Int(v),
        ValueRef::Text(v) => {
            Value::Text(String::from_utf8(v.to_vec()).map_err(|_| corrupt("a text is not UTF-8"))?)
        }
        ValueRef::Blob(v) => Value::Blob(v.to_vec()),
        ValueRef::Real(_) => return Err(corrupt("a number is not whole")),
    })
}

fn failure(statement: &Statement, error: &rusqlite::Error) -> Error {
    let reason = error.to_string();
    if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
        && reason.starts_with("UNIQUE constraint failed: ")
    {
        return Error::Duplicate { table: statement.table };
    }
    Error::Statement { sql: statement.sql.to_string(), reason }
}
