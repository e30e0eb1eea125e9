//! What was changed of members, in a file that is read at the start: replaced as a whole, so that a reader finds the one before or
//! the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::params::value::Weight;

/// Longest file that is read, bytes: ten thousand members.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A member that is other than configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) balancer: String,
    pub(super) route: String,
    #[serde(deserialize_with = "weight")]
    pub(super) weight: Weight,
    /// Status letters; "" for none.
    pub(super) status: String,
}

/// All of them, those of members that are not there at the moment too.
#[derive(Debug)]
pub(super) struct State {
    file: Option<PathBuf>,
    pub(super) kept: Vec<Kept>,
}

impl State {
    pub(super) fn read(file: Option<&Path>) -> Result<Self, Error> {
        let Some(file) = file else { return Ok(Self { file: None, kept: Vec::new() }) };
        let about =
            |reason: String| Error::Config(format!("manager.members_file {}: {reason}", file.display()));
        let kept = match fs::metadata(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(about(error.to_string())),
            Ok(found) if found.len() > BYTES_MAX => {
                return Err(about(format!("it is longer than {BYTES_MAX} bytes")));
            }
            Ok(_) => {
                let text = fs::read_to_string(file).map_err(|error| about(error.to_string()))?;
                serde_json::from_str(&text).map_err(|error| about(error.to_string()))?
            }
        };
        Ok(Self { file: Some(file.to_owned()), kept })
    }

    /// Keeps one as it is about to be; one that is as configured need not be kept. An error has changed nothing.
    pub(super) fn keep(&mut self, one: Kept, is_configured: bool) -> Result<(), String> {
        let others =
            self.kept.iter().filter(|kept| (&kept.balancer, &kept.route) != (&one.balancer, &one.route));
        let mut kept: Vec<Kept> = others.cloned().collect();
        if !is_configured {
            kept.push(one);
        }
        if let Some(file) = &self.file {
            let written = write(file, &kept);
            written
                .map_err(|error| format!("members_file {}: {error}; nothing was changed", file.display()))?;
        }
        self.kept = kept;
        Ok(())
    }
}

fn write(file: &Path, kept: &[Kept]) -> io::Result<()> {
    let text = serde_json::to_string_pretty(kept).map_err(io::Error::other)? + "\n";
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let mut written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    fs::rename(&new, file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn weight<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Weight, D::Error> {
    // As it is written: a number.
    let number = serde_json::Number::deserialize(deserializer)?;
    Weight::parse(&number.to_string()).map_err(|reason| serde::de::Error::custom(format!("weight {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(route: &str, weight: &str, status: &str) -> Kept {
        let (balancer, route, status) = ("nodes".to_owned(), route.to_owned(), status.to_owned());
        Kept { balancer, route, weight: Weight::parse(weight).unwrap(), status }
    }

    #[test]
    fn what_is_kept_is_read_again_and_what_is_as_configured_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("members.json");
        let mut state = State::read(Some(&file)).unwrap();
        state.keep(one("a", "2.25", "DN"), false).unwrap();
        state.keep(one("b", "1", "H"), false).unwrap();
        state.keep(one("a", "3", ""), false).unwrap();
        assert_eq!(State::read(Some(&file)).unwrap().kept, [one("b", "1", "H"), one("a", "3", "")]);
        state.keep(one("b", "1", ""), true).unwrap();
        assert_eq!(State::read(Some(&file)).unwrap().kept, [one("a", "3", "")]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_change_that_cannot_be_kept_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("gone/members.json");
        let mut state = State::read(Some(&file)).unwrap();
        let refusal = state.keep(one("a", "2", ""), false).unwrap_err();
        assert!(
            refusal.contains("gone/members.json") && refusal.ends_with("nothing was changed"),
            "{refusal}"
        );
        assert_eq!(state.kept, []);
    }

    #[test]
    fn a_file_that_is_none_of_ours_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("members.json");
        let kept =
            |weight: &str| format!(r#"[{{"balancer":"a","route":"b","weight":{weight},"status":""}}]"#);
        for (text, named) in
            [("[", "EOF"), (&kept("0.5"), "must be from 1 to 100"), (r#"[{"route":"a"}]"#, "balancer")]
        {
            fs::write(&file, text).unwrap();
            let error = State::read(Some(&file)).unwrap_err().to_string();
            assert!(error.contains("manager.members_file") && error.contains(named), "{error}");
        }
        fs::write(&file, kept("2.5")).unwrap();
        assert_eq!(State::read(Some(&file)).unwrap().kept[0].weight.hundredths(), 250);
    }
}
