//! What an answer means for what was asked for: done, refused, certainly not done, or nobody knows.

use crate::load::Answer;
use serde_json::Value;

/// Refusals that say: nothing was done, try again. Of a node whose database is busy or away; of a web tier that reached no node.
const NOTHING_DONE: [&str; 3] = ["DBP-0001", "WEB-0001", "WEB-0002"];
/// Answers that say: it may have been done. Of a node; of a web tier that lost its node; of a file store, in the middle of something.
const MAYBE_DONE: [&str; 5] = ["DBP-0003", "WEB-0003", "WEB-0004", "FLS-0001", "status 503"];

/// What was heard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    Done(Value),
    /// With its code, and all that was said.
    Refused(String, String),
    /// Nothing was done.
    Failed(String),
    /// It may have been done, or may still be.
    Unknown(String),
    /// The same, and the time for an answer is over.
    Hung(String),
}

impl Heard {
    /// What an answer of a node or a web tier means.
    pub(crate) fn of(answer: Answer) -> Self {
        match answer {
            Answer::Data(data) => Heard::Done(data),
            Answer::NotSent(said) => Heard::Failed(said),
            Answer::None(said) => Heard::Unknown(said),
            Answer::Hung(said) => Heard::Hung(said),
            Answer::Refused(said) | Answer::TryAgain(said) => Heard::of_words(said),
        }
    }

    /// What a refusal means that begins with its code.
    pub(crate) fn of_words(said: String) -> Self {
        if NOTHING_DONE.iter().any(|code| said.starts_with(code)) {
            Heard::Failed(said)
        } else if MAYBE_DONE.iter().any(|words| said.contains(words)) {
            Heard::Unknown(said)
        } else {
            let code = said.split(' ').next().unwrap_or_default().to_owned();
            Heard::Refused(code, said)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_that_nothing_was_done_is_taken_for_that() {
        let check = |answer: Answer, expected: &str| {
            let shown = format!("{:?}", Heard::of(answer));
            assert!(shown.starts_with(expected), "{shown}");
        };
        check(Answer::TryAgain("DBP-0001 busy".to_owned()), "Failed");
        check(Answer::TryAgain("DBP-0003 in doubt".to_owned()), "Unknown");
        check(Answer::TryAgain("folders: status 503: not now".to_owned()), "Unknown");
        check(Answer::Refused("WEB-0001 no member".to_owned()), "Failed");
        check(Answer::Refused("WEB-0003 lost".to_owned()), "Unknown");
        check(Answer::Refused("FLD-0003 not visible".to_owned()), "Refused(\"FLD-0003\"");
        check(Answer::NotSent("refused".to_owned()), "Failed");
        check(Answer::None("reset".to_owned()), "Unknown");
        check(Answer::Hung("30 s".to_owned()), "Hung");
    }
}
