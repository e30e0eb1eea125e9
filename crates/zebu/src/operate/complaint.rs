//! Why a command did not do what it was asked, as it is printed and as the exit code has it.

use crate::operate::exit;

/// A reason, ready to be printed on standard error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// The exit code.
    pub(crate) exit: u8,
    /// What is printed: `Error: …`, `Invalid input detected: …`, or what the daemon said.
    pub(crate) words: String,
    /// What is printed around it.
    pub(crate) about: About,
}

/// What a complaint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// What was said to the command; its usage follows.
    Saying,
    /// What the command was to do; the sentence that it could not be done goes before.
    Doing,
    /// What it says itself.
    Itself,
}

impl Complaint {
    /// Something about the options, found on this side.
    pub(crate) fn error(exit: u8, words: impl std::fmt::Display) -> Complaint {
        Complaint { exit, words: format!("Error: {words}"), about: About::Doing }
    }

    /// A sentence of a command that works on this machine.
    pub(crate) fn plain(exit: u8, words: impl std::fmt::Display) -> Complaint {
        Complaint { exit, words: words.to_string(), about: About::Itself }
    }

    /// A number was expected for the id of something.
    pub(crate) fn ids_are_numbers() -> Complaint {
        let words = "Invalid input detected: Ids must be numbers!".to_owned();
        Complaint { exit: exit::FAILED, words, about: About::Doing }
    }

    /// Options that have to be there.
    pub(crate) fn missing(options: &[String]) -> Complaint {
        let words = format!("Option(s) \"{}\" missing", options.join(","));
        Complaint { exit: exit::OPTION_MISSING, words, about: About::Saying }
    }

    /// What the daemon answered.
    pub(crate) fn server(exit: u8, message: &str) -> Complaint {
        Complaint { exit, words: format!("Server response:\n {message}"), about: About::Doing }
    }
}
