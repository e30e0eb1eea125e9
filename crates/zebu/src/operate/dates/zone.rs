//! A time zone: an offset that is written out (`GMT+2`, `UTC`, `+02:00`), or one by name (`Europe/Berlin`) out of the machine's
//! time zone database (TZif, RFC 9636).

use std::fs;

use super::civil::Civil;

/// Where machines keep the database.
const DATABASE: &str = "/usr/share/zoneinfo";
/// Bytes of a zone's file, at most; the largest have some 4 kB.
const FILE_BYTES_MAX: usize = 65_536;
/// Bytes of the header of TZif.
const HEADER: usize = 44;

/// A time zone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Zone {
    /// From when on which offset holds, in order: seconds since the epoch, seconds east of Greenwich.
    changes: Vec<(i64, i64)>,
    /// What holds before the first.
    first: i64,
    /// What holds after the last, if it goes on changing.
    rule: Option<Rule>,
}

/// Summer time year by year.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    standard: i64,
    summer: i64,
    begins: Turn,
    ends: Turn,
}

/// A day of each year: that weekday (0: Sunday) of that week (5: the last one) of that month, and a time of day in seconds.
#[derive(Debug, PartialEq, Eq)]
struct Turn {
    month: i64,
    week: i64,
    weekday: i64,
    second: i64,
}

impl Zone {
    /// The zone of this name, or why there is none.
    pub(super) fn of(name: &str) -> Result<Zone, String> {
        if let Some(offset) = offset(name) {
            return Ok(Zone { changes: Vec::new(), first: offset, rule: None });
        }
        let unknown = || {
            format!(
                "is no time zone known here: GMT, GMT+2, GMT-03:30, or a name from {DATABASE}, like Europe/Berlin"
            )
        };
        let is_part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphabetic())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "+-_".contains(c))
        };
        if !name.split('/').all(is_part) {
            return Err(unknown());
        }
        let bytes = fs::read(format!("{DATABASE}/{name}")).ok().filter(|b| b.len() <= FILE_BYTES_MAX);
        bytes.and_then(|bytes| parsed(&bytes)).ok_or_else(unknown)
    }

    /// Seconds east of Greenwich at a moment, seconds since the epoch.
    pub(super) fn offset(&self, at: i64) -> i64 {
        let past = self.changes.partition_point(|(since, _)| *since <= at);
        match (&self.rule, past.checked_sub(1).and_then(|last| self.changes.get(last))) {
            (Some(rule), _) if past == self.changes.len() => rule.offset(at),
            (_, Some((_, offset))) => *offset,
            (_, None) => self.first,
        }
    }
}

/// An offset that is written out.
fn offset(name: &str) -> Option<i64> {
    let rest = ["GMT", "UTC", "UT"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    if rest.is_empty() || name == "Z" {
        return (!name.is_empty()).then_some(0);
    }
    let (sign, digits) = match rest.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some(parts), _) => parts,
        (None, 4) => digits.split_at_checked(2)?,
        (None, _) => (digits, "00"),
    };
    let number = |text: &str, most: i64| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse::<i64>().ok()).flatten().filter(|number| *number <= most)
    };
    Some(sign * (number(hours, 23)? * 3_600 + number(minutes, 59)? * 60))
}

/// Reads the second, 64-bit part of a file and the rule behind it.
fn parsed(file: &[u8]) -> Option<Zone> {
    let counts = |header: &[u8]| -> Option<Vec<usize>> {
        let is_ours = header.starts_with(b"TZif") && header.get(4).is_some_and(|version| *version >= b'2');
        let number = |n: usize| usize::try_from(big(header.get(20 + 4 * n..24 + 4 * n)?)).ok();
        is_ours.then(|| (0..6).map(number).collect()).flatten()
    };
    // Of each part: flags of UT, flags of standard time, leap seconds, changes, kinds of time, letters.
    let size = |n: &[usize], wide: usize| match n {
        [ut, standard, leaps, changes, kinds, letters] => {
            Some(changes * (wide + 1) + kinds * 6 + letters + leaps * (wide + 4) + standard + ut)
        }
        _ => None,
    };
    let second = file.get(HEADER + size(&counts(file.get(..HEADER)?)?, 4)?..)?;
    let numbers = counts(second.get(..HEADER)?)?;
    let (changes, kinds) = (*numbers.get(3)?, *numbers.get(4)?);
    let body = second.get(HEADER..)?;
    let indices = body.get(changes * 8..changes * 9)?;
    let kinds = body.get(changes * 9..changes * 9 + kinds * 6)?;
    let offset = |index: usize| Some(big(kinds.get(index * 6..index * 6 + 4)?));
    let changes = indices
        .iter()
        .enumerate()
        .map(|(at, index)| Some((big(body.get(at * 8..at * 8 + 8)?), offset(usize::from(*index))?)));
    let footer = std::str::from_utf8(body.get(size(&numbers, 8)?..)?).ok()?;
    Some(Zone { changes: changes.collect::<Option<_>>()?, first: offset(0)?, rule: rule(footer.trim()) })
}

/// A signed number of four or eight bytes, the greatest first.
fn big(bytes: &[u8]) -> i64 {
    let fill = if bytes.first().is_some_and(|first| *first >= 0x80) { -1 } else { 0 };
    bytes.iter().fold(fill, |number, byte| number << 8 | i64::from(*byte))
}

/// The rule of a text like `CET-1CEST,M3.5.0,M10.5.0/3`; none for a zone without summer time.
fn rule(text: &str) -> Option<Rule> {
    let mut parts = text.split(',');
    let names = parts.next()?;
    let (standard, rest) = named_offset(names)?;
    if rest.is_empty() {
        return None;
    }
    // Only what is not an hour later is said.
    let summer = named_offset(rest).map_or(standard + 3_600, |(summer, _)| summer);
    Some(Rule { standard, summer, begins: turn(parts.next()?)?, ends: turn(parts.next()?)? })
}

/// A name, `<+03>` or letters, and how far it is west of Greenwich; what is left.
fn named_offset(text: &str) -> Option<(i64, &str)> {
    let rest = match text.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>')?.1,
        None => text.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && !"+-:".contains(c)).unwrap_or(rest.len());
    let (offset, left) = rest.split_at_checked(end)?;
    Some((-time(offset)?, left))
}

/// `h`, `h:mm` or `h:mm:ss`, with a sign, in seconds.
fn time(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut seconds = 0;
    let mut unit = 3_600;
    for part in digits.split(':') {
        seconds += part.parse::<i64>().ok().filter(|number| (0..=167).contains(number))? * unit;
        unit /= 60;
    }
    Some(sign * seconds)
}

fn turn(text: &str) -> Option<Turn> {
    let (day, second) = match text.split_once('/') {
        Some((day, at)) => (day, time(at)?),
        None => (text, 7_200),
    };
    let mut numbers = day.strip_prefix('M')?.split('.').map(|number| number.parse::<i64>().ok());
    Some(Turn { month: numbers.next()??, week: numbers.next()??, weekday: numbers.next()??, second })
}

impl Turn {
    /// The moment in a year, by a clock that is `offset` east of Greenwich.
    fn moment(&self, year: i64, offset: i64) -> i64 {
        let days = |day| Civil { year, month: self.month, day, second: 0 }.days();
        // The epoch was a Thursday.
        let first = (days(1) + 4).rem_euclid(7);
        let mut day = 1 + (self.weekday - first).rem_euclid(7) + 7 * (self.week - 1);
        while day > 28 && Civil::of_day(year, self.month, day).is_none() {
            day -= 7;
        }
        days(day) * 86_400 + self.second - offset
    }
}

impl Rule {
    fn offset(&self, at: i64) -> i64 {
        let year = Civil::of_seconds(at + self.standard).year;
        let begins = self.begins.moment(year, self.standard);
        let ends = self.ends.moment(year, self.summer);
        let is_summer =
            if begins < ends { (begins..ends).contains(&at) } else { !(ends..begins).contains(&at) };
        if is_summer { self.summer } else { self.standard }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_may_be_written_out() {
        let check =
            |name: &str, seconds: i64| assert_eq!(Zone::of(name).unwrap().offset(0), seconds, "{name}");
        check("GMT", 0);
        check("UTC", 0);
        check("Z", 0);
        check("GMT+2", 7_200);
        check("UTC-03:30", -12_600);
        check("+0530", 19_800);
        for name in ["", "GMT+", "GMT+24", "+1:60", "GMT2", "+-1", "Europe", "a b"] {
            Zone::of(name).unwrap_err();
        }
    }

    #[test]
    fn a_zone_of_the_database_knows_summer_and_winter_far_into_the_future() {
        // A file of the shape RFC 9636 describes: one change, and the rule that goes on from there.
        let mut file = b"TZif2".to_vec();
        file.extend([0; 15]);
        file.extend([0; 24]);
        file.extend(b"TZif2");
        file.extend([0; 15]);
        for count in [0u32, 0, 0, 1, 2, 8] {
            file.extend(count.to_be_bytes());
        }
        file.extend((-2_000_000_000i64).to_be_bytes());
        file.push(1);
        for offset in [3_208i32, 3_600] {
            file.extend(offset.to_be_bytes());
            file.extend([0, 0]);
        }
        file.extend(b"LMT\0CET\0\nCET-1CEST,M3.5.0,M10.5.0/3\n");
        let zone = parsed(&file).unwrap();
        let check = |at: i64, offset: i64| assert_eq!(zone.offset(at), offset, "{at}");
        check(-2_000_000_001, 3_208);
        // 2026-03-29T01:00Z and 2026-10-25T01:00Z.
        check(1_774_745_999, 3_600);
        check(1_774_746_000, 7_200);
        check(1_792_889_999, 7_200);
        check(1_792_890_000, 3_600);
        for cut in 0..file.len() - 30 {
            assert_eq!(parsed(&file[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn south_of_the_equator_summer_goes_over_new_year() {
        let rule = rule("<-03>3<-02>,M10.1.0/0,M2.3.0/0").unwrap();
        // 2026-01-15, 2026-07-15, 2026-12-15.
        assert_eq!(
            [1_768_435_200, 1_784_073_600, 1_797_292_800].map(|at| rule.offset(at)),
            [-7_200, -10_800, -7_200]
        );
        assert_eq!(super::rule("CET-1"), None);
    }
}
