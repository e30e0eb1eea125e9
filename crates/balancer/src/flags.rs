//! What an operator says of a member: the letters of Apache's `status=`.
//!
//! Pure. Parsed by `params`, kept in `standing`, changed at run time by the manager.

use std::fmt;

use serde::{Serialize, Serializer};

/// A set of status letters.
///
/// | letter | meaning |
/// |---|---|
/// | `D` | disabled: gets nothing, sticky requests neither |
/// | `S` | stopped: the same, meant for longer |
/// | `I` | its errors are ignored: it is never taken out for them |
/// | `H` | hot standby: gets something only if nobody else of its set can |
/// | `R` | hot spare: stands in, one for one, for members of its set that cannot |
/// | `N` | drain: gets only the requests of sessions that are its own |
/// | `E` | in error: gets nothing until its `retry` is over |
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Flags(u8);

const LETTERS: [(char, Flags); 7] = [
    ('D', Flags::DISABLED),
    ('S', Flags::STOPPED),
    ('I', Flags::IGNORE_ERRORS),
    ('H', Flags::STANDBY),
    ('R', Flags::SPARE),
    ('N', Flags::DRAIN),
    ('E', Flags::ERROR),
];

impl Flags {
    /// None.
    pub const NONE: Self = Self(0);
    /// `D`.
    pub const DISABLED: Self = Self(1);
    /// `S`.
    pub const STOPPED: Self = Self(1 << 1);
    /// `I`.
    pub const IGNORE_ERRORS: Self = Self(1 << 2);
    /// `H`.
    pub const STANDBY: Self = Self(1 << 3);
    /// `R`.
    pub const SPARE: Self = Self(1 << 4);
    /// `N`.
    pub const DRAIN: Self = Self(1 << 5);
    /// `E`.
    pub const ERROR: Self = Self(1 << 6);

    /// Whether all of `other` are set here.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// With the letters of `other` set or taken away.
    #[must_use]
    pub const fn with(self, other: Self, set: bool) -> Self {
        Self(if set { self.0 | other.0 } else { self.0 & !other.0 })
    }

    /// What is set here and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// As bits, for an atomic.
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// From bits made by [`bits`](Self::bits).
    pub(crate) const fn of_bits(bits: u8) -> Self {
        Self(bits & 0x7f)
    }

    /// Changes these flags as `status=` does: letters are set, after a `-` taken away, after a `+` set again.
    ///
    /// # Errors
    /// The letter that is none, or an empty text.
    pub fn changed(self, text: &str) -> Result<Self, String> {
        let (mut flags, mut set, mut letters) = (self, true, 0);
        for letter in text.chars() {
            match letter {
                '+' => set = true,
                '-' => set = false,
                _ => {
                    let named = LETTERS.iter().find(|(known, _)| letter.eq_ignore_ascii_case(known));
                    let (_, flag) = named.ok_or_else(|| {
                        format!("'{letter}' is no status letter: D, S, I, H, R, N or E, with + or -")
                    })?;
                    flags = flags.with(*flag, set);
                    letters += 1;
                }
            }
        }
        if letters == 0 {
            return Err("no status letter: D, S, I, H, R, N or E, with + or -".to_owned());
        }
        Ok(flags)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = LETTERS.iter().filter(|(_, flag)| self.has(*flag));
        set.try_for_each(|(letter, _)| write!(formatter, "{letter}"))
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Flags({self})")
    }
}

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_set_and_taken_away_as_apache_does() {
        let check = |before: &str, change: &str, expected: &str| {
            let before = if before.is_empty() { Flags::NONE } else { Flags::NONE.changed(before).unwrap() };
            assert_eq!(before.changed(change).unwrap().to_string(), expected, "{before} {change}");
        };
        check("", "D", "D");
        check("", "+H", "H");
        check("", "dsihrne", "DSIHRNE");
        check("D", "-D", "");
        check("DN", "-D+I", "IN");
        check("DS", "-DS", "");
        check("", "+D-D", "");
    }

    #[test]
    fn what_is_no_letter_is_named() {
        assert!(Flags::NONE.changed("+X").unwrap_err().contains("'X'"));
        assert!(Flags::NONE.changed("").is_err());
        assert!(Flags::NONE.changed("+-").is_err());
    }
}
