//! Columns: how an object becomes a row of numbered columns or an object of named fields.
//!
//! Each module has one table, the only place where its numbers, names and values meet.

use serde_json::{Map, Value};
use zebu_app::Result;

use crate::params::{Params, invalid};

/// One column of objects of type `T`.
pub(crate) struct Column<T> {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) value: fn(&T) -> Value,
}

/// Shorthand for a line of a table.
pub(crate) const fn column<T>(number: u32, name: &'static str, value: fn(&T) -> Value) -> Column<T> {
    Column { number, name, value }
}

/// The columns a request asked for, in its order.
pub(crate) struct Selection<T: 'static>(Vec<&'static Column<T>>);

impl<T> Selection<T> {
    /// Reads the parameter `columns`; a number that is not in the table is refused by name, and so are more numbers than
    /// the table has: a value repeated is an answer as much longer.
    pub(crate) fn of(params: &Params, table: &'static [Column<T>]) -> Result<Selection<T>> {
        let text = params.required("columns")?;
        if text.split(',').count() > table.len() {
            return Err(invalid("columns", text));
        }
        let find = |number: &str| find(table, number.trim()).ok_or_else(|| invalid("columns", number));
        text.split(',').map(find).collect::<Result<Vec<_>>>().map(Selection)
    }

    /// Whether a column was asked for.
    pub(crate) fn has(&self, number: u32) -> bool {
        self.0.iter().any(|column| column.number == number)
    }

    /// One object as a row.
    pub(crate) fn row(&self, object: &T) -> Value {
        self.0.iter().map(|column| (column.value)(object)).collect()
    }

    /// Several.
    pub(crate) fn rows(&self, objects: &[T]) -> Vec<Value> {
        objects.iter().map(|object| self.row(object)).collect()
    }
}

/// The column of a number as text.
pub(crate) fn find<T>(table: &'static [Column<T>], number: &str) -> Option<&'static Column<T>> {
    let number: u32 = number.parse().ok()?;
    table.iter().find(|column| column.number == number)
}

/// One object with all its fields.
pub(crate) fn object<T>(table: &'static [Column<T>], of: &T) -> Value {
    table.iter().map(|column| (column.name.to_owned(), (column.value)(of))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: &[Column<u32>] = &[
        column(1, "id", |n| json!(n)),
        column(2, "double", |n| json!(n * 2)),
        column(3, "nothing", |_| Value::Null),
    ];

    #[test]
    fn a_row_has_the_columns_in_the_order_asked_for() {
        let params = Params::parse("columns=2,3,2").unwrap();
        let columns = Selection::of(&params, TABLE).unwrap();
        assert_eq!(columns.row(&7), json!([14, null, 14]));
        assert!(columns.has(3) && !columns.has(4));
        assert_eq!(object(TABLE, &7), json!({"id": 7, "double": 14, "nothing": null}));
    }

    #[test]
    fn an_unknown_column_is_refused_by_its_number() {
        for bad in ["1,4711", "1,", "x", "-1"] {
            let params = Params::parse(&format!("columns={bad}")).unwrap();
            let error = Selection::of(&params, TABLE).err().unwrap();
            assert_eq!(error.code(), "SVL-0010", "{bad}");
        }
        let many = Params::parse("columns=1,1,1,1").unwrap();
        assert!(Selection::of(&many, TABLE).is_err());
    }
}
