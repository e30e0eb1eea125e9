//! The id of a request: 32 hex digits, in every log line about it and in every error answer.
//!
//! The web tier makes it and sends it in `X-Request-Id`; for a request that came without, the edge makes one here.
//! Also the source of other ids that have to be unique but not secret.

use http::HeaderMap;

/// The id the web tier gave the request, if it is well formed, else a new one.
pub(crate) fn of(headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    given.filter(|id| is_well_formed(id)).map_or_else(new, str::to_owned)
}

/// 32 random hex digits.
pub(crate) fn new() -> String {
    let mut bytes = [0u8; 16];
    // Without the system's randomness ids repeat; that spoils a log, but it is no reason to refuse service.
    let _ = getrandom::fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

fn is_well_formed(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_well_formed_id_is_kept_and_anything_else_replaced() {
        let check = |given: &str, kept: bool| {
            let mut headers = HeaderMap::new();
            headers.insert("x-request-id", HeaderValue::from_str(given).unwrap());
            assert_eq!(of(&headers) == given, kept, "{given}");
        };
        check("0123456789abcdef0123456789abcdef", true);
        check("0123456789abcdef0123456789abcde", false);
        check("0123456789abcdef0123456789abcdeg", false);
        check("<script>alert(1)</script>0000000", false);
    }

    #[test]
    fn no_two_ids_are_the_same() {
        assert_ne!(new(), new());
    }
}
