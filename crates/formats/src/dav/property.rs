//! Properties on the wire: a typed value to its element.
//!
//! Built by `web` from what `app` answers, written by [`super::Multistatus`]. Which properties a resource has
//! is not known here.

use super::date::{http_date, rfc3339};
use super::element::{empty, end, href, leaf, start};
use super::href::Path;
use super::lock::{ActiveLock, Scope, push_active, push_kind};
use super::name::{CALENDAR_SERVER, Name};

/// A property and its value. Times are milliseconds since 1970, UTC.
#[derive(Debug, Clone, Copy)]
pub enum Property<'a> {
    /// Without a value: in an answer to `DAV:propname`, or in a group of properties that have another status
    /// than 200.
    Name(&'a Name),
    /// A dead property, as [`super::Change::Set`] gave it. Must be one well-formed element that declares its
    /// prefixes.
    Fragment(&'a str),
    /// Any property that holds text.
    Text(&'a Name, &'a str),
    /// Any property that holds URIs or encoded paths.
    Hrefs(&'a Name, &'a [&'a str]),
    /// `DAV:creationdate`.
    CreationDate(i64),
    /// `DAV:displayname`.
    DisplayName(&'a str),
    /// `DAV:getcontentlength`, in bytes.
    ContentLength(u64),
    /// `DAV:getcontenttype`.
    ContentType(&'a str),
    /// `DAV:getetag`, with its quotes.
    ETag(&'a str),
    /// `DAV:getlastmodified`.
    LastModified(i64),
    /// `DAV:resourcetype`: `DAV:collection` and others; none for a file.
    ResourceType(&'a [Name]),
    /// `DAV:supportedlock`: the write locks that can be had.
    SupportedLock(&'a [Scope]),
    /// `DAV:lockdiscovery`: the locks that are held.
    LockDiscovery(&'a [ActiveLock<'a>]),
    /// `DAV:quota-available-bytes` (RFC 4331).
    QuotaAvailable(u64),
    /// `DAV:quota-used-bytes` (RFC 4331).
    QuotaUsed(u64),
    /// `DAV:sync-token` (RFC 6578), a URI.
    SyncToken(&'a str),
    /// `getctag` of the calendar server extensions.
    CTag(&'a str),
    /// `DAV:current-user-principal` (RFC 5397); nobody in particular without one.
    CurrentUserPrincipal(Option<&'a Path>),
    /// `DAV:owner` (RFC 3744 section 5.1), or an empty one.
    Owner(Option<&'a Path>),
    /// `DAV:current-user-privilege-set` (RFC 3744 section 5.4): elements such as `DAV:read`.
    CurrentUserPrivilegeSet(&'a [Name]),
    /// `DAV:supported-report-set` (RFC 3253 section 3.1.5): elements such as `DAV:sync-collection`.
    SupportedReportSet(&'a [Name]),
}

impl Property<'_> {
    /// Appends the property's element.
    pub(crate) fn push(&self, out: &mut String) {
        match *self {
            Self::Name(name) => empty(out, name),
            Self::Fragment(xml) => out.push_str(xml),
            Self::Text(name, text) => leaf(out, name, text),
            Self::Hrefs(name, uris) => around(out, name, |out| uris.iter().for_each(|uri| href(out, uri))),
            Self::CreationDate(ms) => dav_leaf(out, "creationdate", &rfc3339(ms)),
            Self::DisplayName(text) => dav_leaf(out, "displayname", text),
            Self::ContentLength(bytes) => dav_leaf(out, "getcontentlength", &bytes.to_string()),
            Self::ContentType(text) => dav_leaf(out, "getcontenttype", text),
            Self::ETag(tag) => dav_leaf(out, "getetag", tag),
            Self::LastModified(ms) => dav_leaf(out, "getlastmodified", &http_date(ms)),
            Self::ResourceType(types) => around(out, &Name::dav("resourcetype"), |out| {
                types.iter().for_each(|kind| empty(out, kind));
            }),
            Self::SupportedLock(scopes) => around(out, &Name::dav("supportedlock"), |out| {
                for scope in scopes {
                    around(out, &Name::dav("lockentry"), |out| push_kind(out, *scope));
                }
            }),
            Self::LockDiscovery(locks) => around(out, &Name::dav("lockdiscovery"), |out| {
                locks.iter().for_each(|lock| push_active(out, lock));
            }),
            Self::QuotaAvailable(bytes) => dav_leaf(out, "quota-available-bytes", &bytes.to_string()),
            Self::QuotaUsed(bytes) => dav_leaf(out, "quota-used-bytes", &bytes.to_string()),
            Self::SyncToken(token) => dav_leaf(out, "sync-token", token),
            Self::CTag(tag) => leaf(out, &Name::known(CALENDAR_SERVER, "getctag"), tag),
            Self::CurrentUserPrincipal(principal) => {
                around(out, &Name::dav("current-user-principal"), |out| match principal {
                    Some(path) => href(out, &path.to_string()),
                    None => empty(out, &Name::dav("unauthenticated")),
                })
            }
            Self::Owner(owner) => around(out, &Name::dav("owner"), |out| {
                owner.iter().for_each(|path| href(out, &path.to_string()));
            }),
            Self::CurrentUserPrivilegeSet(privileges) => {
                around(out, &Name::dav("current-user-privilege-set"), |out| {
                    for privilege in privileges {
                        around(out, &Name::dav("privilege"), |out| empty(out, privilege));
                    }
                })
            }
            Self::SupportedReportSet(reports) => around(out, &Name::dav("supported-report-set"), |out| {
                for report in reports {
                    around(out, &Name::dav("supported-report"), |out| {
                        around(out, &Name::dav("report"), |out| empty(out, report));
                    });
                }
            }),
        }
    }
}

fn dav_leaf(out: &mut String, local: &'static str, text: &str) {
    leaf(out, &Name::dav(local), text);
}

fn around(out: &mut String, name: &Name, content: impl FnOnce(&mut String)) {
    start(out, name);
    content(out);
    end(out, name);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dav::name::CALDAV;

    fn check(property: Property<'_>, expected: &str) {
        let mut out = String::new();
        property.push(&mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn each_property_has_the_form_of_its_specification() {
        use Property as P;
        let path = Path::new(["principals", "ä&b"], true);
        check(P::Name(&Name::dav("getetag")), "<D:getetag/>");
        check(P::Name(&Name::new("", "bare")), "<bare/>");
        check(P::Name(&Name::new("urn:a&\"b", "p")), "<x:p xmlns:x=\"urn:a&amp;&quot;b\"/>");
        check(P::Fragment("<Z:a xmlns:Z=\"u\">v</Z:a>"), "<Z:a xmlns:Z=\"u\">v</Z:a>");
        check(P::Text(&Name::new("u", "p"), "a<b"), "<x:p xmlns:x=\"u\">a&lt;b</x:p>");
        check(
            P::Hrefs(&Name::known(CALDAV, "calendar-home-set"), &["/a/", "mailto:a@b"]),
            "<C:calendar-home-set><D:href>/a/</D:href><D:href>mailto:a@b</D:href></C:calendar-home-set>",
        );
        check(P::CreationDate(784_111_777_000), "<D:creationdate>1994-11-06T08:49:37Z</D:creationdate>");
        check(P::DisplayName("R&D \u{1} ä"), "<D:displayname>R&amp;D \u{fffd} ä</D:displayname>");
        check(P::ContentLength(u64::MAX), "<D:getcontentlength>18446744073709551615</D:getcontentlength>");
        check(P::ContentType("text/plain"), "<D:getcontenttype>text/plain</D:getcontenttype>");
        check(P::ETag("\"1-2\""), "<D:getetag>\"1-2\"</D:getetag>");
        check(
            P::LastModified(784_111_777_000),
            "<D:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</D:getlastmodified>",
        );
        check(P::ResourceType(&[]), "<D:resourcetype></D:resourcetype>");
        check(
            P::ResourceType(&[Name::dav("collection"), Name::known(CALDAV, "calendar")]),
            "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>",
        );
        check(
            P::SupportedLock(&[Scope::Exclusive]),
            "<D:supportedlock><D:lockentry><D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope>\
             </D:lockentry></D:supportedlock>",
        );
        check(P::LockDiscovery(&[]), "<D:lockdiscovery></D:lockdiscovery>");
        check(P::QuotaAvailable(1), "<D:quota-available-bytes>1</D:quota-available-bytes>");
        check(P::QuotaUsed(2), "<D:quota-used-bytes>2</D:quota-used-bytes>");
        check(P::SyncToken("urn:s:1"), "<D:sync-token>urn:s:1</D:sync-token>");
        check(P::CTag("7"), "<CS:getctag>7</CS:getctag>");
        check(
            P::CurrentUserPrincipal(Some(&path)),
            "<D:current-user-principal><D:href>/principals/%C3%A4&amp;b/</D:href></D:current-user-principal>",
        );
        check(
            P::CurrentUserPrincipal(None),
            "<D:current-user-principal><D:unauthenticated/></D:current-user-principal>",
        );
        check(P::Owner(None), "<D:owner></D:owner>");
        check(
            P::CurrentUserPrivilegeSet(&[Name::dav("read"), Name::known(CALDAV, "read-free-busy")]),
            "<D:current-user-privilege-set><D:privilege><D:read/></D:privilege>\
             <D:privilege><C:read-free-busy/></D:privilege></D:current-user-privilege-set>",
        );
        check(
            P::SupportedReportSet(&[Name::dav("sync-collection")]),
            "<D:supported-report-set><D:supported-report><D:report><D:sync-collection/></D:report></D:supported-report>\
             </D:supported-report-set>",
        );
    }
}
