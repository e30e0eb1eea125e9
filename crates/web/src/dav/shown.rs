//! A resource as PROPFIND shows it: its live properties by name, and those that clients keep with it.

use zebu_formats::dav::{ActiveLock, Name, Property, Scope};
use zebu_model::file::File;
use zebu_model::folder::Folder;

use crate::content::Validators;

static COLLECTION: [Name; 1] = [Name::dav("collection")];
static LOCKS: [Scope; 2] = [Scope::Exclusive, Scope::Shared];

/// The live properties of `DAV:`, all of them protected. Quotas are shown only when asked for (RFC 4331 §3).
pub(super) const LIVE: [&str; 11] = [
    "creationdate",
    "displayname",
    "getcontentlength",
    "getcontenttype",
    "getetag",
    "getlastmodified",
    "lockdiscovery",
    "resourcetype",
    "supportedlock",
    "quota-available-bytes",
    "quota-used-bytes",
];

/// How many of [`LIVE`] are shown unasked.
const UNASKED: usize = 9;

/// Bytes in use, and those that still fit, if there is a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space {
    pub(super) used: u64,
    pub(super) available: Option<u64>,
}

/// A resource to show.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    name: &'a str,
    created: Option<i64>,
    modified: Option<i64>,
    file: Option<FileFacts<'a>>,
    locks: Vec<ActiveLock<'a>>,
    dead: Vec<(&'a str, &'a str)>,
    space: Option<Space>,
}

#[derive(Debug)]
struct FileFacts<'a> {
    size: u64,
    mime: &'a str,
    etag: String,
}

impl<'a> Shown<'a> {
    /// A folder; one that is only a view has no record.
    pub(super) fn folder(name: &'a str, folder: Option<&Folder>, space: Option<Space>) -> Shown<'a> {
        Shown {
            name,
            created: folder.map(|folder| folder.created),
            modified: folder.map(|folder| folder.modified.0),
            file: None,
            locks: Vec::new(),
            dead: Vec::new(),
            space,
        }
    }

    /// A file. What is said of its content is what GET says.
    pub(super) fn file(file: &'a File) -> Shown<'a> {
        let content = file.content.as_ref();
        let validators = content.map(Validators::of);
        Shown {
            name: file.name(),
            created: Some(file.created),
            modified: validators.as_ref().map(|validators| validators.modified_ms),
            file: content.zip(validators).map(|(content, validators)| FileFacts {
                size: content.size,
                mime: &content.mime,
                etag: validators.etag,
            }),
            locks: Vec::new(),
            dead: Vec::new(),
            space: None,
        }
    }

    /// With the locks that bear on it.
    pub(super) fn with_locks(mut self, locks: impl Iterator<Item = ActiveLock<'a>>) -> Shown<'a> {
        self.locks.extend(locks);
        self
    }

    /// With the properties that clients keep with it: `{namespace}local` and XML.
    pub(super) fn with_dead(mut self, dead: impl Iterator<Item = (&'a str, &'a str)>) -> Shown<'a> {
        self.dead.extend(dead);
        self
    }

    /// The value of a property, if it has one.
    pub(super) fn value(&self, name: &Name) -> Option<Property<'_>> {
        let dead = || {
            let found = self.dead.iter().find(|(key, _)| is_key_of(key, name));
            found.map(|(_, xml)| Property::Fragment(xml))
        };
        if name.ns != zebu_formats::dav::DAV { dead() } else { self.live(&name.local).or_else(dead) }
    }

    fn live(&self, local: &str) -> Option<Property<'_>> {
        let file = self.file.as_ref();
        match local {
            "creationdate" => self.created.map(Property::CreationDate),
            "displayname" => Some(Property::DisplayName(self.name)),
            "getcontentlength" => file.map(|file| Property::ContentLength(file.size)),
            "getcontenttype" => file.map(|file| Property::ContentType(file.mime)),
            "getetag" => file.map(|file| Property::ETag(&file.etag)),
            "getlastmodified" => self.modified.map(Property::LastModified),
            "lockdiscovery" => Some(Property::LockDiscovery(&self.locks)),
            "resourcetype" => Some(Property::ResourceType(if file.is_some() { &[] } else { &COLLECTION })),
            "supportedlock" => Some(Property::SupportedLock(&LOCKS)),
            "quota-available-bytes" => self.space?.available.map(Property::QuotaAvailable),
            "quota-used-bytes" => self.space.map(|space| Property::QuotaUsed(space.used)),
            _ => None,
        }
    }

    /// All live properties that are shown unasked and have a value, and all dead ones.
    pub(super) fn everything(&self) -> Vec<Property<'_>> {
        let live = LIVE.iter().take(UNASKED).filter_map(|local| self.live(local));
        live.chain(self.dead.iter().map(|(_, xml)| Property::Fragment(xml))).collect()
    }

    /// The names of all properties that have a value.
    pub(super) fn names(&self) -> Vec<Name> {
        let live = LIVE.iter().filter(|local| self.live(local).is_some()).map(|local| Name::dav(local));
        live.chain(self.dead.iter().filter_map(|(key, _)| name_of(key))).collect()
    }
}

/// How a dead property's name is kept: `{namespace}local`.
pub(super) fn key_of(name: &Name) -> String {
    format!("{{{}}}{}", name.ns, name.local)
}

fn is_key_of(key: &str, name: &Name) -> bool {
    let rest = key.strip_prefix('{').and_then(|rest| rest.strip_prefix(name.ns.as_ref()));
    rest.and_then(|rest| rest.strip_prefix('}')) == Some(name.local.as_ref())
}

fn name_of(key: &str) -> Option<Name> {
    // A local name has no brace in it; a namespace could.
    let (ns, local) = key.strip_prefix('{')?.rsplit_once('}')?;
    Some(Name::new(ns, local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_propertys_name_survives_being_kept() {
        for name in
            [Name::new("urn:x", "a"), Name::new("", "a"), Name::new("u{}v", "größe"), Name::dav("ishidden")]
        {
            let key = key_of(&name);
            assert_eq!(name_of(&key), Some(name.clone()));
            assert!(is_key_of(&key, &name));
        }
        assert!(!is_key_of("{urn:x}ab", &Name::new("urn:x", "a")));
    }

    #[test]
    fn a_view_has_only_what_a_view_can_have() {
        let view = Shown::folder("Other", None, Some(Space { used: 1, available: None }));
        let names: Vec<String> = view.names().into_iter().map(|name| name.local.into_owned()).collect();
        assert_eq!(
            names,
            ["displayname", "lockdiscovery", "resourcetype", "supportedlock", "quota-used-bytes"]
        );
        assert_eq!(view.everything().len(), 4);
        assert!(view.value(&Name::dav("getetag")).is_none());
    }
}
