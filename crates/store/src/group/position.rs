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

    /// Which server made the last transaction of each domain.
    pub(crate) fn makers(&self) -> BTreeMap<u32, u32> {
        self.0.iter().map(|(domain, (server, _))| (*domain, *server)).collect()
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

/// What is in a server's binary log: for each domain, and each server that made transactions in it, the last number. Where a
/// position says only who was last, this says whose transactions came by on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log(BTreeMap<(u32, u32), u64>);

impl Log {
    /// Reads `domain-server-number,…`.
    pub(crate) fn parse(text: &str) -> Log {
        let parts = text.split(',').map(|part| Position::parse(part).0.into_iter());
        Log(parts.flatten().map(|(domain, (server, number))| ((domain, server), number)).collect())
    }

    /// Whether a server with this log, which is at `here`, has everything that whoever is at `other` has: not only as many
    /// transactions, but these. One that was set up from a copy has them without having logged them.
    pub(crate) fn has(&self, here: &Position, other: &Position) -> bool {
        if self.0.is_empty() {
            return here.covers(other);
        }
        other.0.iter().all(|(domain, (server, number))| {
            let logged = self.0.get(&(*domain, *server)).is_some_and(|n| n >= number);
            logged || here.0.get(domain).is_some_and(|(s, n)| s == server && n >= number)
        })
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
    fn a_log_tells_more_transactions_of_ones_own_from_those_of_a_successor() {
        let check = |log: &str, here: &str, other: &str, expected: bool| {
            let has = Log::parse(log).has(&Position::parse(here), &Position::parse(other));
            assert_eq!(has, expected, "{log} at {here} has {other}");
        };
        // The old master went on alone after 6; its successor made 7.
        check("0-1-9", "0-1-9", "0-2-7", false);
        check("0-1-6,0-2-7", "0-2-7", "0-2-7", true);
        // It followed, and was made the master again.
        check("0-1-20,0-2-9", "0-1-20", "0-2-7", true);
        check("0-1-6", "0-2-8", "0-2-7", true);
        check("0-1-6,1-1-4", "0-1-6", "0-1-5,1-1-5", false);
        // Without a binary log nothing more is known than where it is.
        check("", "0-1-9", "0-2-7", true);
        check("", "0-1-6", "0-2-7", false);
        check("", "", "", true);
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
