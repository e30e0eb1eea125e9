//! `cargo xtask test`: everything that must hold before a change lands, on a machine that has Rust, git and root and
//! nothing else. A table of steps; the last line is what all their runners counted together.

mod steps;
mod tally;

use crate::Result;
use std::time::{Duration, Instant};
use tally::Tally;

/// One step: its name on the command line, what it is for, and how it goes.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    why: &'static str,
    run: fn() -> Result<Outcome>,
}

/// How a step ended, and what its runner counted.
struct Outcome {
    success: bool,
    tally: Tally,
}

/// In this order: what fails fastest comes first.
pub(crate) const STEPS: [Step; 11] = [
    Step { name: "install", why: "the tools that the other steps run", run: steps::install },
    Step { name: "ui", why: "the web client builds; the binary embeds it", run: steps::ui },
    Step { name: "fmt", why: "one layout for all sources", run: steps::fmt },
    Step { name: "tidy", why: "the house keeps its own rules", run: steps::tidy },
    Step { name: "clippy", why: "the lints of the root manifest are law", run: steps::clippy },
    Step { name: "rust", why: "unit and integration tests of every crate", run: steps::rust },
    Step { name: "doc", why: "the examples in the documentation run", run: steps::doc },
    Step { name: "client", why: "the web client's types and unit tests", run: steps::client },
    Step {
        name: "browser",
        why: "a person's main job and every page, clicked in a real browser",
        run: steps::browser,
    },
    Step {
        name: "first",
        why: "two nodes seen from outside: coherence, real files, a killed node",
        run: steps::first,
    },
    Step {
        name: "lab",
        why: "the guide on real hosts and databases: as written, then frozen, cut off, killed and promoted",
        run: steps::lab,
    },
];

/// `cargo xtask test [--list] [STEP…]`.
pub(crate) fn run(arguments: &[String]) -> Result {
    if arguments.iter().any(|argument| argument == "--list") {
        STEPS.iter().for_each(|step| println!("{:8} {}", step.name, step.why));
        return Ok(());
    }
    if let Some(unknown) = arguments.iter().find(|name| !STEPS.iter().any(|step| step.name == **name)) {
        return Err(format!("there is no step `{unknown}`: see cargo xtask test --list").into());
    }
    let started = Instant::now();
    let (mut total, mut summary) = (Tally::default(), Vec::new());
    for step in
        STEPS.iter().filter(|step| arguments.is_empty() || arguments.iter().any(|name| name == step.name))
    {
        println!("\n== {}: {}", step.name, step.why);
        let started = Instant::now();
        let tally = judged((step.run)());
        summary.push(format!("{:8} {:>8}  {tally}", step.name, seconds(started.elapsed())));
        total += tally;
    }
    println!("\n== summary");
    summary.iter().for_each(|line| println!("{line}"));
    println!("{:8} {:>8}", "total", seconds(started.elapsed()));
    println!("{total}");
    // Not by returning an error: what is printed for one would come after the closing line, which must be the last.
    std::process::exit(if total.failed == 0 { 0 } else { 1 });
}

/// What a step adds to the count: a step that failed without a failed test of its own is one failure.
fn judged(outcome: Result<Outcome>) -> Tally {
    match outcome {
        Ok(Outcome { success, mut tally }) => {
            if !success && tally.failed == 0 {
                tally.failed = 1;
            }
            tally
        }
        Err(error) => {
            println!("{error}");
            Tally { failed: 1, ..Tally::default() }
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_before_any_test_ran_counts_as_a_failure() {
        let passed = Tally { passed: 3, ..Tally::default() };
        assert_eq!(judged(Ok(Outcome { success: true, tally: passed })).failed, 0);
        assert_eq!(judged(Ok(Outcome { success: false, tally: passed })).failed, 1);
        assert_eq!(judged(Err("no compiler".into())).failed, 1);
        let failed = Tally { failed: 2, ..Tally::default() };
        assert_eq!(judged(Ok(Outcome { success: false, tally: failed })).failed, 2);
    }
}
