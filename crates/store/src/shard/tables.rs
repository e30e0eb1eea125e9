//! The tables of a shard as such, for who moves or deletes a whole context: what they are called, their columns and keys,
//! taken from the schema itself, so that a table that is added tomorrow moves along without a word.
//!
//! Rows are compared and written as they are, without knowing what they mean. `homes` is left out: it says of each
//! database something of its own.

use std::cmp::Ordering;
use std::sync::OnceLock;

use crate::error::Result;
use crate::tx::{Tx, WriteTx};
use crate::value::{Row, Value, args};

const SCHEMA: &str = include_str!("../../migrations/shard/schema.sql");

/// Rows in one INSERT, and keys in one DELETE: far below the placeholders an engine takes.
const ROWS_A_STATEMENT: usize = 100;
/// Bytes of values in one INSERT, unless one row has more: below what a server takes as a packet by default.
const BYTES_A_STATEMENT: usize = 1 << 20;

/// A table whose key begins with the context.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns without the context, those of the key first and in the order of the key.
    columns: Vec<&'static str>,
    /// How many of them are the key.
    key: usize,
}

/// One row, in the order of [`Table`]'s columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record(Vec<Value>);

/// The key of a row, without the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(Vec<Value>);

/// All tables with rows of contexts but `homes`, in the order of the schema.
pub fn all() -> &'static [Table] {
    static TABLES: OnceLock<Vec<Table>> = OnceLock::new();
    TABLES.get_or_init(|| parse(SCHEMA).into_iter().filter(|table| table.name != "homes").collect())
}

/// The tables in a schema's text: one column a line, the primary key on a line of its own.
fn parse(schema: &'static str) -> Vec<Table> {
    let mut tables = Vec::new();
    let mut open: Option<Table> = None;
    for line in schema.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("CREATE TABLE ") {
            let name = name.trim_end_matches(" (");
            open = Some(Table { name, columns: Vec::new(), key: 0 });
        } else if line.starts_with(')') {
            tables.extend(open.take());
        } else if let Some(table) = &mut open {
            match line.strip_prefix("PRIMARY KEY (").and_then(|rest| rest.split_once(')')) {
                Some((key, _)) => {
                    let key: Vec<&str> = key.split(", ").filter(|column| *column != "cid").collect();
                    table.columns.retain(|column| !key.contains(column));
                    table.key = key.len();
                    table.columns.splice(0..0, key);
                }
                None => {
                    let column = line.split(' ').next().filter(|column| *column != "cid");
                    table.columns.extend(column);
                }
            }
        }
    }
    tables
}

impl Key {
    /// As both engines sort them: numbers as numbers, text and bytes byte by byte. A column has one kind of value.
    #[must_use]
    pub fn order(&self, other: &Key) -> Ordering {
        for (a, b) in self.0.iter().zip(&other.0) {
            let order = match (a, b) {
                (Value::Int(a), Value::Int(b)) => a.cmp(b),
                (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
                (Value::Blob(a), Value::Blob(b)) => a.cmp(b),
                _ => Ordering::Equal,
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

impl Record {
    fn bytes(&self) -> usize {
        let bytes = |value: &Value| match value {
            Value::Null | Value::Int(_) => 8,
            Value::Text(text) => text.len(),
            Value::Blob(blob) => blob.len(),
        };
        self.0.iter().map(bytes).sum()
    }
}

impl Table {
    /// The names of its columns, `cid` aside.
    #[must_use]
    pub fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// The number that a row has in a column: for who checks what refers to what. `None`: there is no such column, or no number
    /// in it.
    #[must_use]
    pub fn number(&self, record: &Record, column: &str) -> Option<i64> {
        let at = self.columns.iter().position(|name| *name == column)?;
        match record.0.get(at) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        }
    }

    fn keys(&self) -> &[&'static str] {
        self.columns.get(..self.key).unwrap_or_default()
    }

    /// The key of one of its rows.
    #[must_use]
    pub fn key_of(&self, record: &Record) -> Key {
        Key(record.0.iter().take(self.key).cloned().collect())
    }

    /// `AND` what keeps rows on one side of a key: behind it (`>`), or up to it (`<`, and the key itself). Spelled out
    /// because not every engine finds a range in a comparison of rows.
    fn side(&self, compare: char, including: bool, key: &Key) -> (String, Vec<Value>) {
        let (mut sql, mut values) = (String::new(), Vec::new());
        // The first column alone, so that the range is found in any case.
        if let Some((column, value)) = self.keys().first().zip(key.0.first()) {
            sql.push_str(&format!(" AND {column} {compare}= ?"));
            values.push(value.clone());
        }
        let mut choices = Vec::new();
        for (n, column) in self.keys().iter().enumerate() {
            let equal: String =
                self.keys().iter().take(n).map(|before| format!("{before} = ? AND ")).collect();
            let last = n.saturating_add(1) == self.key && including;
            choices.push(format!("({equal}{column} {compare}{} ?)", if last { "=" } else { "" }));
            values.extend(key.0.iter().take(n.saturating_add(1)).cloned());
        }
        if !choices.is_empty() {
            sql.push_str(&format!(" AND ({})", choices.join(" OR ")));
        }
        (sql, values)
    }

    /// Rows of the context in the order of the key: those behind `after`, up to `until` if that is named, `limit` at most.
    pub async fn rows(
        &'static self,
        tx: &mut Tx,
        after: Option<&Key>,
        until: Option<&Key>,
        limit: u32,
    ) -> Result<Vec<Record>> {
        let mut sql = format!("SELECT {} FROM {} WHERE cid = ?", self.columns.join(", "), self.name);
        let mut values = args![tx.context()];
        for (side, including, key) in [('>', false, after), ('<', true, until)] {
            if let Some(key) = key {
                let (text, more) = self.side(side, including, key);
                sql.push_str(&text);
                values.extend(more);
            }
        }
        if self.key > 0 {
            sql.push_str(&format!(" ORDER BY {}", self.keys().join(", ")));
        }
        sql.push_str(" LIMIT ?");
        values.push(limit.into());
        let rows = tx.query(self.name, sql, values).await?;
        Ok(rows.into_iter().map(Row::into_values).map(Record).collect())
    }

    /// How many rows the context has.
    pub async fn count(&'static self, tx: &mut Tx) -> Result<u64> {
        let sql = format!("SELECT COUNT(*) FROM {} WHERE cid = ?", self.name);
        let values = args![tx.context()];
        tx.query_one(self.name, sql, values).await?.map_or(Ok(0), |mut row| row.uint())
    }

    pub(crate) async fn insert(&'static self, tx: &mut WriteTx, rows: &[Record]) -> Result<()> {
        let mut rest = rows;
        while !rest.is_empty() {
            let mut bytes = 0usize;
            let fits = rest.iter().take(ROWS_A_STATEMENT).take_while(|row| {
                bytes = bytes.saturating_add(row.bytes());
                bytes <= BYTES_A_STATEMENT
            });
            let (part, others) = rest.split_at(fits.count().max(1));
            rest = others;
            let marks = vec![format!("(?{})", ", ?".repeat(self.columns.len())); part.len()].join(", ");
            let sql = format!("INSERT INTO {} (cid, {}) VALUES {marks}", self.name, self.columns.join(", "));
            let mut values = Vec::new();
            for row in part {
                values.push(tx.context().into());
                values.extend(row.0.iter().cloned());
            }
            tx.execute(self.name, sql, values).await?;
        }
        Ok(())
    }

    pub(crate) async fn delete(&'static self, tx: &mut WriteTx, keys: &[Key]) -> Result<()> {
        for part in keys.chunks(ROWS_A_STATEMENT) {
            let equal: Vec<String> = self.keys().iter().map(|column| format!("{column} = ?")).collect();
            let one = if equal.is_empty() { "1 = 1".to_owned() } else { equal.join(" AND ") };
            let any = vec![format!("({one})"); part.len()].join(" OR ");
            let sql = format!("DELETE FROM {} WHERE cid = ? AND ({any})", self.name);
            let mut values = args![tx.context()];
            values.extend(part.iter().flat_map(|key| key.0.iter().cloned()));
            tx.execute(self.name, sql, values).await?;
        }
        Ok(())
    }

    pub(crate) async fn delete_some(&'static self, tx: &mut WriteTx, count: u32) -> Result<bool> {
        let keys = self.keys().join(", ");
        let mut sql = format!("DELETE FROM {} WHERE cid = ?", self.name);
        let mut values = args![tx.context()];
        let mut more = false;
        if self.key > 0 {
            let last =
                format!("SELECT {keys} FROM {} WHERE cid = ? ORDER BY {keys} LIMIT 1 OFFSET ?", self.name);
            let nth = args![tx.context(), count.saturating_sub(1)];
            let found = tx.query_one(self.name, last, nth).await?;
            if let Some(row) = found {
                let (side, keys) = self.side('<', true, &Key(row.into_values()));
                sql.push_str(&side);
                values.extend(keys);
                more = true;
            }
        }
        tx.execute(self.name, sql, values).await?;
        Ok(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_from_the_text_of_the_schema() {
        let tables = parse(
            "-- x\nCREATE TABLE a (\n  cid BIGINT NOT NULL,\n  v TEXT NULL,\n  k BIGINT NOT NULL,\n  PRIMARY KEY (cid, k)\n) {table};\nCREATE INDEX i ON a (cid, v);\n",
        );
        let [table] = tables.as_slice() else { panic!("{tables:?}") };
        assert_eq!((table.name, table.columns(), table.key), ("a", ["k", "v"].as_slice(), 1));
    }

    #[test]
    fn a_range_is_spelled_out_column_by_column() {
        let table = Table { name: "t", columns: vec!["a", "b", "c"], key: 2 };
        let (sql, values) = table.side('<', true, &Key(vec![Value::Int(1), Value::Int(2)]));
        assert_eq!(sql, " AND a <= ? AND ((a < ?) OR (a = ? AND b <= ?))");
        assert_eq!(values.len(), 4);
        let (sql, _) = table.side('>', false, &Key(vec![Value::Int(1), Value::Int(2)]));
        assert_eq!(sql, " AND a >= ? AND ((a > ?) OR (a = ? AND b > ?))");
    }
}
