//! What a command gets and what it answers: all that the commands and the page they stand on have to agree about.

use std::sync::Arc;

use zebu_app::App;

use super::options::Options;
use super::refused::Refused;
use super::reply::Reply;

/// A command with its options, asked for by somebody who may.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) app: Arc<App>,
    pub(super) options: Options,
}

impl Asked {
    /// The options, leaving none: for a command that goes on to need the rest.
    pub(super) fn take_options(&mut self) -> Options {
        std::mem::take(&mut self.options)
    }
}

/// What a command answers.
pub(super) type Outcome = Result<Reply, Refused>;
