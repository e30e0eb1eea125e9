//! Apache's configuration as lines of words: comments, continuation lines, quotes. Pure.

/// A line that says something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number in the file, from 1; of a continued one, that of its first part.
    pub(super) number: usize,
    /// Its words; of a section `<Proxy x>` the words between the brackets, the first with its `<` or `</`.
    pub(super) words: Vec<String>,
}

/// The lines of a text.
///
/// # Errors
/// The number of a line whose quotes or brackets do not close, and what is wrong with it.
pub(super) fn read(text: &str) -> Result<Vec<Line>, (usize, String)> {
    let mut lines = Vec::new();
    let mut numbered = (1..).zip(text.lines());
    while let Some((number, first)) = numbered.next() {
        let mut whole = String::new();
        let mut part = Some(first);
        while let Some(text) = part {
            match text.strip_suffix('\\') {
                Some(begun) => {
                    whole.push_str(begun);
                    part = numbered.next().map(|(_, next)| next);
                }
                None => {
                    whole.push_str(text);
                    part = None;
                }
            }
        }
        let whole = whole.trim();
        if whole.is_empty() || whole.starts_with('#') {
            continue;
        }
        let words = match whole.strip_prefix('<') {
            Some(section) => section_words(section),
            None => words(whole),
        };
        lines.push(Line { number, words: words.map_err(|reason| (number, reason))? });
    }
    Ok(lines)
}

fn section_words(section: &str) -> Result<Vec<String>, String> {
    let inner = section.strip_suffix('>').ok_or("a section must end with '>'")?;
    let mut words = words(inner)?;
    match words.first_mut() {
        Some(first) => first.insert(0, '<'),
        None => return Err("a section needs a name".to_owned()),
    }
    Ok(words)
}

/// Words between spaces; what is in quotes is one word, with `\"` for a quote in it.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let mut word = String::new();
        let mut quote = Some(first).filter(|c| *c == '"' || *c == '\'');
        let mut characters = rest.char_indices().skip(usize::from(quote.is_some())).peekable();
        let mut end = rest.len();
        while let Some((at, c)) = characters.next() {
            let escaped = |(_, next): &(usize, char)| *next == '\\' || Some(*next) == quote;
            if quote.is_some() && c == '\\' && characters.peek().is_some_and(escaped) {
                word.extend(characters.next().map(|(_, next)| next));
            } else if Some(c) == quote {
                quote = None;
                end = at + c.len_utf8();
                break;
            } else if quote.is_none() && c.is_whitespace() {
                end = at;
                break;
            } else {
                word.push(c);
            }
        }
        if quote.is_some() {
            return Err("a quote is not closed".to_owned());
        }
        words.push(word);
        rest = rest.get(end..).unwrap_or_default().trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[(usize, &[&str])]) {
        let lines = read(text).unwrap();
        let found: Vec<_> = lines.iter().map(|line| (line.number, line.words.clone())).collect();
        let expected: Vec<(usize, Vec<String>)> = expected
            .iter()
            .map(|(number, words)| (*number, words.iter().map(|word| (*word).to_owned()).collect()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn comments_and_empty_lines_say_nothing_and_a_backslash_joins_lines() {
        check("# a\n\n  ProxyVia On  \n", &[(3, &["ProxyVia", "On"])]);
        check("A b \\\n  c\\\n d\nE", &[(1, &["A", "b", "c", "d"]), (4, &["E"])]);
        check("A \\", &[(1, &["A"])]);
        check("A b # no comment", &[(1, &["A", "b", "#", "no", "comment"])]);
        check("A\r\nB\r\n", &[(1, &["A"]), (2, &["B"])]);
    }

    #[test]
    fn quotes_keep_a_word_together() {
        check(r#"A "b c" 'd e' f"g"#, &[(1, &["A", "b c", "d e", "f\"g"])]);
        check(r#"A "b \"c\" \\ \d""#, &[(1, &["A", r#"b "c" \ \d"#])]);
        check(r#"A """#, &[(1, &["A", ""])]);
        assert_eq!(read("\nA \"b"), Err((2, "a quote is not closed".to_owned())));
    }

    #[test]
    fn sections_are_lines_of_their_own() {
        check("<Proxy balancer://x>\n</Proxy>", &[(1, &["<Proxy", "balancer://x"]), (2, &["</Proxy"])]);
        assert!(read("<Proxy x").is_err() && read("<>").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[ -~\n\\\\\"'<>#é]{0,80}") {
            let _ = read(&text);
        }
    }
}
