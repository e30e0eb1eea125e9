//! The body of PROPFIND: which properties the client wants (RFC 4918 section 9.1).
//!
//! Called by `web`'s PROPFIND. Says what was asked for; what of it exists is not known here.

use super::document::parse;
use super::error::BadBody;
use super::name::Name;

/// What a PROPFIND asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Propfind {
    /// All properties of RFC 4918 and all dead ones, and these.
    AllProp {
        /// The live properties to add.
        include: Vec<Name>,
    },
    /// The names of all properties, without values.
    PropName,
    /// These properties, in the client's order.
    Prop(Vec<Name>),
}

impl Propfind {
    /// Reads a body; an empty one asks for all properties.
    ///
    /// # Errors
    /// [`BadBody`], also if it asks for several things or nothing.
    pub fn parse(body: &[u8]) -> Result<Self, BadBody> {
        if body.is_empty() {
            return Ok(Self::AllProp { include: Vec::new() });
        }
        let root = parse(body)?;
        if !root.name.is_dav("propfind") {
            return Err(BadBody::Unexpected("the root element is not DAV:propfind"));
        }
        // What is not known is ignored (RFC 4918 section 17).
        match (root.dav_child("allprop"), root.dav_child("propname"), root.dav_child("prop")) {
            (Some(_), None, None) => {
                let include =
                    root.dav_child("include").map(|include| include.child_names()).unwrap_or_default();
                Ok(Self::AllProp { include })
            }
            (None, Some(_), None) => Ok(Self::PropName),
            (None, None, Some(prop)) => Ok(Self::Prop(prop.child_names())),
            _ => Err(BadBody::Unexpected("exactly one of DAV:allprop, DAV:propname and DAV:prop is needed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Propfind) {
        assert_eq!(Propfind::parse(body.as_bytes()), Ok(expected), "{body}");
    }

    fn dav(names: &[&'static str]) -> Vec<Name> {
        names.iter().map(|name| Name::dav(name)).collect()
    }

    #[test]
    fn the_four_forms_are_read() {
        check("", Propfind::AllProp { include: vec![] });
        check("<propfind xmlns='DAV:'><allprop/></propfind>", Propfind::AllProp { include: vec![] });
        check(
            "<propfind xmlns='DAV:'><allprop/><include><owner/><x xmlns='u'/></include></propfind>",
            Propfind::AllProp { include: vec![Name::dav("owner"), Name::new("u", "x")] },
        );
        check("<propfind xmlns='DAV:'><propname/></propfind>", Propfind::PropName);
        check("<propfind xmlns='DAV:'><prop/></propfind>", Propfind::Prop(vec![]));
        check(
            "<propfind xmlns='DAV:'><new xmlns='u'><prop/></new><prop><b/><a/></prop></propfind>",
            Propfind::Prop(dav(&["b", "a"])),
        );
    }

    #[test]
    fn finder_asks_like_this() {
        check(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:propfind xmlns:D=\"DAV:\">\n<D:prop>\n<D:getlastmodified/>\n\
             <D:getcontentlength/>\n<D:creationdate/>\n<D:resourcetype/>\n</D:prop>\n</D:propfind>\n",
            Propfind::Prop(dav(&["getlastmodified", "getcontentlength", "creationdate", "resourcetype"])),
        );
        check(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:propfind xmlns:D=\"DAV:\">\n<D:prop>\n\
             <D:quota-available-bytes/>\n<D:quota-used-bytes/>\n<D:quota/>\n<D:quotaused/>\n</D:prop>\n</D:propfind>\n",
            Propfind::Prop(dav(&["quota-available-bytes", "quota-used-bytes", "quota", "quotaused"])),
        );
    }

    #[test]
    fn the_windows_redirector_asks_like_this() {
        check("", Propfind::AllProp { include: vec![] });
        check(
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?><D:propfind xmlns:D=\"DAV:\" \
             xmlns:Z=\"urn:schemas-microsoft-com:\"><D:prop><D:creationdate/><D:getcontentlength/><D:displayname/>\
             <D:getlastmodified/><D:resourcetype/><Z:Win32FileAttributes/></D:prop></D:propfind>",
            Propfind::Prop(
                [
                    dav(&[
                        "creationdate",
                        "getcontentlength",
                        "displayname",
                        "getlastmodified",
                        "resourcetype",
                    ]),
                    vec![Name::known(super::super::name::MICROSOFT, "Win32FileAttributes")],
                ]
                .concat(),
            ),
        );
    }

    #[test]
    fn rclone_asks_like_this() {
        check(
            "<?xml version=\"1.0\"?>\n<d:propfind  xmlns:d=\"DAV:\" xmlns:oc=\"http://owncloud.org/ns\" \
             xmlns:nc=\"http://nextcloud.org/ns\">\n <d:prop>\n  <d:displayname />\n  <d:getlastmodified />\n  \
             <d:getcontentlength />\n  <d:resourcetype />\n  <d:getcontenttype />\n  <oc:checksums />\n  \
             <oc:permissions />\n </d:prop>\n</d:propfind>\n",
            Propfind::Prop(
                [
                    dav(&[
                        "displayname",
                        "getlastmodified",
                        "getcontentlength",
                        "resourcetype",
                        "getcontenttype",
                    ]),
                    vec![
                        Name::known("http://owncloud.org/ns", "checksums"),
                        Name::known("http://owncloud.org/ns", "permissions"),
                    ],
                ]
                .concat(),
            ),
        );
    }

    #[test]
    fn cadaver_and_litmus_ask_like_this() {
        check(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<propfind xmlns=\"DAV:\"><prop>\n\
             <getcontentlength xmlns=\"DAV:\"/>\n<getlastmodified xmlns=\"DAV:\"/>\n\
             <executable xmlns=\"http://apache.org/dav/props/\"/>\n<resourcetype xmlns=\"DAV:\"/>\n\
             <checked-in xmlns=\"DAV:\"/>\n<checked-out xmlns=\"DAV:\"/>\n</prop></propfind>\n",
            Propfind::Prop(vec![
                Name::dav("getcontentlength"),
                Name::dav("getlastmodified"),
                Name::known("http://apache.org/dav/props/", "executable"),
                Name::dav("resourcetype"),
                Name::dav("checked-in"),
                Name::dav("checked-out"),
            ]),
        );
        check(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<propfind xmlns=\"DAV:\"><prop>\n\
             <nonamespace xmlns=\"\"/>\n</prop></propfind>\n",
            Propfind::Prop(vec![Name::new("", "nonamespace")]),
        );
    }

    #[test]
    fn gvfs_asks_like_this() {
        check(
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n <D:propfind xmlns:D=\"DAV:\">\n  <D:prop>\n<D:creationdate/>\n\
             <D:displayname/>\n<D:getcontentlength/>\n<D:getcontenttype/>\n<D:getetag/>\n<D:getlastmodified/>\n\
             <D:resourcetype/>\n  </D:prop>\n </D:propfind>",
            Propfind::Prop(dav(&[
                "creationdate",
                "displayname",
                "getcontentlength",
                "getcontenttype",
                "getetag",
                "getlastmodified",
                "resourcetype",
            ])),
        );
    }

    #[test]
    fn what_asks_for_nothing_or_for_two_things_is_refused() {
        for body in [
            " ",
            "<propfind/>",
            "<propfind xmlns='DAV:'/>",
            "<prop xmlns='DAV:'/>",
            "<propfind xmlns='DAV:'><prop/><allprop/></propfind>",
            "<propfind xmlns='DAV:'><prop xmlns='other'/></propfind>",
            // litmus propfind_invalid and propfind_invalid2
            "<?xml version=\"1.0\"?><foo>",
            "<D:propfind xmlns:D=\"DAV:\"><D:prop><bar:foo xmlns:bar=\"\"/></D:prop></D:propfind>",
        ] {
            assert!(Propfind::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
