//! `zebu members`: looks at the members of the web tier of this machine, and changes them while it runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;
use zebu_balancer::{Change, Order, Reply};

use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::say;

#[derive(Debug, Subcommand)]
pub(crate) enum Members {
    /// Show the members: state, weight, letters, load, requests
    List(Place),
    /// Change a member's weight, its status letters, or both; kept over restarts
    Set(Set),
    /// Give a member nothing but the requests of sessions that are its own (`N`)
    Drain(Drain),
}

/// Which web tier.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The configuration file of the web tier, with a [web.manager] socket
    #[arg(long, value_name = "FILE", default_value = "/opt/open-xchange/etc/web.toml")]
    config: PathBuf,
    /// Print the members as JSON
    #[arg(long)]
    json: bool,
}

/// Which member.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The member's route
    #[arg(value_name = "ROUTE")]
    route: String,
    /// Its balancer, if several have a member of that route
    #[arg(long, value_name = "NAME")]
    balancer: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Place,
    /// Its share of new sessions, 1 to 100, with two decimals at most
    #[arg(long, value_name = "N", required_unless_present = "status")]
    weight: Option<String>,
    /// Letters to set, or after a - to take away: D disabled, S stopped, I errors ignored, H standby, R spare, N drain
    #[arg(long, value_name = "LETTERS", allow_hyphen_values = true)]
    status: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Drain {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Place,
    /// Take it back
    #[arg(long)]
    undo: bool,
}

/// Carries a command out, and prints all members as they are afterwards.
///
/// # Errors
/// The web tier cannot be asked, or refuses.
pub(crate) fn run(command: &Members) -> Result<()> {
    let change = |which: &Which, weight: Option<String>, status: Option<String>| {
        let (route, balancer) = (which.route.clone(), which.balancer.clone());
        Order::Change(Change { route, balancer, weight, status })
    };
    let (place, order) = match command {
        Members::List(place) => (place, Order::List),
        Members::Set(Set { which, place, weight, status }) => {
            (place, change(which, weight.clone(), status.clone()))
        }
        Members::Drain(Drain { which, place, undo }) => {
            let letter = if *undo { "-N" } else { "+N" };
            (place, change(which, None, Some(letter.to_owned())))
        }
    };
    match ask(place, &order)? {
        Reply::Members(members) if place.json => say::line(&members.to_string()),
        Reply::Members(members) => table(&members).iter().for_each(|line| say::line(line)),
        Reply::Refused(reason) => return Err(Failure::new(reason)),
    }
    Ok(())
}

fn ask(place: &Place, order: &Order) -> Result<Reply> {
    let file = place.config.display();
    let web = Config::read(&place.config)?.web.ok_or_else(|| Failure::new(format!("{file} has no [web]")))?;
    let socket =
        web.manager.socket.ok_or_else(|| Failure::new(format!("{file}: [web.manager] names no socket")))?;
    zebu_balancer::ask(&socket, order).map_err(|error| {
        Failure::new(format!("the web tier at {} does not answer: {error}", socket.display()))
    })
}

/// The columns: what each is called, and where its text is.
const COLUMNS: [(&str, &str); 9] = [
    ("balancer", "balancer"),
    ("route", "route"),
    ("address", "address"),
    ("weight", "weight"),
    ("status", "flags"),
    ("state", "state"),
    ("load", "load"),
    ("now", "in_flight"),
    ("requests", "requests"),
];

/// A line each, in columns, with a head.
fn table(members: &Value) -> Vec<String> {
    let mut rows = vec![COLUMNS.map(|(head, _)| head.to_owned())];
    rows.extend(
        members
            .as_array()
            .into_iter()
            .flatten()
            .map(|member| COLUMNS.map(|(_, field)| cell(member.get(field)))),
    );
    let mut widths = [0; COLUMNS.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
    }
    let aligned = |row: &[String; COLUMNS.len()]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(aligned).collect()
}

fn cell(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_shown_in_columns() {
        let member = serde_json::json!([{
            "balancer": "nodes", "route": "OX-1", "address": "10.20.30.213:8090", "weight": 1, "flags": "",
            "state": "up", "load": 12, "in_flight": 3, "requests": 1_000,
        }]);
        assert_eq!(
            table(&member),
            [
                "balancer  route  address            weight  status  state  load  now  requests",
                "nodes     OX-1   10.20.30.213:8090  1       -       up     12    3    1000",
            ]
        );
    }
}
