//! Where a subscription has come to: what its client has heard of each topic. The id of each event, so that after a cut any
//! node can tell what was missed.
//!
//! `1.7;tree=1700000000000;folder:12=0`: the context, which context of that id it is, and the versions of the topics.

use std::fmt;
use std::str::FromStr;

use zebu_model::{ContextId, Version};

use super::{NoTopic, Topic};

/// Which line of versions a position is of: those of another say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct History {
    pub(super) context: ContextId,
    pub(super) born: i64,
}

/// A place in the stream of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub(super) history: History,
    pub(super) heard: Vec<(Topic, Version)>,
}

impl Position {
    /// What was heard of a topic last, if it was among those of the subscription.
    pub(super) fn of(&self, topic: Topic) -> Option<Version> {
        self.heard.iter().find(|(heard, _)| *heard == topic).map(|(_, version)| *version)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.history.context, self.history.born)?;
        self.heard.iter().try_for_each(|(topic, version)| write!(f, ";{topic}={version}"))
    }
}

impl FromStr for Position {
    type Err = NoTopic;

    fn from_str(text: &str) -> Result<Position, NoTopic> {
        let mut parts = text.split(';');
        let (context, born) = parts.next().and_then(|head| head.split_once('.')).ok_or(NoTopic)?;
        let history = History { context: number(context)?, born: number(born)? };
        let heard = parts.map(|part| {
            let (topic, version) = part.split_once('=').ok_or(NoTopic)?;
            Ok((topic.parse()?, Version(number(version)?)))
        });
        Ok(Position { history, heard: heard.collect::<Result<_, NoTopic>>()? })
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, NoTopic> {
    text.parse().map_err(|_| NoTopic)
}

#[cfg(test)]
mod tests {
    use zebu_model::FolderId;

    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written_and_nothing_else_is_one() {
        let position = Position {
            history: History { context: ContextId(1), born: 7 },
            heard: vec![(Topic::Tree, Version(1_700)), (Topic::Folder(FolderId(12)), Version::NONE)],
        };
        assert_eq!(position.to_string(), "1.7;tree=1700;folder:12=0");
        assert_eq!("1.7;tree=1700;folder:12=0".parse(), Ok(position.clone()));
        assert_eq!(position.of(Topic::Tree), Some(Version(1_700)));
        assert_eq!(position.of(Topic::Users), None);
        for bad in
            ["", "1", "1.", "1.x", "a.7", "1.7;", "1.7;tree", "1.7;tree=x", "1.7;mail=1", "1.7;tree=1;"]
        {
            assert_eq!(bad.parse::<Position>(), Err(NoTopic), "{bad}");
        }
    }
}
