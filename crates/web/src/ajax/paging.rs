//! Sorting and cutting of lists: `sort` and `order`, `left_hand_limit` and `right_hand_limit`.
//!
//! The values of the very columns a client sees decide the order, so that no second table can disagree with the first.

use serde_json::Value;
use zebu_app::Result;
use zebu_model::Refusal;

use crate::ajax::columns::{Column, find};
use crate::params::{Params, invalid};

/// Sorts objects as the request asks and cuts out the part it wants.
pub(crate) fn arrange<T>(params: &Params, table: &'static [Column<T>], objects: Vec<T>) -> Result<Vec<T>> {
    let objects = sort(params, table, objects)?;
    let first: usize = params.parsed("left_hand_limit")?.unwrap_or(0);
    let last: Option<usize> = params.parsed("right_hand_limit")?;
    let count = last.map_or(usize::MAX, |last| last.saturating_add(1).saturating_sub(first));
    Ok(objects.into_iter().skip(first).take(count).collect())
}

fn sort<T>(params: &Params, table: &'static [Column<T>], objects: Vec<T>) -> Result<Vec<T>> {
    let (number, descending) = match (params.get("sort"), params.get("order")) {
        (None, None) => return Ok(objects),
        (Some(number), Some(order)) if order.eq_ignore_ascii_case("asc") => (number, false),
        (Some(number), Some(order)) if order.eq_ignore_ascii_case("desc") => (number, true),
        (Some(_), Some(order)) => return Err(invalid("order", order)),
        (Some(_), None) => return Err(missing("order")),
        (None, Some(_)) => return Err(missing("sort")),
    };
    let column = find(table, number).ok_or_else(|| invalid("sort", number))?;
    // Each value is made once; comparing makes none.
    let mut keyed: Vec<(Key, T)> =
        objects.into_iter().map(|object| (Key::of((column.value)(&object)), object)).collect();
    keyed.sort_by(|(a, _), (b, _)| if descending { b.cmp(a) } else { a.cmp(b) });
    Ok(keyed.into_iter().map(|(_, object)| object).collect())
}

fn missing(name: &str) -> zebu_app::Error {
    Refusal::ParameterMissing { name: name.to_owned() }.into()
}

/// What is compared: nothing before numbers before text; text without regard to case, then with.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Nothing,
    Number(i64),
    Text(String, String),
}

impl Key {
    fn of(value: Value) -> Key {
        match value {
            Value::Bool(flag) => Key::Number(i64::from(flag)),
            Value::Number(number) => Key::Number(number.as_i64().unwrap_or(i64::MAX)),
            Value::String(text) => Key::Text(text.to_lowercase(), text),
            _ => Key::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ajax::columns::column;

    type Pair = (i64, &'static str);
    const TABLE: &[Column<Pair>] = &[column(1, "id", |p| json!(p.0)), column(2, "name", |p| json!(p.1))];

    fn ids(query: &str) -> std::result::Result<Vec<i64>, &'static str> {
        let objects = vec![(3, "beta"), (1, "Alpha"), (2, "gamma"), (10, "alpha")];
        arrange(&Params::parse(query).unwrap(), TABLE, objects)
            .map(|objects| objects.iter().map(|o| o.0).collect())
            .map_err(|error| error.code())
    }

    #[test]
    fn numbers_sort_as_numbers_and_names_without_regard_to_case() {
        assert_eq!(ids("sort=1&order=asc"), Ok(vec![1, 2, 3, 10]));
        assert_eq!(ids("sort=1&order=desc"), Ok(vec![10, 3, 2, 1]));
        assert_eq!(ids("sort=2&order=asc"), Ok(vec![1, 10, 3, 2]));
        assert_eq!(ids(""), Ok(vec![3, 1, 2, 10]));
    }

    #[test]
    fn the_limits_count_from_zero_and_include_the_last() {
        assert_eq!(ids("sort=1&order=asc&left_hand_limit=1&right_hand_limit=2"), Ok(vec![2, 3]));
        assert_eq!(ids("sort=1&order=asc&left_hand_limit=3&right_hand_limit=99"), Ok(vec![10]));
        assert_eq!(ids("left_hand_limit=4&right_hand_limit=2"), Ok(vec![]));
        assert_eq!(ids("right_hand_limit=0"), Ok(vec![3]));
    }

    #[test]
    fn sort_and_order_come_together_and_name_what_there_is() {
        assert_eq!(ids("sort=1"), Err("SVL-0002"));
        assert_eq!(ids("order=asc"), Err("SVL-0002"));
        assert_eq!(ids("sort=1&order=up"), Err("SVL-0010"));
        assert_eq!(ids("sort=99&order=asc"), Err("SVL-0010"));
        assert_eq!(ids("left_hand_limit=-1"), Err("SVL-0010"));
    }
}
