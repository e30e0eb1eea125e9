//! Numbered steps with their figures and times, and the closing line. A step that fails ends the scenario.

use crate::Result;
use std::time::Instant;

/// How far the scenario has come.
#[derive(Default)]
pub(super) struct Report {
    passed: usize,
}

impl Report {
    /// Does a step; it answers what the next ones need, and its figures in words.
    pub(super) fn step<T>(&mut self, what: &str, work: impl FnOnce() -> Result<(T, String)>) -> Result<T> {
        let (number, started) = (self.passed + 1, Instant::now());
        let (value, figures) = work().map_err(|error| format!("step {number}, {what}: {error}"))?;
        let figures = if figures.is_empty() { figures } else { format!(": {figures}") };
        println!("{number:2} {what}{figures} ({:.2} s)", started.elapsed().as_secs_f64());
        self.passed = number;
        Ok(value)
    }

    /// The last line.
    pub(super) fn close(&self, outcome: &Result) {
        match outcome {
            Ok(()) => println!("first: {} steps passed", self.passed),
            Err(_) => println!("first: {} passed, 1 failed", self.passed),
        }
    }
}
