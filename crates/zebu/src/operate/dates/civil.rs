//! A date and a time of day in the Gregorian calendar, with no time zone of their own.

use std::fmt;
use std::str::FromStr;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A date and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    /// 1 to 31.
    pub(super) day: i64,
    /// Of the day, from 0.
    pub(super) second: i64,
}

impl Civil {
    /// A day that there is.
    pub(super) fn of_day(year: i64, month: i64, day: i64) -> Option<Civil> {
        let exists = (1..=9_999).contains(&year) && (1..=12).contains(&month) && day >= 1;
        (exists && day <= days_of(year, month)).then_some(Civil { year, month, day, second: 0 })
    }

    /// Of seconds since 1970-01-01T00:00.
    pub(super) fn of_seconds(seconds: i64) -> Civil {
        let second = seconds.rem_euclid(DAY);
        // Years begin in March here, so that the day that is not always there comes last; 400 of them have 146,097 days.
        let days = seconds.div_euclid(DAY).saturating_add(719_468);
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * march + 2) / 5 + 1;
        let month = if march < 10 { march + 3 } else { march - 9 };
        let year = era.saturating_mul(400).saturating_add(year).saturating_add(i64::from(month <= 2));
        Civil { year, month, day, second }
    }

    /// Days since 1970-01-01.
    pub(super) fn days(self) -> i64 {
        let year = if self.month <= 2 { self.year.saturating_sub(1) } else { self.year };
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let march = (self.month + 9) % 12;
        let of_year = (153 * march + 2) / 5 + self.day - 1;
        let days = 365 * of_era + of_era / 4 - of_era / 100 + of_year;
        era.saturating_mul(146_097).saturating_add(days).saturating_sub(719_468)
    }
}

/// How many days a month has.
fn days_of(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day as it is kept: `yyyy-MM-dd`.
impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Civil {
    type Err = ();

    fn from_str(text: &str) -> Result<Civil, ()> {
        let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().map_err(drop));
        let mut part = || parts.next().unwrap_or(Err(()));
        Civil::of_day(part()?, part()?, part()?).filter(|day| day.to_string() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_comes_after_the_last_one_and_is_found_again() {
        let mut before = Civil::of_seconds(-135_140 * DAY - 1);
        assert_eq!(before.to_string(), "1599-12-31");
        for number in -135_140..120_000 {
            let day = Civil::of_seconds(number * DAY);
            assert_eq!(day.days(), number);
            let expected = Civil::of_day(before.year, before.month, before.day + 1)
                .or_else(|| Civil::of_day(before.year, before.month + 1, 1))
                .or_else(|| Civil::of_day(before.year + 1, 1, 1));
            assert_eq!(Some(day), expected);
            before = day;
        }
        assert_eq!(Civil::of_seconds(0).to_string(), "1970-01-01");
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in
            ["1981-02-29", "1900-02-29", "2000-1-1", "2000-00-01", "2000-01-32", "2000-01", "", "a-b-c"]
        {
            assert_eq!(text.parse::<Civil>(), Err(()), "{text}");
        }
        assert_eq!("2000-02-29".parse::<Civil>().map(|day| day.to_string()).as_deref(), Ok("2000-02-29"));
    }
}
