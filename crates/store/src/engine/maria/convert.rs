//! Values on their way to a server and rows on their way back.

use mysql_async::consts::ColumnType;
use mysql_async::{Params, Value as Raw};

use crate::error::{Error, Result};
use crate::value::{Row, Value};

/// The character set number that means "bytes, no text".
const BINARY: u16 = 63;

pub(super) fn params(args: Vec<Value>) -> Params {
    if args.is_empty() {
        return Params::Empty;
    }
    Params::Positional(args.into_iter().map(raw).collect())
}

fn raw(value: Value) -> Raw {
    match value {
        Value::Null => Raw::NULL,
        Value::Int(v) => Raw::Int(v),
        Value::Text(v) => Raw::Bytes(v.into_bytes()),
        Value::Blob(v) => Raw::Bytes(v),
    }
}

pub(super) fn row(table: &'static str, row: mysql_async::Row) -> Result<Row> {
    let corrupt = |detail: &str| Error::Corrupt { table, detail: detail.to_owned() };
    let columns = row.columns();
    let values = row.unwrap().into_iter().zip(columns.iter());
    let values = values.map(|(value, column)| {
        Ok(match value {
            Raw::NULL => Value::Null,
            Raw::Int(v) => Value::Int(v),
            Raw::UInt(v) => Value::Int(i64::try_from(v).map_err(|_| corrupt("a number is too large"))?),
            Raw::Bytes(v) if column.character_set() == BINARY && is_bytes(column.column_type()) => {
                Value::Blob(v)
            }
            Raw::Bytes(v) => Value::Text(String::from_utf8(v).map_err(|_| corrupt("a text is not UTF-8"))?),
            _ => return Err(corrupt("a value is neither number, text nor bytes")),
        })
    });
    Ok(Row::new(table, values.collect::<Result<_>>()?))
}

/// Numbers and decimals have the binary character set too.
fn is_bytes(kind: ColumnType) -> bool {
    !matches!(kind, ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL)
}
