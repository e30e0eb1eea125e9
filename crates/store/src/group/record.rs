//! What configdb keeps of a group's promotions, so that a node that starts after one, or was out of sight during it, is not
//! led to write to a master that was replaced and came back as it was.

use std::fmt;

use super::Group;
use super::decide::Memory;
use super::position::Position;

/// A memory as text: the server that is written to; those it replaced; how far it was.
struct Text<'a>(&'a Memory);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replaced: Vec<String> = self.0.replaced.iter().map(ToString::to_string).collect();
        write!(f, "{};{};{}", self.0.writer.unwrap_or_default(), replaced.join(","), self.0.floor)
    }
}

/// Reads it back; `None` if it is something else.
fn parse(text: &str) -> Option<Memory> {
    let mut parts = text.splitn(3, ';');
    let writer = parts.next()?.parse().ok()?;
    let replaced = parts.next()?.split(',').filter(|id| !id.is_empty());
    let replaced = replaced.map(|id| id.parse().ok()).collect::<Option<_>>()?;
    Some(Memory { writer: Some(writer), replaced, floor: Position::parse(parts.next()?) })
}

/// Whether `now` says something that a node with the memory `written` needs to know. Of how far the writer is only who made
/// the last transaction: whoever has the first one of a successor followed it.
fn is_news(now: &Memory, written: Option<&Memory>) -> bool {
    let says = |memory: &Memory| (memory.writer, memory.replaced.clone(), memory.floor.makers());
    match written {
        Some(written) => says(now) != says(written),
        None => !now.replaced.is_empty(),
    }
}

impl Group {
    /// Takes in what configdb says of this group's promotions. What this process knows beyond it is answered, to be written
    /// there in its place.
    pub(super) fn exchange(&self, written: Option<&str>) -> Option<String> {
        let mut inner = self.inner();
        if inner.written.as_deref() != written {
            // Another node wrote it, or this process has just begun: it is as new as what is known here, or newer.
            inner.written = written.map(str::to_owned);
            if let Some(memory) = written.and_then(parse) {
                inner.memory = memory;
            }
            drop(inner);
            self.update();
            return None;
        }
        let known = written.and_then(parse);
        is_news(&inner.memory, known.as_ref()).then(|| Text(&inner.memory).to_string())
    }

    /// What [`Group::exchange`] answered stands in configdb now.
    pub(super) fn wrote(&self, text: String) {
        self.inner().written = Some(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(writer: i64, replaced: &[i64], floor: &str) -> Memory {
        let replaced = replaced.iter().copied().collect();
        Memory { writer: Some(writer), replaced, floor: Position::parse(floor) }
    }

    #[test]
    fn what_is_remembered_is_written_as_it_is_read() {
        for known in [memory(2, &[1, 3], "0-2-7,1-1-4"), memory(1, &[], "")] {
            assert_eq!(parse(&Text(&known).to_string()), Some(known));
        }
        for bad in ["", "2;1", "x;1;0-1-1", "2;1,x;0-1-1"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_promotion_is_written_and_the_first_write_after_it_and_no_other() {
        let first = memory(1, &[], "0-1-5");
        assert!(!is_news(&first, None));
        let promoted = memory(2, &[1], "0-1-6");
        assert!(is_news(&promoted, None));
        assert!(!is_news(&promoted, Some(&promoted)));
        let wrote = memory(2, &[1], "0-2-7");
        assert!(is_news(&wrote, Some(&promoted)));
        assert!(!is_news(&memory(2, &[1], "0-2-99"), Some(&wrote)));
        assert!(is_news(&memory(1, &[2], "0-1-100"), Some(&wrote)));
    }
}
