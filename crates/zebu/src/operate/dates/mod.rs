//! Dates on the command line: printed and read as `COMMANDLINE_TIMEZONE` and `COMMANDLINE_DATEFORMAT` say.
//!
//! Days (a birthday) have no time zone: they are kept as `yyyy-MM-dd` and only written differently. Moments (when a job began)
//! come as milliseconds since the epoch and are shown in the time zone.

mod civil;
mod form;
mod zone;

use serde_json::{Map, Value};

use crate::operate::complaint::Complaint;
use crate::operate::exit;
use crate::operate::secret::Surroundings;
use crate::operate::talk::Answer;
use crate::operate::tool::{Kind, Opt};

use civil::Civil;
use form::Form;
use zone::Zone;

/// The form of dates if nobody says otherwise.
const FORM: &str = "yyyy-MM-dd";
/// The time zone if nobody says otherwise.
const ZONE: &str = "GMT";
/// Fields of a person that are a day, and the columns that have them.
pub(crate) const DAYS: [&str; 2] = ["birthday", "anniversary"];
/// Columns that have a moment.
const MOMENTS: [&str; 3] = ["created", "finished", "last_failure"];

/// How dates are written.
#[derive(Debug)]
pub(crate) struct Dates {
    form: Form,
    zone: Zone,
}

impl Dates {
    /// As the environment says.
    ///
    /// # Errors
    /// A variable has a value that is not possible; the sentence names it.
    pub(crate) fn found(around: &Surroundings<'_>) -> Result<Dates, Complaint> {
        let said = |name: &str, usual: &str| around.variable(name).unwrap_or_else(|| usual.to_owned());
        let refused = |name: &str, value: &str, why: String| {
            Complaint::error(exit::VALUE_ILLEGAL, format!("{name}: \"{value}\" {why}"))
        };
        let (form, zone) = (said("COMMANDLINE_DATEFORMAT", FORM), said("COMMANDLINE_TIMEZONE", ZONE));
        Ok(Dates {
            form: Form::of(&form).map_err(|why| refused("COMMANDLINE_DATEFORMAT", &form, why))?,
            zone: Zone::of(&zone).map_err(|why| refused("COMMANDLINE_TIMEZONE", &zone, why))?,
        })
    }

    /// Turns the days among a command's options into what is kept.
    ///
    /// # Errors
    /// One is not written as it should be; the sentence names it.
    pub(crate) fn read(&self, known: &[Opt], options: &mut Map<String, Value>) -> Result<(), Complaint> {
        for option in known.iter().filter(|option| option.kind == Kind::Day) {
            let Some(Value::String(text)) = options.get_mut(option.long) else { continue };
            // An empty text takes a field away.
            if text.is_empty() {
                continue;
            }
            let day = self.form.read(text).ok_or_else(|| {
                let (long, form) = (option.long, self.form.text());
                let words = format!("Option \"--{long}\" takes a date of the form {form}, not \"{text}\"");
                Complaint::error(exit::VALUE_ILLEGAL, words)
            })?;
            *text = day.to_string();
        }
        Ok(())
    }

    /// Writes the days and moments of an answer as they are to be shown.
    pub(crate) fn show(&self, answer: &mut Answer) {
        for (at, column) in answer.columns.iter().enumerate() {
            let (is_day, is_moment) = (DAYS.contains(&column.as_str()), MOMENTS.contains(&column.as_str()));
            for cell in answer.rows.iter_mut().filter_map(|row| row.get_mut(at)) {
                let shown = match cell {
                    // What somebody kept in another form is shown as it is.
                    Value::String(day) if is_day => day.parse().ok().map(|day| self.form.write(day)),
                    Value::Number(moment) if is_moment => moment.as_i64().map(|ms| self.moment(ms)),
                    _ => None,
                };
                if let Some(shown) = shown {
                    *cell = if shown.is_empty() { Value::Null } else { Value::from(shown) };
                }
            }
        }
    }

    /// A moment; nothing for what has not come yet.
    fn moment(&self, ms: i64) -> String {
        if ms == 0 {
            return String::new();
        }
        let seconds = ms.div_euclid(1_000);
        self.form.write(Civil::of_seconds(seconds.saturating_add(self.zone.offset(seconds))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dates(variables: &[(&str, &str)]) -> Result<Dates, Complaint> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let mut nothing: &[u8] = &[];
        Dates::found(&Surroundings::new(&variable, &mut nothing))
    }

    fn shown(variables: &[(&str, &str)]) -> Vec<Value> {
        let text = json!({
            "columns": ["id", "birthday", "anniversary", "created", "finished"],
            "rows": [[1, "1980-02-29", "in May", 1_700_000_000_123i64, 0]],
        });
        let mut answer = serde_json::from_value(text).unwrap();
        dates(variables).unwrap().show(&mut answer);
        answer.rows.remove(0)
    }

    #[test]
    fn days_and_moments_are_shown_as_the_environment_says() {
        let usual = [json!(1), json!("1980-02-29"), json!("in May"), json!("2023-11-14"), json!(null)];
        assert_eq!(shown(&[]), usual);
        let form = ("COMMANDLINE_DATEFORMAT", "dd.MM.yyyy HH:mm:ss");
        let cells = shown(&[form, ("COMMANDLINE_TIMEZONE", "GMT+02:00")]);
        assert_eq!(cells[1], "29.02.1980 00:00:00");
        assert_eq!(cells[3], "15.11.2023 00:13:20");
        assert_eq!(shown(&[form])[3], "14.11.2023 22:13:20");
    }

    #[test]
    fn days_are_read_as_they_are_shown_and_kept_in_one_form() {
        let known = [Opt::day("birthday", "x"), Opt::text("company", 'z', "x")];
        let check = |form: &str, said: &str, expected: Option<&str>| {
            let dates = dates(&[("COMMANDLINE_DATEFORMAT", form)]).unwrap();
            let mut options = json!({"birthday": said, "company": said}).as_object().unwrap().clone();
            let read = dates.read(&known, &mut options);
            match expected {
                Some(kept) => {
                    read.unwrap();
                    assert_eq!((&options["birthday"], &options["company"]), (&json!(kept), &json!(said)));
                }
                None => {
                    let complaint = read.unwrap_err();
                    assert_eq!(complaint.exit, exit::VALUE_ILLEGAL);
                    let start = format!("Error: Option \"--birthday\" takes a date of the form {form}, not ");
                    assert!(complaint.words.starts_with(&start), "{}", complaint.words);
                }
            }
        };
        check("yyyy-MM-dd", "1980-02-29", Some("1980-02-29"));
        check("dd.MM.yyyy", "29.02.1980", Some("1980-02-29"));
        check("d/M/yy", "1/3/80", Some("1980-03-01"));
        check("dd.MM.yyyy", "", Some(""));
        check("dd.MM.yyyy", "29.02.1981", None);
        check("dd.MM.yyyy", "1980-02-29", None);
        check("yyyy-MM-dd", "1980-13-01", None);
        check("yyyy-MM-dd", "1980-02-29 ", None);
    }

    #[test]
    fn what_is_no_form_and_no_time_zone_is_refused_by_name() {
        for (name, value) in [
            ("COMMANDLINE_DATEFORMAT", "yyyy-QQ"),
            ("COMMANDLINE_DATEFORMAT", "'yyyy"),
            ("COMMANDLINE_DATEFORMAT", "-"),
            ("COMMANDLINE_TIMEZONE", "Europe/Nowhere"),
            ("COMMANDLINE_TIMEZONE", "../../etc/passwd"),
            ("COMMANDLINE_TIMEZONE", "GMT+25"),
        ] {
            let complaint = dates(&[(name, value)]).unwrap_err();
            assert_eq!(complaint.exit, exit::VALUE_ILLEGAL);
            assert!(
                complaint.words.starts_with(&format!("Error: {name}: \"{value}\" ")),
                "{}",
                complaint.words
            );
        }
    }
}
