//! What names and other fields of provisioned things may look like: login names, mappings, locales, time zones, addresses.

use crate::limits::CREDENTIAL_CHARS_MAX;

/// Characters of a login or display name, a first or last name, a group's or resource's name.
pub const NAME_CHARS_MAX: usize = 256;
/// Characters of an address (RFC 5321 section 4.5.3.1: 64 before the `@`, 255 behind it).
pub const EMAIL_CHARS_MAX: usize = 320;
/// Characters of a time zone's name.
pub const TIMEZONE_CHARS_MAX: usize = 64;
/// Characters of a password.
pub const PASSWORD_CHARS_MAX: usize = CREDENTIAL_CHARS_MAX;
/// Characters of the name of a context, a server, a file store's URL, a mapping.
pub const REGISTERED_CHARS_MAX: usize = 255;
/// Characters of a database's name. Schemas are called after it, an underscore and a number: 64 together.
pub const DATABASE_CHARS_MAX: usize = 44;
/// Characters of a resource's description.
pub const DESCRIPTION_CHARS_MAX: usize = 5_680;

/// Why a field's value is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has to be given.
    Missing,
    /// It is longer than so many characters.
    TooLong(usize),
    /// Something else, in words that go on from "is not possible: ".
    Shape(&'static str),
}

type Checked = Result<(), Fault>;

fn line(text: &str, chars_max: usize) -> Checked {
    if text.chars().count() > chars_max {
        Err(Fault::TooLong(chars_max))
    } else if text.chars().any(char::is_control) {
        Err(Fault::Shape("it contains a control character"))
    } else {
        Ok(())
    }
}

fn given(text: &str, chars_max: usize) -> Checked {
    if text.trim().is_empty() { Err(Fault::Missing) } else { line(text, chars_max) }
}

/// A user's login name. The original's `CHECK_USER_UID_REGEX`: `[$@%\.+a-zA-Z0-9_-]`.
pub fn login(text: &str) -> Checked {
    given(text, NAME_CHARS_MAX)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "$@%.+_-".contains(c);
    if text.chars().all(fits) {
        Ok(())
    } else {
        Err(Fault::Shape("only letters a to z, digits and $ @ % . + _ - are allowed"))
    }
}

/// A login mapping. The original's pattern: `[$%\.+a-zA-Z0-9_-]`: no `@`, at which a login is split.
pub fn mapping(text: &str) -> Checked {
    given(text, REGISTERED_CHARS_MAX)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "$%.+_-".contains(c);
    if text.chars().all(fits) {
        Ok(())
    } else {
        Err(Fault::Shape("only letters a to z, digits and $ % . + _ - are allowed"))
    }
}

/// A name that must be there and takes any character one can see.
pub fn name(text: &str) -> Checked {
    given(text, NAME_CHARS_MAX)
}

/// A name that may be empty.
pub fn optional_name(text: &str) -> Checked {
    line(text, NAME_CHARS_MAX)
}

/// The name of something registered.
pub fn registered(text: &str) -> Checked {
    given(text, REGISTERED_CHARS_MAX)
}

/// A database's name: schemas are called after it, so it is what a schema may be called on every server.
pub fn database(text: &str) -> Checked {
    given(text, DATABASE_CHARS_MAX)?;
    if text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        Ok(())
    } else {
        Err(Fault::Shape("only letters a to z, digits, _ and - are allowed: schemas are called after it"))
    }
}

/// An address: one `@` with something on both sides, no blanks. More than that only the mail server knows.
pub fn email(text: &str) -> Checked {
    given(text, EMAIL_CHARS_MAX)?;
    let parts = text.rsplit_once('@');
    if parts.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
        && !text.chars().any(char::is_whitespace)
    {
        Ok(())
    } else {
        Err(Fault::Shape("it is no mail address"))
    }
}

/// A password.
pub fn password(text: &str) -> Checked {
    if text.is_empty() {
        Err(Fault::Missing)
    } else if text.chars().count() > PASSWORD_CHARS_MAX {
        Err(Fault::TooLong(PASSWORD_CHARS_MAX))
    } else {
        Ok(())
    }
}

/// A locale: `de`, or `de_DE`.
pub fn locale(text: &str) -> Checked {
    let lower = |t: &str| (2..=3).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_lowercase());
    let upper = |t: &str| t.len() == 2 && t.bytes().all(|b| b.is_ascii_uppercase());
    let fits = match text.split_once('_') {
        Some((language, country)) => lower(language) && upper(country),
        None => lower(text),
    };
    if fits { Ok(()) } else { Err(Fault::Shape("it is no locale such as en_US")) }
}

/// A time zone's name: `Europe/Berlin`. Whether there is one of this name the database of zones knows, not we.
pub fn timezone(text: &str) -> Checked {
    given(text, TIMEZONE_CHARS_MAX)?;
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "/_+-".contains(c)) {
        Ok(())
    } else {
        Err(Fault::Shape("it is no name of a time zone such as Europe/Berlin"))
    }
}

/// A free text.
pub fn description(text: &str) -> Checked {
    if text.chars().count() > DESCRIPTION_CHARS_MAX {
        Err(Fault::TooLong(DESCRIPTION_CHARS_MAX))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_login_could_not_be_split_from_are_refused() {
        for good in ["oxadmin", "anna@example.org", "a.b+c_d-e%f$1"] {
            assert_eq!(login(good), Ok(()), "{good}");
        }
        for bad in ["", " ", "a b", "ä", "a/b", "a\n", &"x".repeat(257)] {
            assert!(login(bad).is_err(), "{bad}");
        }
        assert!(mapping("a@b").is_err() && mapping("defaultcontext").is_ok() && mapping("1").is_ok());
    }

    #[test]
    fn what_is_no_address_locale_or_zone_is_refused() {
        for (check, good, bad) in [
            (email as fn(&str) -> Checked, "oxadmin@example.com", ["", "a", "@a", "a@", "a b@c"]),
            (locale, "en_US", ["", "EN_us", "english", "en-US", "en_USA"]),
            (timezone, "Etc/GMT+1", ["", "Europe Berlin", "é", "a;b", &"x".repeat(65)]),
            (database, "oxdatabase", ["", "a`b", "a.b", "ä", &"x".repeat(45)]),
            (password, "s", ["", "", "", "", &"x".repeat(257)]),
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
            for bad in bad {
                assert!(check(bad).is_err(), "{bad}");
            }
        }
        assert_eq!(locale("de"), Ok(()));
    }
}
