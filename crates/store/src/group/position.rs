//! How far a server is in its group's replication: MariaDB's GTID positions.

use std::collections::BTreeMap;
use std::fmt;

/// For each replication domain the last transaction: the server that made it, and its number in the domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position(BTreeMap<u32, (u32, u64)>);

impl Position {
    /// Reads `domain-server-number,…`; what is none of these is left out.
    pub(crate) fn parse(text: &str) -> Position {
        let parts = text.split(',').filter_map(|part| {
            let mut numbers = part.trim().splitn(3, '-');
            let (domain, server) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
            Some((domain, (server, numbers.next()?.parse().ok()?)))
        });
        Position(parts.collect())
    }

    /// Whether whoever is here has everything that whoever is at `other` has. The same number made by another server is
    /// another transaction: their ways parted before it.
    pub(crate) fn covers(&self, other: &Position) -> bool {
        other.0.iter().all(|(domain, (server, number))| {
            self.0.get(domain).is_some_and(|(s, n)| n > number || (n == number && s == server))
        })
    }

    /// Moves on to `other` in each domain in which that is further.
    pub(crate) fn raise(&mut self, other: &Position) {
        for (domain, there) in &other.0 {
            let here = self.0.entry(*domain).or_insert(*there);
            if here.1 < there.1 {
                *here = *there;
            }
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (domain, (server, number))) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(f, "{comma}{domain}-{server}-{number}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_further_in_every_domain_has_everything() {
        let check = |a: &str, b: &str, expected: bool| {
            assert_eq!(Position::parse(a).covers(&Position::parse(b)), expected, "{a} covers {b}");
        };
        check("", "", true);
        check("0-1-5", "", true);
        check("", "0-1-5", false);
        check("0-1-5", "0-1-5", true);
        check("0-2-6", "0-1-5", true);
        check("0-1-4", "0-1-5", false);
        // Both went on alone after 4.
        check("0-2-5", "0-1-5", false);
        check("0-1-9,1-1-1", "1-1-1,0-1-9", true);
        check("0-1-9", "0-1-9,1-1-1", false);
    }

    #[test]
    fn a_position_is_written_as_it_is_read_and_only_grows() {
        let mut position = Position::parse("1-2-3,0-1-9");
        assert_eq!(position.to_string(), "0-1-9,1-2-3");
        position.raise(&Position::parse("0-2-4,1-3-7,2-1-1"));
        assert_eq!(position.to_string(), "0-1-9,1-3-7,2-1-1");
        assert_eq!(Position::parse("nonsense,1-2,x-y-z"), Position::default());
    }
}
