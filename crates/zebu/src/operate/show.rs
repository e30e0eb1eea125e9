//! What is printed: sentences, tables for the eye, comma-separated values for programs, and complaints.

use serde_json::Value;

use crate::operate::complaint::{About, Complaint};
use crate::operate::parse::Given;
use crate::operate::talk::Answer;
use crate::operate::tool::{Column, Realm, Shows, Tool};
use crate::operate::usage::usage;

/// What goes to standard output when a command has worked.
pub(crate) fn success(tool: &Tool, given: &Given, answer: &Answer) -> String {
    let text = match tool.shows {
        Shows::Nothing => String::new(),
        Shows::Words => answer.sentence.iter().chain(&answer.lines).map(|line| format!("{line}\n")).collect(),
        // Of a command that lists or does, as it is told.
        Shows::Table(_) if answer.sentence.is_some() => {
            answer.sentence.iter().map(|line| format!("{line}\n")).collect()
        }
        Shows::Table(_) if given.common_flag("csv") => csv(answer),
        Shows::Table(columns) => table(columns, answer),
    };
    if given.common_flag("nonl") { on_one_line(&text) } else { text }
}

/// What goes to standard error when it has not.
pub(crate) fn failure(tool: &Tool, given: Option<&Given>, complaint: &Complaint) -> String {
    let text = match complaint.about {
        About::Saying => format!("{}\n\n{}", complaint.words, usage(tool, false)),
        About::Doing => format!("{}: {}\n", undone(tool, given), complaint.words),
        About::Itself => format!("{}\n", complaint.words),
    };
    if given.is_some_and(|given| given.common_flag("nonl")) { on_one_line(&text) } else { text }
}

/// `<object>[ <id>][ in context <cid>] could not be <verb>`.
fn undone(tool: &Tool, given: Option<&Given>) -> String {
    let number = |long: &str| given.and_then(|given| given.number(long));
    let (id, context) = match tool.realm {
        Realm::Context => {
            let ids = ["userid", "groupid", "resourceid"];
            (ids.iter().find_map(|long| number(long)), number("contextid"))
        }
        _ if tool.object == "context" => (number("contextid"), None),
        _ => (number("id"), None),
    };
    let id = id.map_or(String::new(), |id| format!(" {id}"));
    let context = context.map_or(String::new(), |context| format!(" in context {context}"));
    format!("{}{id}{context} could not be {}", tool.object, tool.verb)
}

/// As many columns as are asked for, each as wide as its longest cell, one blank between them.
fn table(columns: &[Column], answer: &Answer) -> String {
    let cells = |column: &Column| -> Vec<String> {
        let at = answer.columns.iter().position(|name| name == column.from);
        let cell = |row: &Vec<Value>| at.and_then(|at| row.get(at)).map(plain).unwrap_or_default();
        std::iter::once(column.head.to_owned()).chain(answer.rows.iter().map(cell)).collect()
    };
    let all: Vec<Vec<String>> = columns.iter().map(cells).collect();
    let widths: Vec<usize> =
        all.iter().map(|cells| cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in 0..=answer.rows.len() {
        let mut line = String::new();
        for ((column, cells), width) in columns.iter().zip(&all).zip(&widths) {
            let cell = cells.get(row).map_or("", String::as_str);
            let cell = if column.right { format!("{cell:>width$} ") } else { format!("{cell:<width$} ") };
            line.push_str(&cell);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A line of names, then one a row; texts in quotes, a quote in them twice, nothing for nothing.
fn csv(answer: &Answer) -> String {
    let quoted = |cell: &Value| match cell {
        Value::Null => String::new(),
        cell => format!("\"{}\"", plain(cell).replace('"', "\"\"")),
    };
    let mut text = format!("{}\n", answer.columns.join(","));
    for row in &answer.rows {
        text.push_str(&row.iter().map(quoted).collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    text
}

fn plain(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn on_one_line(text: &str) -> String {
    let words: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if words.is_empty() { String::new() } else { format!("{}\n", words.join(" ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operate::tool::{left, right};

    fn answer() -> Answer {
        let text = json!({
            "columns": ["id", "name", "size"],
            "rows": [[2, "a \"b\", c", 1000], [13, null, 5]],
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn a_table_is_as_wide_as_its_cells() {
        let columns = [right("id", "Id"), left("name", "Name"), right("size", "Size")];
        let expected = "Id Name     Size\n 2 a \"b\", c 1000\n13             5\n";
        assert_eq!(table(&columns, &answer()), expected);
        assert_eq!(table(&columns[..1], &answer()), "Id\n 2\n13\n");
    }

    #[test]
    fn values_are_quoted_and_nothing_is_nothing() {
        assert_eq!(csv(&answer()), "id,name,size\n\"2\",\"a \"\"b\"\", c\",\"1000\"\n\"13\",,\"5\"\n");
    }

    #[test]
    fn without_newlines_all_is_one_line() {
        assert_eq!(on_one_line("a:\nServer response:\n b\n"), "a: Server response: b\n");
        assert_eq!(on_one_line(""), "");
    }
}
