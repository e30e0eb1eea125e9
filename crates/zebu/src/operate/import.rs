//! `--csv-import`: one command for each line of a file, sent in parts that each end soon, so that any of them may fail and the
//! whole be given again.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::operate::complaint::Complaint;
use crate::operate::dates::Dates;
use crate::operate::exit;
use crate::operate::parse::{self, Given};
use crate::operate::talk::Daemon;
use crate::operate::tool::{Opt, Realm, Tool};

/// Lines sent at once: a password's hash takes some 20 ms, so a part takes a few seconds.
const ROWS_AT_ONCE: usize = 200;
/// Characters of a bar that is full.
const BAR: usize = 30;

/// What came of a file.
#[derive(Debug, Default)]
struct Count {
    rows: usize,
    created: usize,
    existed: usize,
}

/// Imports a file. Answers what to print at the end.
///
/// # Errors
/// The file is not understood, or a line is refused: those of the parts before it are there.
pub(crate) fn run(tool: &Tool, given: &Given, daemon: &Daemon, dates: &Dates) -> Result<String, Complaint> {
    let path = given.text("csv-import").unwrap_or_default();
    let rows = read(tool, given, path, dates)?;
    let all = rows.len();
    let mut count = Count::default();
    let mut bar = Bar::new(all);
    let mut parts: VecDeque<Part> = parts(tool, rows).into();
    while let Some(part) = parts.pop_front() {
        let mut options = Map::new();
        if let Some(context) = &part.context {
            options.insert("contextid".to_owned(), context.clone());
        }
        options.insert("first".to_owned(), json!(part.first));
        options.insert("if-absent".to_owned(), json!(given.flag("if-absent")));
        let sent = part.rows.len();
        options.insert("rows".to_owned(), Value::Array(part.rows));
        let answer = daemon.ask(&format!("{}/rows", tool.name), &options);
        let answer = answer.inspect_err(|_| bar.end()).map_err(|complaint| stopped(complaint, &count))?;
        count.rows += sent;
        count.created += answer.created.unwrap_or(0);
        count.existed += answer.existed.unwrap_or(0);
        bar.show(count.rows);
    }
    bar.end();
    let there = match count.existed {
        0 => String::new(),
        existed => format!(", {existed} were there already"),
    };
    Ok(format!("{} {}s {}{there}\n", count.created, tool.object, tool.verb))
}

fn stopped(complaint: Complaint, count: &Count) -> Complaint {
    let hint = format!("\n{} rows were done before; give the same file again to go on", count.rows);
    Complaint { words: complaint.words + &hint, ..complaint }
}

/// Rows that go together: of one context, if the command is for its administrator.
struct Part {
    first: usize,
    context: Option<Value>,
    rows: Vec<Value>,
}

fn parts(tool: &Tool, rows: Vec<Map<String, Value>>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (number, mut row) in (1..).zip(rows) {
        let context = match tool.realm {
            Realm::Context => row.remove("contextid"),
            _ => None,
        };
        match parts.last_mut() {
            Some(part) if part.context == context && part.rows.len() < ROWS_AT_ONCE => {
                part.rows.push(Value::Object(row));
            }
            _ => parts.push(Part { first: number, context, rows: vec![Value::Object(row)] }),
        }
    }
    parts
}

/// The rows of a file, each with what was said on the command line for all.
fn read(tool: &Tool, given: &Given, path: &str, dates: &Dates) -> Result<Vec<Map<String, Value>>, Complaint> {
    let wrong = |words: String| Complaint::error(exit::NOT_PARSED, format!("{path}: {words}"));
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut reader = csv::ReaderBuilder::new().from_reader(file);
    let names = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let known: Vec<Opt> = tool.own().filter(|o| !["csv-import", "if-absent"].contains(&o.long)).collect();
    let mut columns = Vec::with_capacity(names.len());
    for name in &names {
        let name = name.trim().trim_start_matches('\u{feff}');
        let option = known.iter().find(|option| option.long == name);
        columns
            .push(option.ok_or_else(|| wrong(format!("the column {name} is no option of {}", tool.name)))?);
    }
    let shared: Map<String, Value> = {
        let mut shared = given.options();
        shared.remove("csv-import");
        shared.remove("if-absent");
        shared
    };
    let mut rows = Vec::new();
    for (number, record) in (1..).zip(reader.records()) {
        let of_row = |complaint: Complaint| Complaint {
            words: format!("{path}: row {number}: {}", complaint.words),
            ..complaint
        };
        let record = record.map_err(|error| wrong(format!("row {number}: {error}")))?;
        let mut row = shared.clone();
        for (option, cell) in columns.iter().zip(&record).filter(|(_, cell)| !cell.is_empty()) {
            row.insert(option.long.to_owned(), parse::read(option, cell).map_err(of_row)?);
        }
        dates.read(&known, &mut row).map_err(of_row)?;
        let missing = parse::missing_of(&known, |long| row.contains_key(long));
        if !missing.is_empty() {
            let words = format!("{path}: row {number}: Option(s) \"{}\" missing", missing.join(","));
            return Err(Complaint::error(exit::OPTION_MISSING, words));
        }
        rows.push(row);
    }
    Ok(rows)
}

/// How far it is: a bar on a terminal, lines elsewhere.
struct Bar {
    all: usize,
    begun: Instant,
    is_terminal: bool,
}

impl Bar {
    fn new(all: usize) -> Bar {
        Bar { all, begun: Instant::now(), is_terminal: io::stderr().is_terminal() }
    }

    fn show(&self, done: usize) {
        let line = line(done, self.all, self.begun.elapsed().as_secs());
        let mut out = io::stderr().lock();
        // Without standard error nobody looks.
        let _ = if self.is_terminal { write!(out, "\r{line}") } else { writeln!(out, "{line}") };
        let _ = out.flush();
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.is_terminal) {
            let _ = writeln!(io::stderr());
        }
    }
}

fn line(done: usize, all: usize, seconds: u64) -> String {
    let full = done.saturating_mul(BAR).checked_div(all).unwrap_or(BAR).min(BAR);
    format!("[{}{}] {done} of {all}, {seconds} s", "#".repeat(full), ".".repeat(BAR - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills() {
        assert_eq!(line(0, 10, 0), format!("[{}] 0 of 10, 0 s", ".".repeat(30)));
        assert_eq!(line(5, 10, 3), format!("[{}{}] 5 of 10, 3 s", "#".repeat(15), ".".repeat(15)));
        assert_eq!(line(10, 10, 9), format!("[{}] 10 of 10, 9 s", "#".repeat(30)));
        assert!(line(0, 0, 0).starts_with("[####"));
    }
}
