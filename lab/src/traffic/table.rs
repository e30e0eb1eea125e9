//! The counts of all parts as a table: for a terminal, and as Markdown. Pure.

use super::books::{Counts, Kind, Part};
use super::reply::Way;
use super::verdict::{sign_outs, size, twice, unrepeatable};
use super::wire::Broken;
use std::fmt::Write as _;

/// A column: its head, and what it counts.
type Column = (&'static str, fn(&Counts) -> u64);

const COLUMNS: [Column; 14] = [
    ("requests", |counts| counts.requests),
    ("failed", |counts| counts.failures(|_, _| true)),
    ("not repeatable", |counts| counts.failures(unrepeatable)),
    ("refused", |counts| {
        of(counts, Way::Broken(Broken::Refused)) + of(counts, Way::Broken(Broken::NotReached))
    }),
    ("reset", |counts| of(counts, Way::Broken(Broken::Reset))),
    ("cut off", |counts| of(counts, Way::Broken(Broken::CutOff))),
    ("timed out", |counts| of(counts, Way::Broken(Broken::TimedOut))),
    ("5xx: not done", |counts| of(counts, Way::NothingDone)),
    ("5xx: in doubt", |counts| of(counts, Way::MaybeDone)),
    ("5xx: unsaid", |counts| of(counts, Way::Unsaid)),
    ("sign-outs", sign_outs),
    ("lost writes", |counts| size(&counts.lost)),
    ("done twice", twice),
    ("lost events", |counts| size(&counts.events_lost)),
];

fn of(counts: &Counts, wanted: Way) -> u64 {
    counts.failures(|_: Kind, way| way == wanted)
}

/// For a terminal.
pub(crate) fn printed(front: &str, parts: &[Part]) -> String {
    let mut text = format!("\n{front:44}");
    for (head, _) in COLUMNS {
        let _ = write!(text, " {head:>14}");
    }
    let _ = writeln!(text, " {:>10} {:>10}", "reconnects", "longest s");
    for part in parts {
        let _ = write!(text, "{:44}", part.name);
        for (_, count) in COLUMNS {
            let _ = write!(text, " {:>14}", count(&part.counts));
        }
        let _ =
            writeln!(text, " {:>10} {:>10.2}", part.counts.streams_cut, part.counts.longest.as_secs_f64());
    }
    text
}

/// For a document.
pub(crate) fn markdown(front: &str, parts: &[Part]) -> String {
    let mut text = format!("| {front} |");
    COLUMNS.iter().for_each(|(head, _)| text.push_str(&format!(" {head} |")));
    text.push_str(" reconnects | longest s |\n|---|");
    text.push_str(&"---:|".repeat(COLUMNS.len() + 2));
    text.push('\n');
    for part in parts {
        let _ = write!(text, "| {} |", part.name);
        COLUMNS.iter().for_each(|(_, count)| {
            let _ = write!(text, " {} |", count(&part.counts));
        });
        let counts = &part.counts;
        let _ = writeln!(text, " {} | {:.2} |", counts.streams_cut, counts.longest.as_secs_f64());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_row_has_each_count_in_its_column() {
        let mut counts = Counts { requests: 7, streams_cut: 3, ..Counts::default() };
        counts.fail(Kind::Upload, Way::MaybeDone);
        counts.fail(Kind::Read, Way::SignedOut);
        counts.lost.push("one".to_owned());
        let part = Part { name: "node killed".to_owned(), from: Duration::ZERO, counts };
        let text = markdown("Web tier", std::slice::from_ref(&part));
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0].matches('|').count(), rows[1].matches('|').count());
        assert_eq!(
            rows[2],
            "| node killed | 7 | 2 | 1 | 0 | 0 | 0 | 0 | 0 | 1 | 0 | 1 | 1 | 0 | 0 | 3 | 0.00 |"
        );
        assert!(printed("Web tier", &[part]).contains("node killed"));
    }
}
