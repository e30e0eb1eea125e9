//! Which bytes may stand where. What a string holds goes into HTTP messages and logs later on, so nothing that could end
//! a line or a header there is let in here.

/// A token (RFC 9110, 5.6.2), not empty: methods and header names.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// A header value or attribute: no control characters but the tabulator.
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7F))
}

/// A path or query as it stands in a request line: no space, no control character, no fragment. Bytes above ASCII are let
/// through: web servers do, and what they mean is decided where paths are decoded.
pub(crate) fn is_target(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte > b' ' && *byte != 0x7F && *byte != b'#')
}

/// Printable ASCII without spaces, as `str`: names, addresses, protocols.
pub(crate) fn visible(bytes: &[u8]) -> Option<&str> {
    bytes.iter().all(u8::is_ascii_graphic).then(|| std::str::from_utf8(bytes).ok()).flatten()
}
