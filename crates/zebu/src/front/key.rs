//! `zebu front key`: the keys that web tiers sign routes with, made and changed without anybody noticing.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use zebu_balancer::{Error, Rotated, RouteKeys};

use crate::failure::{Failure, Result};
use crate::say;

/// The file beside a web tier's configuration, and beside the cluster's CA.
pub(crate) const FILE: &str = "routes.key";

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make the file with the keys of routes; all web tiers need the same
    Create(Place),
    /// The next step to another key: first it is added, then it signs; with `--finish` the ones before are dropped
    Rotate(Rotate),
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The file, as in [web] `route_key_file`
    #[arg(value_name = "FILE", default_value = "/opt/open-xchange/etc/cluster/routes.key")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    place: Place,
    /// Drop all keys but the one that signs
    #[arg(long)]
    finish: bool,
}

/// Carries out one command, and says what is to be done next.
///
/// # Errors
/// The file is there already, cannot be read or written, or is no such file.
pub(crate) fn run(command: &Key) -> Result<()> {
    let failed = |error: Error| Failure::new(error.to_string());
    let (file, done) = match command {
        Key::Create(place) => (&place.file, RouteKeys::create(&place.file).map(|()| None)),
        Key::Rotate(options) if options.finish => {
            (&options.place.file, RouteKeys::finish(&options.place.file).map(Some))
        }
        Key::Rotate(options) => (&options.place.file, RouteKeys::rotate(&options.place.file).map(Some)),
    };
    let (did, next) = told(done.map_err(failed)?);
    say::line(&format!("{}: {did}", file.display()));
    say::line(&format!("next: copy it to every web tier, mode 0600; {next}"));
    Ok(())
}

fn told(did: Option<Rotated>) -> (&'static str, &'static str) {
    match did {
        None => ("a new key", "name it there as [web] route_key_file"),
        Some(Rotated::Added) => (
            "a new key is believed, the one before still signs",
            "when all have taken it up (five seconds, a line in their logs), rotate again",
        ),
        Some(Rotated::Turned) => (
            "the new key signs, the ones before are believed",
            "when nobody is signed in any more since before, rotate --finish",
        ),
        Some(Rotated::Finished) => ("one key is left", "that is all"),
    }
}

/// Makes the file if it is not there; whether it is there then.
pub(crate) fn ensure(file: &Path) -> bool {
    file.exists()
        || match RouteKeys::create(file) {
            Ok(()) => {
                tracing::info!(file = %file.display(), "made a key for routes; a second web tier needs the same file");
                true
            }
            Err(error) => {
                tracing::warn!(cause = %error, "no key for routes could be kept");
                false
            }
        }
}
