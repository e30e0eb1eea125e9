//! The lab: the guide's hosts on one machine, the guide run on them as written, and what can go wrong, with checkers
//! watching. Started by `cargo xtask lab`, which installs and builds what it needs; it drives the binary from outside.
//!
//! Exit codes: 0 all held, 1 something did not (the last line says what), 2 not understood.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool: what it prints is its output"
)]

mod checks;
mod crowd;
mod faults;
mod guide;
mod hosts;
mod load;
mod nemesis;
mod outages;
mod report;
mod scenarios;
mod services;
mod traffic;
mod wait;

use report::Report;
use scenarios::{Options, SCENARIOS};
use std::process::ExitCode;
use std::time::Duration;

/// What every part answers: something, or one sentence for whoever runs the lab.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (scenario, options) = match understood(&arguments) {
        Ok(understood) => understood,
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::from(2);
        }
    };
    bound_in_time(scenario.seconds_max);
    let mut report = Report::default();
    let outcome = (scenario.run)(&options, &mut report);
    report.close(scenario.name, &outcome);
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Ends the process if it still runs after the longest that a run may take: everything of the lab ends with it.
fn bound_in_time(seconds_max: u64) {
    std::thread::spawn(move || {
        wait::pass(Duration::from_secs(seconds_max));
        println!("lab: not done after {seconds_max} s, given up");
        println!("lab: 0 passed, 1 failed");
        std::process::exit(1);
    });
}

fn understood(arguments: &[String]) -> Result<(&'static scenarios::Scenario, Options)> {
    let usage = || {
        let list: String =
            SCENARIOS.iter().map(|each| format!("\n  {:10} {}", each.name, each.what)).collect();
        format!(
            "usage: zebu-lab SCENARIO [--binary FILE] [--name NAME] [--disk FOLDER] [--short] [--seed N] \
             [--table FILE]{list}"
        )
    };
    let (name, rest) = arguments.split_first().ok_or_else(usage)?;
    let scenario = SCENARIOS.iter().find(|each| each.name == name).ok_or_else(usage)?;
    let mut options = Options::named(format!("{name}-{}", std::process::id()));
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--binary" => options.binary = Some(std::path::absolute(value()?)?),
            "--name" => options.name = value()?.clone(),
            "--disk" => options.disk = Some(std::path::absolute(value()?)?),
            "--short" => options.short = true,
            "--table" => options.table = Some(std::path::absolute(value()?)?),
            "--seed" => options.seed = Some(value()?.parse().map_err(|_| "--seed takes a number")?),
            _ => return Err(usage().into()),
        }
    }
    Ok((scenario, options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_understood_or_answered_with_the_usage() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let (scenario, options) = understood(&words("hosts --name a --disk b")).unwrap();
        assert_eq!((scenario.name, options.name.as_str()), ("hosts", "a"));
        for wrong in ["", "nothing", "hosts --fast"] {
            assert!(understood(&words(wrong)).unwrap_err().to_string().contains("usage"), "{wrong}");
        }
        assert_eq!(understood(&words("hosts --name")).unwrap_err().to_string(), "--name needs a value");
    }
}
