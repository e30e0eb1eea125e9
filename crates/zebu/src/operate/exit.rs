//! The exit codes of the commands. Scripts decide by them; none ever changes its meaning.

/// Something went wrong that has no code of its own.
pub(crate) const FAILED: u8 = 1;
/// An option that has to be there is not.
pub(crate) const OPTION_MISSING: u8 = 104;
/// The daemon cannot be reached.
pub(crate) const UNREACHABLE: u8 = 105;
/// What was said is no answer of the daemon's.
pub(crate) const ANSWER_WRONG: u8 = 107;
/// An option has a value that it cannot have.
pub(crate) const VALUE_ILLEGAL: u8 = 109;
/// There is no such option.
pub(crate) const OPTION_UNKNOWN: u8 = 111;
/// A value is not of the kind that the option takes: no number, no file of rows.
pub(crate) const NOT_PARSED: u8 = 114;
