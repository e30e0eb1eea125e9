//! The body of a 207 answer: one response for each resource (RFC 4918 section 13), written as they come.
//!
//! Called by `web` for PROPFIND, PROPPATCH, REPORT and failed collection methods. What has been written can
//! be taken out in between, so that an answer about ten thousand resources needs the memory of a few.

use super::element::{PROLOG, declare_all, end, href, leaf};
use super::error_body::{Precondition, push_error};
use super::href::Path;
use super::name::Name;
use super::property::Property;

/// A multistatus body that is being written.
#[derive(Debug)]
pub struct Multistatus {
    out: String,
}

/// Properties of a resource that have the same status.
#[derive(Debug, Clone)]
pub struct Propstat<'a> {
    /// The HTTP status: 200, 403, 404, 409, 424, 507.
    pub status: u16,
    /// The properties; without values unless the status is 200.
    pub properties: &'a [Property<'a>],
    /// Why, for a status that a condition explains.
    pub error: Option<Precondition<'a>>,
}

impl Multistatus {
    /// A body without responses.
    pub fn new() -> Self {
        let mut out = PROLOG.to_owned();
        declare_all(&mut out, &Name::dav("multistatus"));
        Self { out }
    }

    /// A response with properties. Groups without properties are left out; if all are, the resource has an
    /// empty group of 200.
    pub fn properties(&mut self, path: &Path, groups: &[Propstat<'_>]) {
        self.out.push_str("<D:response>");
        href(&mut self.out, &path.to_string());
        let mut is_empty = true;
        for group in groups.iter().filter(|group| !group.properties.is_empty()) {
            self.group(group);
            is_empty = false;
        }
        if is_empty {
            self.group(&Propstat { status: 200, properties: &[], error: None });
        }
        self.out.push_str("</D:response>\n");
    }

    /// A response about the resource as a whole: 404 for one that is gone, 423 for one that a lock kept from
    /// being deleted.
    pub fn status(&mut self, path: &Path, status: u16, error: Option<&Precondition<'_>>) {
        self.out.push_str("<D:response>");
        href(&mut self.out, &path.to_string());
        self.status_line(status);
        if let Some(condition) = error {
            push_error(&mut self.out, condition);
        }
        self.out.push_str("</D:response>\n");
    }

    /// The new sync token of a `sync-collection` report (RFC 6578 section 3.2), after the last response.
    pub fn sync_token(&mut self, token: &str) {
        leaf(&mut self.out, &Name::dav("sync-token"), token);
    }

    /// Bytes that are written and not taken.
    pub fn pending_bytes(&self) -> usize {
        self.out.len()
    }

    /// Takes out what is written; what is written afterwards continues it.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out).into_bytes()
    }

    /// Ends the body: what is not taken yet.
    pub fn finish(mut self) -> Vec<u8> {
        end(&mut self.out, &Name::dav("multistatus"));
        self.out.into_bytes()
    }

    fn group(&mut self, group: &Propstat<'_>) {
        self.out.push_str("<D:propstat><D:prop>");
        group.properties.iter().for_each(|property| property.push(&mut self.out));
        self.out.push_str("</D:prop>");
        self.status_line(group.status);
        if let Some(condition) = &group.error {
            push_error(&mut self.out, condition);
        }
        self.out.push_str("</D:propstat>");
    }

    fn status_line(&mut self, status: u16) {
        let reason = reason(status);
        leaf(&mut self.out, &Name::dav("status"), &format!("HTTP/1.1 {status} {reason}"));
    }
}

impl Default for Multistatus {
    fn default() -> Self {
        Self::new()
    }
}

/// The reason phrase of the statuses that occur in a multistatus. Others have none, which the grammar allows.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        412 => "Precondition Failed",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        423 => "Locked",
        424 => "Failed Dependency",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        507 => "Insufficient Storage",
        508 => "Loop Detected",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dav::document::parse;

    const ROOT: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\" \
        xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns:CR=\"urn:ietf:params:xml:ns:carddav\" \
        xmlns:CS=\"http://calendarserver.org/ns/\">";

    fn check(write: impl FnOnce(&mut Multistatus), expected: &str) {
        let mut multistatus = Multistatus::new();
        write(&mut multistatus);
        let body = String::from_utf8(multistatus.finish()).unwrap();
        assert!(parse(body.as_bytes()).is_ok(), "{body}");
        assert_eq!(body, format!("{ROOT}{expected}</D:multistatus>"));
    }

    #[test]
    fn properties_are_grouped_by_status() {
        let missing = Name::new("u", "gone");
        check(
            |multistatus| {
                let found = [Property::DisplayName("a & b"), Property::ResourceType(&[])];
                let lost = [Property::Name(&missing)];
                multistatus.properties(
                    &Path::new(["a & b"], false),
                    &[
                        Propstat { status: 200, properties: &found, error: None },
                        Propstat { status: 404, properties: &lost, error: None },
                        Propstat { status: 403, properties: &[], error: None },
                    ],
                );
            },
            "<D:response><D:href>/a%20&amp;%20b</D:href><D:propstat><D:prop><D:displayname>a &amp; b</D:displayname>\
             <D:resourcetype></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>\
             <D:propstat><D:prop><x:gone xmlns:x=\"u\"/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>\
             </D:response>\n",
        );
    }

    #[test]
    fn a_resource_without_groups_has_an_empty_one() {
        check(
            |multistatus| multistatus.properties(&Path::default().child("a", true), &[]),
            "<D:response><D:href>/a/</D:href><D:propstat><D:prop></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>\
             </D:response>\n",
        );
    }

    #[test]
    fn errors_name_their_condition() {
        let etag = Name::dav("getetag");
        let locked = [Path::new(["a"], false)];
        check(
            |multistatus| {
                let properties = [Property::Name(&etag)];
                let error = Some(Precondition::dav("cannot-modify-protected-property"));
                multistatus
                    .properties(&locked[0], &[Propstat { status: 403, properties: &properties, error }]);
                let error = Precondition { name: Name::dav("lock-token-submitted"), paths: &locked };
                multistatus.status(&locked[0], 423, Some(&error));
                multistatus.status(&locked[0], 404, None);
                multistatus.sync_token("urn:s:2");
            },
            "<D:response><D:href>/a</D:href><D:propstat><D:prop><D:getetag/></D:prop><D:status>HTTP/1.1 403 Forbidden</D:status>\
             <D:error><D:cannot-modify-protected-property/></D:error></D:propstat></D:response>\n\
             <D:response><D:href>/a</D:href><D:status>HTTP/1.1 423 Locked</D:status>\
             <D:error><D:lock-token-submitted><D:href>/a</D:href></D:lock-token-submitted></D:error></D:response>\n\
             <D:response><D:href>/a</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>\n\
             <D:sync-token>urn:s:2</D:sync-token>",
        );
    }

    #[test]
    fn a_body_taken_in_pieces_is_the_same_body() {
        let write = |take_above: usize| {
            let (mut multistatus, mut body, mut most) = (Multistatus::new(), Vec::new(), 0);
            for number in 0..10_000u64 {
                let properties = [Property::ContentLength(number)];
                let group = Propstat { status: 200, properties: &properties, error: None };
                multistatus.properties(&Path::new([number.to_string()], false), &[group]);
                most = most.max(multistatus.pending_bytes());
                if multistatus.pending_bytes() > take_above {
                    body.extend(multistatus.take());
                    assert_eq!(multistatus.pending_bytes(), 0);
                }
            }
            body.extend(multistatus.finish());
            (body, most)
        };
        let (whole, _) = write(usize::MAX);
        let (pieces, most) = write(16_384);
        assert!(whole == pieces);
        assert!(most < 17_000, "{most} bytes were pending");
    }
}
