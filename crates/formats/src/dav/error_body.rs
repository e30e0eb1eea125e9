//! The body of an error: which condition was not met, so that a client can tell the user (RFC 4918 section
//! 16).
//!
//! Used by `web` for whole answers, and by the multistatus writer for single resources.

use super::element::{PROLOG, declare_all, empty, end, href, start};
use super::href::Path;
use super::name::Name;

/// A condition that was not met, such as `DAV:lock-token-submitted` with the paths of the locked resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precondition<'a> {
    /// Its element.
    pub name: Name,
    /// The resources it is about, for conditions that name them.
    pub paths: &'a [Path],
}

impl Precondition<'_> {
    /// A condition of `DAV:` that names no resources.
    pub const fn dav(local: &'static str) -> Self {
        Self { name: Name::dav(local), paths: &[] }
    }
}

/// The body of an error answer.
pub fn error_body(conditions: &[Precondition<'_>]) -> Vec<u8> {
    let mut out = PROLOG.to_owned();
    let error = Name::dav("error");
    declare_all(&mut out, &error);
    conditions.iter().for_each(|condition| push(&mut out, condition));
    end(&mut out, &error);
    out.into_bytes()
}

/// A `DAV:error` inside a multistatus.
pub(crate) fn push_error(out: &mut String, condition: &Precondition<'_>) {
    out.push_str("<D:error>");
    push(out, condition);
    out.push_str("</D:error>");
}

fn push(out: &mut String, condition: &Precondition<'_>) {
    if condition.paths.is_empty() {
        return empty(out, &condition.name);
    }
    start(out, &condition.name);
    condition.paths.iter().for_each(|path| href(out, &path.to_string()));
    end(out, &condition.name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_condition_and_the_resources() {
        let locked = [Path::new(["a", "b c"], false)];
        let body = error_body(&[
            Precondition { name: Name::dav("lock-token-submitted"), paths: &locked },
            Precondition::dav("propfind-finite-depth"),
            Precondition { name: Name::new("urn:other", "no"), paths: &[] },
        ]);
        let body = String::from_utf8(body).unwrap();
        let (_, content) = body.split_once("carddav\" xmlns:CS=\"http://calendarserver.org/ns/\">").unwrap();
        assert_eq!(
            content,
            "<D:lock-token-submitted><D:href>/a/b%20c</D:href></D:lock-token-submitted>\
             <D:propfind-finite-depth/><x:no xmlns:x=\"urn:other\"/></D:error>"
        );
    }
}
