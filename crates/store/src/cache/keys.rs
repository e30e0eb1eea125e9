//! Under what a result is kept: the statement itself, and whose it is.

use std::hash::{Hash, Hasher};

use zebu_model::ContextId;

use crate::statement::Statement;
use crate::value::Value;

/// A statement of one context. `born` tells it from an earlier context of the same id.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) context: ContextId,
    pub(crate) born: i64,
    pub(crate) statement: Statement,
}

impl Key {
    /// What it takes, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let text = match &self.statement.sql {
            std::borrow::Cow::Borrowed(_) => 0,
            std::borrow::Cow::Owned(text) => text.len(),
        };
        let text = u64::try_from(text).unwrap_or(u64::MAX);
        self.statement.args.iter().map(Value::bytes).fold(text, u64::saturating_add)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        (self.context, self.born) == (other.context, other.born)
            && self.statement.args == other.statement.args
            && self.statement.sql == other.statement.sql
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.context.hash(state);
        self.born.hash(state);
        self.statement.sql.hash(state);
        self.statement.args.hash(state);
    }
}

/// The tables that a statement reads.
pub(crate) fn tables(sql: &str) -> impl Iterator<Item = &str> {
    let mut words =
        sql.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',')).filter(|w| !w.is_empty());
    std::iter::from_fn(move || {
        words.find(|word| word.eq_ignore_ascii_case("from") || word.eq_ignore_ascii_case("join"))?;
        words.next()
    })
    .filter(|word| !word.eq_ignore_ascii_case("select"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_a_statement_are_found_in_joins_and_in_statements_within_it() {
        let sql = "WITH up AS (SELECT id FROM folders WHERE cid = ?) SELECT u.id, \
                   (SELECT MAX(v.number) FROM file_versions v) FROM (SELECT id FROM users) u\n LEFT JOIN group_members m \
                   ON m.uid = u.id JOIN up ON 1";
        let found: Vec<&str> = tables(sql).collect();
        assert_eq!(found, ["folders", "file_versions", "users", "group_members", "up"]);
    }
}
