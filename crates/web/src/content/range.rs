//! The `Range` header (RFC 9110 §14): one range of bytes.
//!
//! Several ranges in one request are answered with the whole, which the RFC allows: no client of ours asks, and each
//! range more is work for an attacker to order.

use std::ops::Range;

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Everything.
    Whole,
    /// These bytes; never empty, never past the end.
    Part(Range<u64>),
    /// 416: nothing of what was asked for is there.
    Nothing,
}

/// Reads the header for something of `size` bytes. What is no range of bytes is ignored.
pub(super) fn read(header: Option<&str>, size: u64) -> Wanted {
    let Some(ranges) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = ranges.split_once('-') else { return Wanted::Whole };
    let number = |text: &str| -> Option<u64> {
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (first.trim(), last.trim()) {
        ("", "") => Wanted::Whole,
        ("", suffix) => match number(suffix) {
            None => Wanted::Whole,
            Some(0) => Wanted::Nothing,
            Some(_) if size == 0 => Wanted::Whole,
            Some(length) => Wanted::Part(size.saturating_sub(length)..size),
        },
        (first, last) => {
            let (Some(first), Some(last)) =
                (number(first), if last.is_empty() { Some(u64::MAX) } else { number(last) })
            else {
                return Wanted::Whole;
            };
            if last < first {
                Wanted::Whole
            } else if first >= size {
                Wanted::Nothing
            } else {
                Wanted::Part(first..last.saturating_add(1).min(size))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_in_its_three_forms() {
        let check = |header, expected| assert_eq!(read(Some(header), 100), expected, "{header}");
        check("bytes=0-0", Wanted::Part(0..1));
        check("bytes=10-19", Wanted::Part(10..20));
        check("bytes=90-", Wanted::Part(90..100));
        check("bytes=90-1000", Wanted::Part(90..100));
        check("bytes=-10", Wanted::Part(90..100));
        check("bytes=-1000", Wanted::Part(0..100));
        check("bytes=0-18446744073709551615", Wanted::Part(0..100));
        check("bytes=0-99999999999999999999999", Wanted::Part(0..100));
    }

    #[test]
    fn what_is_not_there_is_said_and_what_makes_no_sense_ignored() {
        let check =
            |header, size, expected| assert_eq!(read(Some(header), size), expected, "{header} of {size}");
        check("bytes=100-", 100, Wanted::Nothing);
        check("bytes=-0", 100, Wanted::Nothing);
        check("bytes=0-", 0, Wanted::Nothing);
        check("bytes=-5", 0, Wanted::Whole);
        for ignored in
            ["bytes=5-1", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,5-6", "lines=0-1", "bytes=+1-2"]
        {
            check(ignored, 100, Wanted::Whole);
        }
        assert_eq!(read(None, 100), Wanted::Whole);
    }
}
