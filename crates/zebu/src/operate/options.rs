//! The options that commands have in common.

use crate::operate::tool::{NO_LETTER, Opt};

/// Who asks.
pub(crate) const CREDENTIALS: &[Opt] = &[
    Opt::text("adminuser", 'A', "The administrator's name").possibly(),
    Opt::secret("adminpass", 'P', "The administrator's password; without it the variable ADMIN_PASSWORD")
        .possibly(),
];

/// How a listing is written.
pub(crate) const LISTING: &[Opt] =
    &[Opt::flag("csv", NO_LETTER, "Print everything known, as comma-separated values")];

/// How the daemon is asked.
pub(crate) const ASKING: &[Opt] = &[
    Opt::number(
        "responsetimeout",
        NO_LETTER,
        "Seconds to wait for the daemon's answer, 0 for ever; default 120",
    ),
    Opt::flag("nonl", NO_LETTER, "Print everything on one line"),
    Opt::flag("environment", NO_LETTER, "Print the environment variables that commands look at, and stop"),
];

/// What everything understands.
pub(crate) const ALWAYS: &[Opt] = &[
    Opt::flag("help", 'h', "Print this, and stop"),
    Opt::flag("extendedoptions", NO_LETTER, "Print this with the rarer options, and stop"),
];

/// Rows from a file.
pub(crate) const IMPORT: &[Opt] = &[Opt::text(
    "csv-import",
    NO_LETTER,
    "Make one for each line of this file. Its first line names the columns: long options without their dashes",
)];

/// Done is done.
pub(crate) const IF_ABSENT: &[Opt] =
    &[Opt::flag("if-absent", NO_LETTER, "If there is one already, change nothing and succeed")];

/// Gone is gone.
pub(crate) const IF_EXISTS: &[Opt] =
    &[Opt::flag("if-exists", NO_LETTER, "If there is none, change nothing and succeed")];

/// Which context, by number or by name.
pub(crate) const CONTEXT: &[Opt] = &[
    Opt::id("contextid", 'c', "The context's number").one_of("context"),
    Opt::text("contextname", 'N', "The context's name").one_of("context"),
];

/// Which context, by number alone.
pub(crate) const CONTEXT_ID: &[Opt] = &[Opt::id("contextid", 'c', "The context's number").needed()];

/// Which of them to list.
pub(crate) const SEARCH: &[Opt] =
    &[Opt::text("searchpattern", 's', "Only those that this matches, * standing for anything; default *")];
