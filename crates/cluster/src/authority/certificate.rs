//! What a certificate says: whose it is, and until when.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::names::{self, Name};

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// A certificate, read. Nothing is said about who signed it: that is for [`super::Pki`] to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate itself, DER.
    pub der: Vec<u8>,
    /// Cluster and node, if it is a node's.
    pub names: Option<(Name, Name)>,
    /// Its subject, for people.
    pub subject: String,
    /// Good from, ms since the epoch.
    pub from_ms: i64,
    /// Good until, ms since the epoch.
    pub until_ms: i64,
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// A sentence, if these bytes are none.
    pub fn read(der: &[u8]) -> Result<Self, String> {
        let (rest, parsed) = X509Certificate::from_der(der)
            .map_err(|error| format!("a certificate in it cannot be read: {error}"))?;
        if !rest.is_empty() {
            return Err("a certificate in it has bytes after its end".to_owned());
        }
        let validity = parsed.validity();
        Ok(Self {
            der: der.to_vec(),
            names: names_of(&parsed),
            subject: parsed.subject().to_string(),
            from_ms: validity.not_before.timestamp().saturating_mul(1_000),
            until_ms: validity.not_after.timestamp().saturating_mul(1_000),
        })
    }

    /// Whole days until it ends; negative when it has.
    #[must_use]
    pub fn days_left(&self, now_ms: i64) -> i64 {
        self.until_ms.saturating_sub(now_ms).div_euclid(DAY_MS)
    }

    /// SHA-256 in the form of `openssl x509 -fingerprint -sha256`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for (index, byte) in Sha256::digest(&self.der).iter().enumerate() {
            // Writing to a text cannot fail.
            let _ = write!(text, "{}{byte:02X}", if index > 0 { ":" } else { "" });
        }
        text
    }

    /// The day it ends, as `2036-11-23`.
    #[must_use]
    pub fn last_day(&self) -> String {
        day(self.until_ms)
    }
}

fn names_of(parsed: &X509Certificate<'_>) -> Option<(Name, Name)> {
    let alternative = parsed.subject_alternative_name().ok().flatten()?;
    alternative.value.general_names.iter().find_map(|name| match name {
        GeneralName::URI(uri) => names::parse(uri),
        _ => None,
    })
}

/// The calendar day of a time (days to civil, proleptic Gregorian calendar in eras of 400 years).
fn day(ms: i64) -> String {
    let shifted = ms.div_euclid(DAY_MS).saturating_add(719_468);
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", year_of_era + era * 400 + year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_a_time_is_the_calendar_s() {
        let check = |ms: i64, expected: &str| assert_eq!(day(ms), expected);
        check(0, "1970-01-01");
        check(-1, "1969-12-31");
        check(951_782_400_000, "2000-02-29");
        check(1_795_651_200_000, "2026-11-26");
        check(4_107_542_400_000, "2100-03-01");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(Certificate::read(b"").is_err());
        assert!(Certificate::read(&[0x30, 0x82, 0xff, 0xff, 0]).is_err());
    }
}
