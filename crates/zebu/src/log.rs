//! Where the log goes: standard error, as text for people or as JSON for machines. Started once, by `serve` and `demo`.

use std::env;
use std::io;

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::failure::{Failure, Result};

/// The environment variable that overrules `level`.
const OVERRULES: &str = "RUST_LOG";

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// `error`, `warn`, `info`, `debug` or `trace`, for all or by part: `info,zebu_balancer=debug`. Default `info`.
    pub(crate) level: String,
    /// `text` or `json`, one object a line. Default `text`.
    pub(crate) format: Format,
}

/// What a line of the log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Text,
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: Format::Text }
    }
}

/// Starts logging for the rest of the process.
///
/// # Errors
/// A level that means nothing, in the configuration or the environment.
pub(crate) fn start(config: &Config) -> Result<()> {
    let (from, level) = match env::var(OVERRULES) {
        Ok(level) if !level.is_empty() => (OVERRULES, level),
        _ => ("[log] level", config.level.clone()),
    };
    let filter = EnvFilter::try_new(&level)
        .map_err(|error| Failure::new(format!("{from} \"{level}\" is no log level: {error}")))?;
    let lines = tracing_subscriber::fmt().with_writer(io::stderr).with_env_filter(filter);
    let started = match config.format {
        Format::Text => lines.with_ansi(false).try_init(),
        Format::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
    };
    started.map_err(|error| Failure::new(format!("cannot log: {error}")))
}
