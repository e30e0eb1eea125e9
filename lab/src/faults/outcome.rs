//! What was seen under one fault, judged, and all of them in a table.

use crate::load::Figures;
use std::time::Duration;

/// Violations of one kind that are printed.
const SHOWN: usize = 10;

/// One fault's outcome.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) name: &'static str,
    pub(crate) lasted: Duration,
    /// From the heal until writes were answered through every node.
    pub(crate) healed_after: Duration,
    pub(crate) looks: usize,
    pub(crate) figures: Figures,
    /// Per cent of the reads; none where the nodes tell nothing.
    pub(crate) on_replica: Option<u64>,
    /// Why nodes could not do what they were asked for.
    pub(crate) causes: Vec<String>,
    pub(crate) stale: Vec<String>,
    pub(crate) lost: Vec<String>,
    pub(crate) strange: Vec<String>,
}

impl Judged {
    /// Nothing stale, nothing lost, nothing that nobody may be answered; and everybody was answered something.
    pub(crate) fn held(&self) -> bool {
        let hung = self.figures.reads.unanswered + self.figures.writes.unanswered;
        self.stale.is_empty() && self.lost.is_empty() && self.strange.is_empty() && hung == 0
    }

    /// Prints the figures, and every violation up to some.
    pub(crate) fn print(&self) {
        println!("    reads  {}; on a replica: {}", self.figures.reads, self.share());
        println!(
            "    writes {}; answered again {:.2} s after the heal",
            self.figures.writes,
            self.healed_after.as_secs_f64()
        );
        println!(
            "    stale reads {}, lost writes {}, of {} looks",
            self.stale.len(),
            self.lost.len(),
            self.looks
        );
        for said in self.figures.said() {
            println!("    told: {said}");
        }
        for cause in &self.causes {
            println!("    cause: {cause}");
        }
        for (kind, all) in [("stale", &self.stale), ("lost", &self.lost), ("strange", &self.strange)] {
            all.iter().take(SHOWN).for_each(|one| println!("    {kind}: {one}"));
            if all.len() > SHOWN {
                println!("    {kind}: {} more", all.len() - SHOWN);
            }
        }
    }

    fn share(&self) -> String {
        self.on_replica.map_or_else(|| "not told".to_owned(), |share| format!("{share} %"))
    }
}

/// A row for each fault.
pub(crate) fn summary(all: &[Judged]) {
    println!(
        "\n{:68} {:>6} {:>6} {:>7} {:>7} {:>8} {:>8} {:>8} {:>5} {:>4}",
        "fault", "s", "ops", "again", "hung", "replica", "write s", "read s", "stale", "lost"
    );
    for one in all {
        let (reads, writes) = (&one.figures.reads, &one.figures.writes);
        println!(
            "{:68} {:>6.1} {:>6} {:>7} {:>7} {:>8} {:>8.2} {:>8.2} {:>5} {:>4}",
            one.name,
            one.lasted.as_secs_f64(),
            reads.operations() + writes.operations(),
            reads.try_again + writes.try_again,
            reads.unanswered + writes.unanswered,
            one.share(),
            writes.longest.as_secs_f64(),
            reads.longest.as_secs_f64(),
            one.stale.len(),
            one.lost.len()
        );
    }
    println!();
}
