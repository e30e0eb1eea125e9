//! How the load fared, in numbers: how much was done, how much was answered "try again", how long anybody waited.

use std::fmt;
use std::time::Duration;

/// How one request went, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Answered, with data or a refusal.
    Answered,
    /// Answered "try again".
    TryAgain,
    /// Not answered, or by something that is no answer.
    Unanswered,
}

/// Reads or writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kind {
    pub(crate) answered: u64,
    pub(crate) try_again: u64,
    pub(crate) unanswered: u64,
    pub(crate) longest: Duration,
    /// What was said instead of an answer, the first of each kind.
    said: Vec<String>,
}

/// Both.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) reads: Kind,
    pub(crate) writes: Kind,
}

/// How many different sentences are kept.
const SAID_MAX: usize = 4;

impl Kind {
    pub(crate) fn count(&mut self, how: How, took: Duration, said: &str) {
        match how {
            How::Answered => self.answered += 1,
            How::TryAgain => self.try_again += 1,
            How::Unanswered => self.unanswered += 1,
        }
        self.longest = self.longest.max(took);
        // After the request, which differs each time.
        let sentence = said.rsplit_once(": ").map_or(said, |(_, sentence)| sentence);
        if how != How::Answered
            && self.said.len() < SAID_MAX
            && !self.said.iter().any(|known| known == sentence)
        {
            self.said.push(sentence.to_owned());
        }
    }

    /// All of them.
    pub(crate) fn operations(&self) -> u64 {
        self.answered + self.try_again + self.unanswered
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({} try again, ", self.operations(), self.try_again)?;
        write!(formatter, "{} unanswered), longest {:.2} s", self.unanswered, self.longest.as_secs_f64())
    }
}

impl Figures {
    /// What was said instead of an answer.
    pub(crate) fn said(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for sentence in self.reads.said.iter().chain(&self.writes.said) {
            if !all.contains(&sentence.as_str()) {
                all.push(sentence);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_and_each_sentence_are_kept_once() {
        let mut kind = Kind::default();
        kind.count(How::Answered, Duration::from_secs(1), "");
        kind.count(How::TryAgain, Duration::from_secs(3), "folders?id=1: busy");
        kind.count(How::TryAgain, Duration::from_secs(2), "folders?id=2: busy");
        assert_eq!(kind.to_string(), "3 (2 try again, 0 unanswered), longest 3.00 s");
        assert_eq!(kind.said, ["busy"]);
    }
}
