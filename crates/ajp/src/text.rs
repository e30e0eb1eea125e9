//! Which bytes may stand where. What a string holds goes into HTTP messages and logs later on, so nothing that could end
//! a line or a header there is let in here.

/// Whether all bytes are of a kind. Looks at every one, even behind a wrong one: without a way out of the loop the compiler
/// looks at many at once, and wrong ones are rare.
fn all(bytes: &[u8], is_of_kind: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |all, byte| all & is_of_kind(*byte))
}

/// Which bytes a token may have (RFC 9110, 5.6.2).
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[allow(clippy::indexing_slicing, reason = "at compile time, within the table's length")]
        {
            table[byte] = matches!(byte as u8, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~'
                | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z');
        }
        byte += 1;
    }
    table
};

/// A token, not empty: methods and header names.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && all(bytes, |byte| TOKEN.get(usize::from(byte)).copied().unwrap_or_default())
}

/// A header value or attribute: no control characters but the tabulator.
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    all(bytes, |byte| (byte == b'\t') | ((byte >= b' ') & (byte != 0x7F)))
}

/// A path or query as it stands in a request line: no space, no control character, no fragment. Bytes above ASCII are let
/// through: web servers do, and what they mean is decided where paths are decoded.
pub(crate) fn is_target(bytes: &[u8]) -> bool {
    all(bytes, |byte| (byte > b' ') & (byte != 0x7F) & (byte != b'#'))
}

/// Printable ASCII without spaces, as `str`: names, addresses, protocols.
pub(crate) fn visible(bytes: &[u8]) -> Option<&str> {
    all(bytes, |byte| (byte > b' ') & (byte < 0x7F)).then(|| std::str::from_utf8(bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_of_the_kinds_it_should_be() {
        for byte in 0..=u8::MAX {
            let one = &[byte][..];
            let is_token_byte = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(is_token(one), is_token_byte, "{byte}");
            assert_eq!(is_value(one), byte == b'\t' || (byte >= b' ' && byte != 0x7F), "{byte}");
            assert_eq!(is_target(one), byte > b' ' && byte != 0x7F && byte != b'#', "{byte}");
            assert_eq!(visible(one).is_some(), byte.is_ascii_graphic(), "{byte}");
        }
        assert!(!is_token(b"") && is_value(b"") && visible(b"") == Some(""));
        for at in 0..40 {
            let mut text = [b'a'; 40];
            text[at] = 0;
            assert!(
                !is_token(&text) && !is_value(&text) && !is_target(&text) && visible(&text).is_none(),
                "{at}"
            );
        }
    }
}
