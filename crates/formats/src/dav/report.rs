//! The body of REPORT: which report, and for `sync-collection` what of it (RFC 6578 section 3.2).
//!
//! Called by `web`'s REPORT. Whether a sync token is ours and still good is `app`'s to say.

use super::document::{Element, parse};
use super::error::BadBody;
use super::name::Name;

/// The report that a body asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// What changed in a collection since a token.
    SyncCollection(SyncCollection),
    /// Another one, by the name of its root element.
    Other(Name),
}

/// What changed in a collection since a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncCollection {
    /// The token of the last answer; none for everything.
    pub token: Option<String>,
    /// How deep.
    pub level: SyncLevel,
    /// The most members to answer with.
    pub limit: Option<u32>,
    /// The properties wanted of each changed member.
    pub properties: Vec<Name>,
}

/// How deep a synchronisation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncLevel {
    /// The members of the collection.
    One,
    /// All below it.
    Infinite,
}

impl Report {
    /// Reads the body of REPORT.
    ///
    /// # Errors
    /// [`BadBody`].
    pub fn parse(body: &[u8]) -> Result<Self, BadBody> {
        let root = parse(body)?;
        if root.name.is_dav("sync-collection") {
            sync_collection(&root).map(Self::SyncCollection)
        } else {
            Ok(Self::Other(root.name))
        }
    }
}

fn sync_collection(root: &Element) -> Result<SyncCollection, BadBody> {
    let level = match root.dav_child("sync-level").map(Element::text).as_deref() {
        // Clients of the draft had a Depth header instead, of which only 1 was in use.
        None | Some("1") => SyncLevel::One,
        Some("infinite" | "infinity") => SyncLevel::Infinite,
        Some(_) => return Err(BadBody::Unexpected("DAV:sync-level is neither 1 nor infinite")),
    };
    let limit = root.dav_child("limit").and_then(|limit| limit.dav_child("nresults"));
    let limit = limit.map(|results| results.text().parse::<u32>()).transpose();
    let token = root.dav_child("sync-token").map(Element::text);
    Ok(SyncCollection {
        token: token.filter(|token| !token.is_empty()),
        level,
        limit: limit.map_err(|_| BadBody::Unexpected("DAV:nresults is not a number"))?,
        properties: root.dav_child("prop").map(Element::child_names).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dav::name::CALDAV;

    fn check(body: &str, expected: Report) {
        assert_eq!(Report::parse(body.as_bytes()), Ok(expected), "{body}");
    }

    #[test]
    fn a_first_synchronisation_has_an_empty_token() {
        // RFC 6578 section 3.8, and what DAVx5 and Apple's clients send.
        check(
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<D:sync-collection xmlns:D=\"DAV:\">\n<D:sync-token/>\n\
             <D:sync-level>1</D:sync-level>\n<D:prop xmlns:R=\"urn:ns.example.com:boxschema\">\n<D:getetag/>\n<R:bigbox/>\n\
             </D:prop>\n</D:sync-collection>",
            Report::SyncCollection(SyncCollection {
                token: None,
                level: SyncLevel::One,
                limit: None,
                properties: vec![Name::dav("getetag"), Name::new("urn:ns.example.com:boxschema", "bigbox")],
            }),
        );
    }

    #[test]
    fn later_ones_have_a_token_and_perhaps_a_limit() {
        check(
            "<sync-collection xmlns='DAV:'><sync-token> http://example.com/ns/sync/1234 </sync-token>\
             <sync-level>infinite</sync-level><limit><nresults>100</nresults></limit><prop><getetag/></prop></sync-collection>",
            Report::SyncCollection(SyncCollection {
                token: Some("http://example.com/ns/sync/1234".into()),
                level: SyncLevel::Infinite,
                limit: Some(100),
                properties: vec![Name::dav("getetag")],
            }),
        );
        check(
            "<sync-collection xmlns='DAV:'><sync-token>t</sync-token><prop/></sync-collection>",
            Report::SyncCollection(SyncCollection {
                token: Some("t".into()),
                level: SyncLevel::One,
                limit: None,
                properties: vec![],
            }),
        );
    }

    #[test]
    fn other_reports_are_named() {
        check(
            "<c:calendar-query xmlns:c='urn:ietf:params:xml:ns:caldav'/>",
            Report::Other(Name::known(CALDAV, "calendar-query")),
        );
        check("<sync-collection/>", Report::Other(Name::new("", "sync-collection")));
    }

    #[test]
    fn levels_and_limits_that_are_none_are_refused() {
        for inner in [
            "<sync-level>2</sync-level>",
            "<limit><nresults>many</nresults></limit>",
            "<limit><nresults>-1</nresults></limit>",
        ] {
            let body = format!("<sync-collection xmlns='DAV:'>{inner}</sync-collection>");
            assert!(matches!(Report::parse(body.as_bytes()), Err(BadBody::Unexpected(_))), "{body}");
        }
        assert!(Report::parse(b"").is_err());
    }
}
