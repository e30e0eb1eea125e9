//! What a command answers: a sentence, lines, or a table. The command line prints them; programs read them as JSON.

use serde::Serialize;
use serde_json::Value;

/// The answer of a command that has worked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Reply {
    /// What was done, in a sentence: `server 2 registered`.
    #[serde(skip_serializing_if = "Option::is_none")]
    sentence: Option<String>,
    /// The number of what was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    /// The exit code that the answer has on the command line; none is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit: Option<u8>,
    /// Rows of an import that were made.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<usize>,
    /// Rows that were there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    existed: Option<usize>,
    /// Values, one a line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<String>,
    /// The columns of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<&'static str>>,
    /// Its rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<Vec<Value>>>,
}

impl Reply {
    /// Nothing to say.
    pub(super) fn silent() -> Reply {
        Reply::default()
    }

    /// `<object> <id> <verb>`.
    pub(super) fn done(object: &str, id: impl Into<i64>, verb: &str) -> Reply {
        let id = id.into();
        Reply { sentence: Some(format!("{object} {id} {verb}")), id: Some(id), ..Reply::default() }
    }

    /// `<object> <id> in context <context> <verb>`.
    pub(super) fn done_in(
        object: &str,
        id: impl Into<i64>,
        context: impl std::fmt::Display,
        verb: &str,
    ) -> Reply {
        let id = id.into();
        let sentence = format!("{object} {id} in context {context} {verb}");
        Reply { sentence: Some(sentence), id: Some(id), ..Reply::default() }
    }

    /// Whether there is something. That there is not is no error, but scripts decide by the exit code.
    pub(super) fn existence(what: &str, exists: bool) -> Reply {
        let (words, exit) = if exists { ("exists", None) } else { ("does not exist", Some(1)) };
        Reply { exit, ..Reply::sentence(format!("{what} {words}")) }
    }

    /// The same, and the exit code 1: for checks, by whose exit code scripts learn whether all is well.
    pub(super) fn something_was_wrong(self) -> Reply {
        Reply { exit: Some(1), ..self }
    }

    /// How many rows were made, and how many were there already.
    pub(super) fn counted(created: usize, existed: usize) -> Reply {
        Reply { created: Some(created), existed: Some(existed), ..Reply::default() }
    }

    /// Another sentence.
    pub(super) fn sentence(sentence: impl Into<String>) -> Reply {
        Reply { sentence: Some(sentence.into()), ..Reply::default() }
    }

    /// Values, one a line.
    pub(super) fn lines(lines: impl IntoIterator<Item = String>) -> Reply {
        Reply { lines: lines.into_iter().collect(), ..Reply::default() }
    }

    /// A table. Each row has a cell for each column.
    pub(super) fn table(columns: &[&'static str], rows: impl IntoIterator<Item = Vec<Value>>) -> Reply {
        Reply { columns: Some(columns.to_vec()), rows: Some(rows.into_iter().collect()), ..Reply::default() }
    }
}
