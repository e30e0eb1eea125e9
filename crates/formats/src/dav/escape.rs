//! Writing text so that it is well-formed XML, whatever is in it.
//!
//! Used by everything that writes a body. What XML 1.0 cannot carry at all is replaced, never dropped
//! silently or passed on.

/// Whether XML 1.0 allows the character in a document (section 2.2).
pub(crate) fn is_xml_char(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Appends character data.
pub(crate) fn push_text(out: &mut String, text: &str) {
    push(out, text, |character| match character {
        // A bare carriage return would be read back as a line feed.
        '\r' => Some("&#13;"),
        _ => None,
    });
}

/// Appends what stands between the double quotes of an attribute.
pub(crate) fn push_attribute(out: &mut String, value: &str) {
    push(out, value, |character| match character {
        '"' => Some("&quot;"),
        // White space other than spaces would be read back as spaces.
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        _ => None,
    });
}

fn push(out: &mut String, text: &str, special: fn(char) -> Option<&'static str>) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            _ if !is_xml_char(character) => out.push(char::REPLACEMENT_CHARACTER),
            _ => match special(character) {
                Some(reference) => out.push_str(reference),
                None => out.push(character),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_the_impossible_replaced() {
        let check = |text: &str, expected: &str| {
            let mut out = String::new();
            push_text(&mut out, text);
            assert_eq!(out, expected);
        };
        check("a & b <c> \"d\" 'e'", "a &amp; b &lt;c&gt; \"d\" 'e'");
        check("]]>", "]]&gt;");
        check("a\u{0}b\u{1b}c\u{fffe}", "a\u{fffd}b\u{fffd}c\u{fffd}");
        check("line\r\nbreak\ttab", "line&#13;\nbreak\ttab");
        check("größe 名前 😀", "größe 名前 😀");
    }

    #[test]
    fn attributes_keep_their_quotes_and_white_space() {
        let mut out = String::new();
        push_attribute(&mut out, "a\"b\tc\nd\re'f<&>");
        assert_eq!(out, "a&quot;b&#9;c&#10;d&#13;e'f&lt;&amp;&gt;");
    }
}
