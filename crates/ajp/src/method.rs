//! Methods, and the codes that AJP13 has for them.

use crate::Error;
use crate::error::Field;

/// Every method that has a code: the first one has code 1.
pub const METHODS: [&str; 27] = [
    "OPTIONS",
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "TRACE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "ACL",
    "REPORT",
    "VERSION-CONTROL",
    "CHECKIN",
    "CHECKOUT",
    "UNCHECKOUT",
    "SEARCH",
    "MKWORKSPACE",
    "UPDATE",
    "LABEL",
    "MERGE",
    "BASELINE-CONTROL",
    "MKACTIVITY",
];

/// The code of a method whose name comes as an attribute.
pub(crate) const STORED: u8 = 0xFF;

/// The name of a code; `None` if it is [`STORED`].
pub(crate) fn name(code: u8) -> Result<Option<&'static str>, Error> {
    if code == STORED {
        return Ok(None);
    }
    let index = usize::from(code).checked_sub(1);
    let found = index.and_then(|index| METHODS.get(index)).copied();
    found.map(Some).ok_or(Error::Code { field: Field::Method, code: u16::from(code) })
}

/// The code of a name, or [`STORED`].
pub(crate) fn code(name: &str) -> u8 {
    let index = METHODS.iter().position(|method| *method == name);
    index.and_then(|index| u8::try_from(index + 1).ok()).unwrap_or(STORED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_the_method_that_it_is_known_as() {
        let known = [
            (1, "OPTIONS"),
            (2, "GET"),
            (3, "HEAD"),
            (4, "POST"),
            (5, "PUT"),
            (6, "DELETE"),
            (7, "TRACE"),
            (8, "PROPFIND"),
            (9, "PROPPATCH"),
            (10, "MKCOL"),
            (11, "COPY"),
            (12, "MOVE"),
            (13, "LOCK"),
            (14, "UNLOCK"),
            (15, "ACL"),
            (16, "REPORT"),
            (17, "VERSION-CONTROL"),
            (18, "CHECKIN"),
            (19, "CHECKOUT"),
            (20, "UNCHECKOUT"),
            (21, "SEARCH"),
            (22, "MKWORKSPACE"),
            (23, "UPDATE"),
            (24, "LABEL"),
            (25, "MERGE"),
            (26, "BASELINE-CONTROL"),
            (27, "MKACTIVITY"),
        ];
        assert_eq!(known.len(), METHODS.len());
        for (number, method) in known {
            assert_eq!(name(number), Ok(Some(method)));
            assert_eq!(code(method), number);
        }
        assert_eq!(name(STORED), Ok(None));
        for unknown in [0, 28, 100, 254] {
            assert!(name(unknown).is_err(), "{unknown}");
        }
        assert_eq!(code("get"), STORED);
        assert_eq!(code("PATCH"), STORED);
    }
}
