//! HTTP Basic (RFC 7617): for clients without sessions, WebDAV's and the operator's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// Name and password, if the request has them in this form.
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(token.trim()).ok()?).ok()?;
    let (login, password) = decoded.split_once(':')?;
    Some((login.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(header: &'static str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static(header));
        basic(&headers)
    }

    #[test]
    fn a_password_may_have_colons_and_a_name_may_not() {
        let pair = |login: &str, password: &str| Some((login.to_owned(), password.to_owned()));
        assert_eq!(read("Basic YW5uYTpzOmU="), pair("anna", "s:e"));
        assert_eq!(read("basic YW5uYTo="), pair("anna", ""));
        for bad in ["Basic", "Basic !", "Bearer YW5uYTo=", "Basic YW5uYQ==", "Basic /////w=="] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
