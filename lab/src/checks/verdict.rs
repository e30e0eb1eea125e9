//! All that the checkers say of a record. Knows nothing but the record: not what was wrong meanwhile, and not what runs behind.

use super::across::Across;
use super::record::Record;
use super::{search, zones};

/// What the checkers say.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Registers whose operations no order explains, each with what does not fit.
    pub(crate) alone: Vec<String>,
    /// Operations that saw together what was never so together.
    pub(crate) across: Vec<String>,
    /// Answered writes of which nothing was there in the end, though nobody wrote after them.
    pub(crate) lost: Vec<String>,
    /// Registers judged by `zones`, and by `search`.
    pub(crate) exact: usize,
    pub(crate) searched: usize,
    pub(crate) looks: usize,
}

impl Verdict {
    /// Judges a record. `last_look` is the kind of those operations that came when nobody wrote any more.
    pub(crate) fn of(record: &Record, last_look: &str) -> Self {
        let stories = record.by_register();
        let mut verdict = Self::default();
        for (register, story) in &stories {
            let name = record.name(*register);
            verdict.looks += story.looks.len();
            if story.is_exact() {
                verdict.exact += 1;
                verdict.alone.extend(zones::violations(name, story));
            } else {
                verdict.searched += 1;
                verdict.alone.extend(search::violations(name, record.first_bits(*register), story));
            }
        }
        let across = Across::of(record, &stories);
        verdict.across = across.violations();
        verdict.lost = across.lost(last_look);
        verdict
    }

    /// How much is wrong.
    pub(crate) fn violations(&self) -> usize {
        self.alone.len() + self.across.len() + self.lost.len()
    }
}
