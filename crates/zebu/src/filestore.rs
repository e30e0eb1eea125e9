//! `zebu filestore check`: are the databases and the file store of one mind? Reads only; may run beside a cluster.

use std::process::ExitCode;

use tokio::runtime::Builder;
use zebu_app::maintenance::{self, Consistency};
use zebu_app::{App, Clock, NodeConfig, SessionConfig};
use zebu_model::ContextId;

use crate::cli::{Check, Place};
use crate::config::Config;
use crate::demo::configdb_of;
use crate::failure::{Failure, Result};
use crate::say;

/// Checks one context or all, a line each. Exit code 1 if any is not clean.
///
/// # Errors
/// There is no such place or context, or the databases or the file store cannot be read.
pub(crate) fn check(options: &Check) -> Result<ExitCode> {
    let config = configuration(&options.place)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    let found = runtime.block_on(check_all(config, options.context.map(ContextId)));
    let found = found
        .map_err(|error| Failure::new(format!("cannot check the file store: {}", error.cause_chain())))?;
    for (context, consistency) in &found {
        let prefix = if found.len() > 1 { format!("context {context}: ") } else { String::new() };
        for line in lines(consistency) {
            say::line(&format!("{prefix}{line}"));
        }
    }
    let is_clean = found.iter().all(|(_, consistency)| consistency.is_clean());
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn configuration(place: &Place) -> Result<zebu_app::Config> {
    if let Some(file) = &place.config {
        return Config::read(file)?
            .app()
            .ok_or_else(|| Failure::new(format!("{} has no [store] and [node]", file.display())));
    }
    // The command line has one of them, or was not understood.
    let dir = place.dir.as_deref().unwrap_or_else(|| std::path::Path::new("."));
    Ok(zebu_app::Config {
        node: NodeConfig { name: "filestore-check".to_owned(), route: None, server: None },
        store: zebu_store::Config::new(configdb_of(dir)?),
        sessions: SessionConfig::default(),
        operator_contexts: Vec::new(),
        operator: zebu_app::operator::Settings::default(),
        jobs: zebu_app::JobConfig::default(),
        push: zebu_app::PushConfig::default(),
    })
}

async fn check_all(
    config: zebu_app::Config,
    only: Option<ContextId>,
) -> zebu_app::Result<Vec<(ContextId, Consistency)>> {
    let app = App::open(config, Clock::System).await?;
    let contexts = match only {
        Some(context) => vec![context],
        None => maintenance::all_contexts(&app).await?,
    };
    let mut found = Vec::with_capacity(contexts.len());
    for context in contexts {
        found.push((context, maintenance::check(&app, context).await?));
    }
    Ok(found)
}

/// Each content that is wrong, then the sums: the last line says it all.
fn lines(found: &Consistency) -> Vec<String> {
    let orphans = found.orphans.iter().map(|key| format!("orphan {key}"));
    let missing = found.missing.iter().map(|key| format!("missing {key}"));
    let quota = if found.bytes == found.counted_bytes {
        "ok".to_owned()
    } else {
        format!("wrong (stored {}, counted {})", found.counted_bytes, found.bytes)
    };
    let sums = format!(
        "files {}, bytes {}, orphans {}, missing {}, quota {quota}",
        found.files,
        found.bytes,
        found.orphans.len(),
        found.missing.len(),
    );
    orphans.chain(missing).chain([sums]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_it_all() {
        let clean = Consistency { files: 2, bytes: 30, counted_bytes: 30, ..Consistency::default() };
        assert_eq!(lines(&clean), ["files 2, bytes 30, orphans 0, missing 0, quota ok"]);
        let wrong = Consistency {
            orphans: vec!["1/a".into()],
            missing: vec!["1/b".into(), "1/c".into()],
            counted_bytes: 31,
            ..clean
        };
        assert!(!wrong.is_clean());
        let expected = [
            "orphan 1/a",
            "missing 1/b",
            "missing 1/c",
            "files 2, bytes 30, orphans 1, missing 2, quota wrong (stored 31, counted 30)",
        ];
        assert_eq!(lines(&wrong), expected);
    }
}
