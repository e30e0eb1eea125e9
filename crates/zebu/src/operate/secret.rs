//! Where a secret comes from that nobody should see in the list of processes: standard input, a file, the environment.

use std::io::{BufRead, Read};

use crate::operate::complaint::Complaint;
use crate::operate::exit;
use crate::operate::parse::file_of;

/// Bytes of a secret, at most: a file that was not meant should not be read whole.
const SECRET_BYTES_MAX: u64 = 4_096;

/// What a command finds around itself: variables and standard input. A parameter, so that tests bring their own.
pub(crate) struct Surroundings<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    input: &'a mut dyn BufRead,
}

impl<'a> Surroundings<'a> {
    pub(crate) fn new(variable: &'a dyn Fn(&str) -> Option<String>, input: &'a mut dyn BufRead) -> Self {
        Self { variable, input }
    }

    /// An environment variable; an empty one counts as none.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        Read::take(&mut *self.input, SECRET_BYTES_MAX).read_line(&mut line)?;
        Ok(line)
    }
}

/// The variable that stands in for a secret which was not said.
fn variable_of(long: &str) -> Option<&'static str> {
    match long {
        "adminpass" => Some("ADMIN_PASSWORD"),
        "password" => Some("NEW_USER_PASSWORD"),
        _ => None,
    }
}

/// A secret: as it was said; `-` for the next line of standard input; else from the file that was named; else from the
/// environment.
///
/// # Errors
/// The file or standard input cannot be read.
pub(super) fn find(
    long: &str,
    said: Option<String>,
    file: Option<&str>,
    around: &mut Surroundings<'_>,
) -> Result<Option<String>, Complaint> {
    let cannot = |option: String, error: std::io::Error| {
        Complaint::error(exit::VALUE_ILLEGAL, format!("Option \"--{option}\": {error}"))
    };
    let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
    match (said, file) {
        (Some(_), Some(_)) => {
            let words = format!("Options \"--{long}\" and \"--{}\" exclude each other", file_of(long));
            Err(Complaint::error(exit::VALUE_ILLEGAL, words))
        }
        (Some(said), None) if said == "-" => {
            around.line().map(|line| Some(first_line(line))).map_err(|error| cannot(long.to_owned(), error))
        }
        (Some(said), None) => Ok(Some(said)),
        (None, Some(path)) => {
            let read = std::fs::File::open(path).and_then(|file| {
                let mut text = String::new();
                file.take(SECRET_BYTES_MAX).read_to_string(&mut text)?;
                Ok(Some(first_line(text)))
            });
            read.map_err(|error| cannot(format!("{} {path}", file_of(long)), error))
        }
        (None, None) => Ok(variable_of(long).and_then(|name| around.variable(name))),
    }
}
