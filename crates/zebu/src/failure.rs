//! Why a command failed, in one line for the operator.
//!
//! Every command answers with it; only `main` prints it. It never carries a password, a session id or a trace.

use std::fmt;

/// One sentence. Printed as `zebu: …`, always on one line.
#[derive(Debug)]
pub(crate) struct Failure(String);

/// What a command answers.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.split_whitespace().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(word)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line() {
        assert_eq!(Failure::new("bad value:\n  | x\n\n").to_string(), "bad value: | x");
    }
}
