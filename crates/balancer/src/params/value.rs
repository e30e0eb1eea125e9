//! Values of parameters as Apache writes them: numbers, decimals, times with a unit, On and Off. Pure.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A member's share, from 1 to 100 with two decimals (`loadfactor`); kept in hundredths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u32);

impl Weight {
    /// The share of a member of which nothing is said.
    pub const ONE: Self = Self(100);

    /// From hundredths, 100 to 10,000.
    ///
    /// # Errors
    /// It is outside.
    pub fn of_hundredths(hundredths: u32) -> Result<Self, String> {
        if (100..=10_000).contains(&hundredths) {
            return Ok(Self(hundredths));
        }
        Err("must be from 1 to 100, with two decimals at most".to_owned())
    }

    /// In hundredths.
    #[must_use]
    pub const fn hundredths(self) -> u32 {
        self.0
    }

    /// Reads `5`, `5.25`.
    ///
    /// # Errors
    /// It is no such number, or outside.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // Other programs write more zeros behind the point than there are digits kept here.
        let kept = decimals.trim_end_matches('0');
        let fits = is_number(whole) && is_number(decimals) && whole.len() <= 3 && kept.len() <= 2;
        let hundredths = format!("{whole}{kept:0<2}").parse().ok().filter(|_| fits);
        Self::of_hundredths(hundredths.unwrap_or(0))
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match (rest, rest % 10) {
            (0, _) => write!(formatter, "{whole}"),
            (_, 0) => write!(formatter, "{whole}.{}", rest / 10),
            _ => write!(formatter, "{whole}.{rest:02}"),
        }
    }
}

impl fmt::Debug for Weight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Weight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            return serializer.serialize_u32(self.0 / 100);
        }
        serializer.serialize_f64(f64::from(self.0) / 100.0)
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        Self::parse(&number.to_string()).map_err(serde::de::Error::custom)
    }
}

/// What members prove each other with; never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_empty() { "none" } else { "set" })
    }
}

/// A whole number from `least` to `most`.
///
/// # Errors
/// It is none, or outside.
pub(crate) fn number(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let parsed = text.parse().ok().filter(|number| (least..=most).contains(number));
    parsed.ok_or_else(|| format!("must be a number from {least} to {most}"))
}

/// `On` or `Off`, or what TOML calls them.
///
/// # Errors
/// It is neither.
pub(crate) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err("must be On or Off".to_owned()),
    }
}

/// A time in milliseconds: a number in `unit_ms`, or with its unit: `ms`, `s`, `mi` or `min`, `h`.
///
/// # Errors
/// It is none, or outside of `least_ms` to `most_ms`.
pub(crate) fn time_ms(text: &str, unit_ms: u64, least_ms: u64, most_ms: u64) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "" => Some(unit_ms),
        "ms" => Some(1),
        "s" => Some(1_000),
        "mi" | "min" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let time = number.parse::<u64>().ok().zip(unit_ms).and_then(|(number, unit)| number.checked_mul(unit));
    time.filter(|ms| (least_ms..=most_ms).contains(ms)).ok_or_else(|| {
        format!("must be a time from {least_ms} to {most_ms} ms: a number, or with its unit, ms, s, min or h")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_has_two_decimals_and_lies_between_1_and_100() {
        let check = |text: &str, expected: Option<u32>| {
            assert_eq!(Weight::parse(text).ok().map(Weight::hundredths), expected, "{text}");
        };
        check("1", Some(100));
        check("50", Some(5_000));
        check("100", Some(10_000));
        check("2.5", Some(250));
        check("2.05", Some(205));
        check("2.500", Some(250));
        check("2.505", None);
        check("0.5", None);
        check("100.01", None);
        check("101", None);
        check("", None);
        check("1.", None);
        check(".5", None);
        check("-1", None);
        check("1e1", None);
        check("00000000000000000001", None);
    }

    proptest! {
        #[test]
        fn a_share_is_read_as_it_is_written(hundredths in 100u32..=10_000) {
            let weight = Weight::of_hundredths(hundredths).unwrap();
            prop_assert_eq!(Weight::parse(&weight.to_string()), Ok(weight));
            let json = serde_json::to_string(&weight).unwrap();
            prop_assert_eq!(serde_json::from_str::<Weight>(&json).unwrap(), weight);
        }
    }

    #[test]
    fn times_are_read_with_and_without_their_unit() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(time_ms(text, 1_000, 10, 3_600_000).ok(), expected, "{text}");
        };
        check("5", Some(5_000));
        check("500ms", Some(500));
        check("2s", Some(2_000));
        check("1min", Some(60_000));
        check("1mi", Some(60_000));
        check("1h", Some(3_600_000));
        check("9ms", None);
        check("2h", None);
        check("5d", None);
        check("", None);
        check("ms", None);
        check("-5", None);
        check("99999999999999999999", None);
        check("18446744073709551615h", None);
    }

    #[test]
    fn a_secret_is_never_shown() {
        assert_eq!(format!("{:?}", Secret::from("abc")), "set");
    }
}
