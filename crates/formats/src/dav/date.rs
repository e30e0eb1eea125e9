//! Times as HTTP and DAV write them.
//!
//! Used by the property writer, and by `web` for headers. From milliseconds since 1970, UTC; fractions are
//! cut off, because HTTP dates have none and a time must not look newer than it is.

use std::fmt::Write as _;

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// 9999-12-31T23:59:59Z, the last second that both forms can write.
const SECONDS_MAX: i64 = 253_402_300_799;
/// 0000-01-01T00:00:00Z, the first one.
const SECONDS_MIN: i64 = -62_167_219_200;

/// A point in time, taken apart.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    weekday: &'static str,
    hour: i64,
    minute: i64,
    second: i64,
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7). Times outside the years 0 to 9999 are moved to
/// their border.
pub fn http_date(ms: i64) -> String {
    let Civil { year, month, day, weekday, hour, minute, second } = civil(ms);
    let month = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&"Jan");
    let mut out = String::with_capacity(29);
    // Writing to a string does not fail.
    let _ = write!(out, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT");
    out
}

/// `1994-11-06T08:49:37Z` (RFC 3339). Times outside the years 0 to 9999 are moved to their border.
pub fn rfc3339(ms: i64) -> String {
    let Civil { year, month, day, hour, minute, second, .. } = civil(ms);
    let mut out = String::with_capacity(20);
    let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    out
}

fn civil(ms: i64) -> Civil {
    let seconds = ms.div_euclid(1000).clamp(SECONDS_MIN, SECONDS_MAX);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years that begin in March put the leap day last, so that every month but the last has a fixed place. An
    // era of 400 years has 146,097 days; day 0 is 0000-03-01, 719,468 days before 1970.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    Civil {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: of_year - (153 * month_from_march + 2) / 5 + 1,
        weekday: usize::try_from(days.rem_euclid(7)).ok().and_then(|day| WEEKDAYS.get(day)).unwrap_or(&"Thu"),
        hour: of_day / 3600,
        minute: of_day / 60 % 60,
        second: of_day % 60,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_both_forms() {
        let check = |ms: i64, http: &str, rfc: &str| {
            assert_eq!((http_date(ms).as_str(), rfc3339(ms).as_str()), (http, rfc), "{ms}");
        };
        check(0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z");
        check(784_111_777_999, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z");
        check(951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00Z");
        check(1_795_305_600_000, "Sun, 22 Nov 2026 00:00:00 GMT", "2026-11-22T00:00:00Z");
        check(-1, "Wed, 31 Dec 1969 23:59:59 GMT", "1969-12-31T23:59:59Z");
        check(i64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z");
        check(i64::MIN, "Sat, 01 Jan 0000 00:00:00 GMT", "0000-01-01T00:00:00Z");
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut expected = (1970, 1, 1);
        for days in 0..146_097 {
            let Civil { year, month, day, .. } = civil(days * 86_400_000);
            assert_eq!((year, month, day), expected);
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + i64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (day == length, month == 12) {
                (false, _) => (year, month, day + 1),
                (true, false) => (year, month + 1, 1),
                (true, true) => (year + 1, 1, 1),
            };
        }
    }
}
