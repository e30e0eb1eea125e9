//! Numbered steps with their figures and times, and the closing line that test runs count. Used by every scenario.

use crate::Result;
use std::time::Instant;

/// How far a scenario has come.
#[derive(Debug, Default)]
pub(crate) struct Report {
    passed: usize,
    failed: usize,
}

impl Report {
    /// Does a step that the next ones need: its failure ends the scenario. It answers what they need and its figures in
    /// words.
    pub(crate) fn step<T>(&mut self, what: &str, work: impl FnOnce() -> Result<(T, String)>) -> Result<T> {
        let (number, started) = (self.passed + self.failed + 1, Instant::now());
        let (value, figures) = work().map_err(|error| {
            self.failed += 1;
            format!("step {number}, {what}: {error}")
        })?;
        let figures = if figures.is_empty() { figures } else { format!(": {figures}") };
        println!("{number:2} {what}{figures} ({:.2} s)", started.elapsed().as_secs_f64());
        self.passed += 1;
        Ok(value)
    }

    /// Counts the last step as failed after all, without ending the scenario.
    pub(crate) fn retract(&mut self) {
        self.passed = self.passed.saturating_sub(1);
        self.failed += 1;
    }

    /// The last line. A failure is told first.
    pub(crate) fn close(&self, scenario: &str, outcome: &Result) {
        if let Err(error) = outcome {
            println!("lab {scenario}: {error}");
        }
        let failed = self.failed.max(usize::from(outcome.is_err()));
        println!("lab: {} passed, {failed} failed", self.passed);
    }
}
