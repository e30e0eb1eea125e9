//! The `If` header: conditions on the state of resources, and the lock tokens that a client submits (RFC 4918
//! section 10.4).
//!
//! Called by `web` for every method that writes. Knows the grammar and how lists combine; what a resource's
//! state is, the caller answers.

use super::error::BadHeader;
use super::headers::{is_uri_reference, path_of_reference};
use super::href::Path;
use super::limits::IF_CONDITIONS_MAX;

/// The header: it holds if one of its lists does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfHeader {
    /// At least one.
    pub lists: Vec<List>,
}

/// Conditions on one resource: the list holds if all of them do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The URI or path of the resource, as written; without one, it is the request's.
    pub tag: Option<String>,
    /// At least one.
    pub conditions: Vec<Condition>,
}

/// A state that the resource must have or, with `not`, must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Whether `Not` stands before it.
    pub not: bool,
    /// The state.
    pub state: State,
}

/// What a condition is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A state token: the resource has a lock of this token, or a sync token. No resource has `DAV:no-lock`.
    Token(String),
    /// The resource has this entity tag, with its quotes and, if weak, its `W/`.
    ETag(String),
}

impl IfHeader {
    /// Reads the header's text.
    ///
    /// # Errors
    /// [`BadHeader::Malformed`], also if lists with and without a tag are mixed, which the grammar has no
    /// room for.
    pub fn parse(header: &str) -> Result<Self, BadHeader> {
        let mut rest = Rest { text: header, conditions: 0 };
        let mut lists: Vec<List> = Vec::new();
        let mut tag: Option<String> = None;
        let mut tag_has_list = true;
        loop {
            rest.skip_space();
            if rest.eat('<') {
                let is_first = lists.is_empty() && tag.is_none();
                if !tag_has_list || (!is_first && tag.is_none()) {
                    return Err(malformed("a tag stands where a list is needed"));
                }
                tag = Some(rest.uri()?.to_owned());
                tag_has_list = false;
            } else if rest.eat('(') {
                lists.push(List { tag: tag.clone(), conditions: rest.conditions()? });
                tag_has_list = true;
            } else if rest.text.is_empty() && tag_has_list && !lists.is_empty() {
                return Ok(Self { lists });
            } else {
                return Err(malformed("a list in parentheses is needed"));
            }
        }
    }

    /// All state tokens, also negated ones: naming a lock's token anywhere in the header submits it (section
    /// 10.4.1).
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        let conditions = self.lists.iter().flat_map(|list| &list.conditions);
        conditions.filter_map(|condition| match &condition.state {
            State::Token(token) => Some(token.as_str()),
            State::ETag(_) => None,
        })
    }

    /// Whether the header holds, where `has(list, state)` says whether the list's resource has the state; each
    /// list is asked in order and until its first condition that fails.
    pub fn holds(&self, mut has: impl FnMut(&List, &State) -> bool) -> bool {
        self.lists
            .iter()
            .any(|list| list.conditions.iter().all(|condition| has(list, &condition.state) != condition.not))
    }
}

impl List {
    /// The path of the tagged resource, if it is on this server; `authority` as in [`super::destination`].
    ///
    /// # Errors
    /// [`BadHeader::OtherServer`], [`BadHeader::Path`], [`BadHeader::Malformed`]. A list for a resource
    /// elsewhere does not hold, which is no mistake of the client.
    pub fn path(&self, authority: &str) -> Result<Option<Path>, BadHeader> {
        self.tag.as_deref().map(|tag| path_of_reference("If", tag, authority)).transpose()
    }
}

/// What is left to read.
struct Rest<'a> {
    text: &'a str,
    conditions: usize,
}

impl<'a> Rest<'a> {
    fn skip_space(&mut self) {
        self.text = self.text.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn eat(&mut self, character: char) -> bool {
        let rest = self.text.strip_prefix(character);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    /// The text up to `end`, behind which the rest begins.
    fn until(&mut self, end: char) -> Option<&'a str> {
        let (text, rest) = self.text.split_once(end)?;
        self.text = rest;
        Some(text)
    }

    /// A URI or path whose `<` is read already.
    fn uri(&mut self) -> Result<&'a str, BadHeader> {
        self.until('>')
            .filter(|uri| is_uri_reference(uri))
            .ok_or(malformed("a URI in angle brackets is broken"))
    }

    /// The conditions of a list whose `(` is read already.
    fn conditions(&mut self) -> Result<Vec<Condition>, BadHeader> {
        let mut conditions = Vec::new();
        loop {
            self.skip_space();
            if self.eat(')') {
                return if conditions.is_empty() {
                    Err(malformed("a list is empty"))
                } else {
                    Ok(conditions)
                };
            }
            self.conditions += 1;
            if self.conditions > IF_CONDITIONS_MAX {
                return Err(malformed("it has too many conditions"));
            }
            let not = self.eat_not();
            let state = if self.eat('<') {
                State::Token(self.uri()?.to_owned())
            } else if self.eat('[') {
                State::ETag(self.etag()?.to_owned())
            } else {
                return Err(malformed("a condition is neither a URI nor an entity tag"));
            };
            conditions.push(Condition { not, state });
        }
    }

    fn eat_not(&mut self) -> bool {
        match self.text.split_at_checked(3) {
            Some((not, rest)) if not.eq_ignore_ascii_case("not") => {
                self.text = rest;
                self.skip_space();
                true
            }
            _ => false,
        }
    }

    /// An entity tag whose `[` is read already. Between its quotes it may hold a `]`, and spaces, which RFC
    /// 9110 no longer has but the examples of RFC 4918 do.
    fn etag(&mut self) -> Result<&'a str, BadHeader> {
        let broken = malformed("an entity tag is broken");
        self.skip_space();
        let start = self.text;
        self.text = start.strip_prefix("W/").unwrap_or(start);
        if !self.eat('"') {
            return Err(broken);
        }
        let opaque = self.until('"').filter(|opaque| !opaque.contains(char::is_control));
        let length = start.len() - self.text.len();
        let tag = start.get(..length).filter(|_| opaque.is_some());
        self.skip_space();
        if self.eat(']') { tag.ok_or(broken) } else { Err(broken) }
    }
}

fn malformed(what: &'static str) -> BadHeader {
    BadHeader::Malformed { header: "If", what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(token: &str) -> Condition {
        Condition { not: false, state: State::Token(token.into()) }
    }

    fn etag(tag: &str) -> Condition {
        Condition { not: false, state: State::ETag(tag.into()) }
    }

    fn not(condition: Condition) -> Condition {
        Condition { not: true, ..condition }
    }

    fn list(tag: Option<&str>, conditions: Vec<Condition>) -> List {
        List { tag: tag.map(str::to_owned), conditions }
    }

    fn check(header: &str, lists: Vec<List>) {
        assert_eq!(IfHeader::parse(header), Ok(IfHeader { lists }), "{header}");
    }

    #[test]
    fn the_examples_of_the_specification_are_read() {
        // RFC 4918 sections 10.4.6 to 10.4.11.
        check(
            "(<urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2>\n[\"I am an ETag\"])\n([\"I am another ETag\"])",
            vec![
                list(
                    None,
                    vec![token("urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2"), etag("\"I am an ETag\"")],
                ),
                list(None, vec![etag("\"I am another ETag\"")]),
            ],
        );
        check(
            "(Not <urn:uuid:1>\n<urn:uuid:2>)",
            vec![list(None, vec![not(token("urn:uuid:1")), token("urn:uuid:2")])],
        );
        check(
            "(<urn:uuid:1>)\n(Not <DAV:no-lock>)",
            vec![list(None, vec![token("urn:uuid:1")]), list(None, vec![not(token("DAV:no-lock"))])],
        );
        check(
            "</resource1>\n(<urn:uuid:1>\n[W/\"A-weak-ETag\"]) ([\"strong\"])",
            vec![
                list(Some("/resource1"), vec![token("urn:uuid:1"), etag("W/\"A-weak-ETag\"")]),
                list(Some("/resource1"), vec![etag("\"strong\"")]),
            ],
        );
        check(
            "<http://www.example.com/specs/>\n(<urn:uuid:1>)",
            vec![list(Some("http://www.example.com/specs/"), vec![token("urn:uuid:1")])],
        );
        check(
            "</specs/rfc2518.doc>\n([\"4217\"])",
            vec![list(Some("/specs/rfc2518.doc"), vec![etag("\"4217\"")])],
        );
        check(
            "</specs/rfc2518.doc>\n(Not [\"4217\"])",
            vec![list(Some("/specs/rfc2518.doc"), vec![not(etag("\"4217\""))])],
        );
    }

    #[test]
    fn clients_write_it_like_this() {
        // Finder, litmus cond_put_with_not, cond_put_corrupt_token, complex_cond_put; the Windows redirector.
        check(
            "(<opaquelocktoken:a515cfa4-5da4-22e1-f5b5-00a0451e6bf7>)",
            vec![list(None, vec![token("opaquelocktoken:a515cfa4-5da4-22e1-f5b5-00a0451e6bf7")])],
        );
        check(
            "(<t:1>) (Not <DAV:no-lock>)",
            vec![list(None, vec![token("t:1")]), list(None, vec![not(token("DAV:no-lock"))])],
        );
        check(
            "(<DAV:no-lock>)(NOT<t:1>)",
            vec![list(None, vec![token("DAV:no-lock")]), list(None, vec![not(token("t:1"))])],
        );
        check(
            "(<t:1> [\"e\"]) (Not <DAV:no-lock> [\"e\"])",
            vec![
                list(None, vec![token("t:1"), etag("\"e\"")]),
                list(None, vec![not(token("DAV:no-lock")), etag("\"e\"")]),
            ],
        );
        check(
            "<http://h/a> (<t:1>) <http://h/b> (<t:2>)",
            vec![list(Some("http://h/a"), vec![token("t:1")]), list(Some("http://h/b"), vec![token("t:2")])],
        );
        check("([\"a]b)c\"])", vec![list(None, vec![etag("\"a]b)c\"")])]);
        check("( [ \"e\" ] )", vec![list(None, vec![etag("\"e\"")])]);
    }

    #[test]
    fn what_the_grammar_does_not_have_is_refused() {
        for header in [
            "",
            " ",
            "(",
            ")",
            "()",
            "( )",
            "(<a:b>",
            "<a:b>",
            "<a:b> <c:d> (<e:f>)",
            "(<a:b>) <c:d> (<e:f>)",
            "(<a:b>) x",
            "x",
            "(<>)",
            "(<a b>)",
            "(a:b)",
            "([e])",
            "([\"e])",
            "([\"e\")",
            "([w/\"e\"])",
            "([\"a\tb\"])",
            "(Not)",
            "(Not Not <a:b>)",
            "(<a:b>) <c:d>",
            "<a:b> (<c:d>) <e:f>",
            "([])",
            "(ä",
            "([ä])",
            "(<a:b>))",
        ] {
            assert!(IfHeader::parse(header).is_err(), "{header}");
        }
        assert!(IfHeader::parse(&format!("({})", "<a:b>".repeat(IF_CONDITIONS_MAX))).is_ok());
        assert!(IfHeader::parse(&format!("({})", "<a:b>".repeat(IF_CONDITIONS_MAX + 1))).is_err());
        assert!(IfHeader::parse(&"(<a:b>)".repeat(IF_CONDITIONS_MAX + 1)).is_err());
    }

    #[test]
    fn lists_are_alternatives_of_conditions_that_must_all_hold() {
        let check = |header: &str, expected: bool| {
            let parsed = IfHeader::parse(header).unwrap();
            let has = |list: &List, state: &State| match (list.tag.as_deref(), state) {
                (None, State::Token(token)) => token == "t:held",
                (None, State::ETag(tag)) => tag == "\"now\"",
                (Some("/other"), State::Token(token)) => token == "t:other",
                _ => false,
            };
            assert_eq!(parsed.holds(has), expected, "{header}");
        };
        check("(<t:held>)", true);
        check("(<t:stale>)", false);
        check("(<t:held> [\"now\"])", true);
        check("(<t:held> [\"then\"])", false);
        check("(<t:held> [\"then\"]) ([\"now\"])", true);
        check("(Not <t:stale>)", true);
        check("(Not <t:held>)", false);
        check("(<t:stale>) (Not <DAV:no-lock>)", true);
        check("</other> (<t:other>)", true);
        check("</other> (<t:held>)", false);
        check("</elsewhere> (<t:held>) </other> (<t:other>)", true);
    }

    #[test]
    fn negated_tokens_are_submitted_too() {
        let parsed = IfHeader::parse("(<t:1> [\"e\"]) (Not <t:2>)").unwrap();
        assert_eq!(parsed.tokens().collect::<Vec<_>>(), ["t:1", "t:2"]);
    }

    #[test]
    fn tags_are_paths_of_this_server_or_another() {
        let path = |header: &str| IfHeader::parse(header).unwrap().lists[0].path("h");
        assert_eq!(path("(<t:1>)"), Ok(None));
        assert_eq!(path("<http://h/a%20b/> (<t:1>)"), Ok(Some(Path::new(["a b"], true))));
        assert_eq!(path("</a> (<t:1>)"), Ok(Some(Path::new(["a"], false))));
        assert_eq!(path("<http://other/a> (<t:1>)"), Err(BadHeader::OtherServer));
    }
}
