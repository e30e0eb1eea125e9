//! The form of a date, as the original has it: letters of Java's `SimpleDateFormat`, of which those are known that people write
//! dates with.

use super::civil::Civil;

/// A part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Year { short: bool },
    Number { what: What, width: usize },
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// A form.
#[derive(Debug)]
pub(super) struct Form {
    text: String,
    parts: Vec<Part>,
}

impl Form {
    /// The form that a text describes, or why it describes none.
    pub(super) fn of(text: &str) -> Result<Form, String> {
        let mut parts = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(letter) = rest.next() {
            if letter == '\'' {
                parts.push(Part::Text(quoted(&mut rest)?));
            } else if letter.is_ascii_alphabetic() {
                let mut width = 1;
                while rest.next_if_eq(&letter).is_some() {
                    width += 1;
                }
                parts.push(part(letter, width)?);
            } else {
                parts.push(Part::Text(letter.to_string()));
            }
        }
        if parts.iter().all(|part| matches!(part, Part::Text(_))) {
            return Err("is no form of dates: yyyy-MM-dd, dd.MM.yyyy HH:mm …".to_owned());
        }
        Ok(Form { text: text.to_owned(), parts })
    }

    /// As it was described.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A date in this form.
    pub(super) fn write(&self, date: Civil) -> String {
        let write = |part: &Part| match part {
            Part::Year { short: true } => format!("{:02}", date.year.rem_euclid(100)),
            Part::Year { short: false } => format!("{:04}", date.year),
            Part::Number { what, width } => format!("{:0width$}", what.of(date)),
            Part::Text(text) => text.clone(),
        };
        self.parts.iter().map(write).collect()
    }

    /// The day of a text in this form; `None` if it is not in this form, or no day.
    pub(super) fn read(&self, text: &str) -> Option<Civil> {
        let (mut year, mut month, mut day) = (None, None, None);
        let mut rest = text;
        for part in &self.parts {
            match part {
                Part::Text(expected) => rest = rest.strip_prefix(expected.as_str())?,
                Part::Year { short } => {
                    let digits = if *short { 2 } else { 4 };
                    let number = number(&mut rest, digits, digits)?;
                    // As the original: of two digits, within eighty years back and twenty on.
                    year = Some(if !short {
                        number
                    } else if number < 46 {
                        2_000 + number
                    } else {
                        1_900 + number
                    });
                }
                Part::Number { what, width } => {
                    let number = number(&mut rest, *width, 2)?;
                    match what {
                        What::Month => month = Some(number),
                        What::Day => day = Some(number),
                        What::Hour if number > 23 => return None,
                        What::Minute | What::Second if number > 59 => return None,
                        _ => {}
                    }
                }
            }
        }
        if !rest.is_empty() {
            return None;
        }
        Civil::of_day(year?, month?, day?)
    }
}

impl What {
    fn of(self, date: Civil) -> i64 {
        match self {
            What::Month => date.month,
            What::Day => date.day,
            What::Hour => date.second / 3_600,
            What::Minute => date.second / 60 % 60,
            What::Second => date.second % 60,
        }
    }
}

fn part(letter: char, width: usize) -> Result<Part, String> {
    let what = match (letter, width) {
        ('y', 1 | 4) => return Ok(Part::Year { short: false }),
        ('y', 2) => return Ok(Part::Year { short: true }),
        ('M', 1 | 2) => What::Month,
        ('d', 1 | 2) => What::Day,
        ('H', 1 | 2) => What::Hour,
        ('m', 1 | 2) => What::Minute,
        ('s', 1 | 2) => What::Second,
        _ => {
            let run = letter.to_string().repeat(width);
            return Err(format!("has {run}, which is none of yyyy, yy, MM, M, dd, d, HH, H, mm, m, ss, s"));
        }
    };
    Ok(Part::Number { what, width })
}

/// What stands between two quotes; two quotes are one.
fn quoted(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    let mut text = String::new();
    for letter in rest.by_ref() {
        if letter == '\'' {
            return Ok(if text.is_empty() { letter.to_string() } else { text });
        }
        text.push(letter);
    }
    Err("has a quote that does not end".to_owned())
}

/// Takes digits off a text, so many at least and at most.
fn number(rest: &mut &str, least: usize, most: usize) -> Option<i64> {
    let digits = rest.bytes().take(most.max(least)).take_while(u8::is_ascii_digit).count();
    let (number, left) = rest.split_at_checked(digits).filter(|_| digits >= least)?;
    *rest = left;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_writes_what_it_reads() {
        let check = |form: &str, written: &str| {
            let form = Form::of(form).unwrap();
            let date = Civil { second: 13 * 3_600 + 5 * 60 + 7, ..Civil::of_day(2026, 3, 9).unwrap() };
            assert_eq!(form.write(date), written);
            assert_eq!(form.read(written), Civil::of_day(2026, 3, 9), "{written}");
        };
        check("yyyy-MM-dd", "2026-03-09");
        check("d.M.yy", "9.3.26");
        check("yyyyMMdd", "20260309");
        check("dd/MM/yyyy HH:mm:ss", "09/03/2026 13:05:07");
        check("'on' d''M H:m:s, y", "on 9'3 13:5:7, 2026");
    }

    #[test]
    fn a_time_of_day_that_is_none_is_refused() {
        let form = Form::of("yyyy-MM-dd HH:mm").unwrap();
        assert!(form.read("2026-03-09 23:59").is_some());
        assert_eq!(form.read("2026-03-09 24:00"), None);
        assert_eq!(form.read("2026-03-09 23:60"), None);
        assert_eq!(Form::of("HH:mm").unwrap().read("23:59"), None);
    }
}
