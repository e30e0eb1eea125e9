//! What one PROPFIND shows: a resource and, if wanted, what is in it, with locks and kept properties.
//!
//! Fetched at once, in a number of statements that does not depend on how much there is; written out piece by piece.

use std::collections::HashMap;

use zebu_app::dav::{self, Located, Target};
use zebu_formats::dav::{Path, Propfind};
use zebu_model::file::File;
use zebu_model::folder::Folder;
use zebu_model::quota::Quota;

use super::failure::Failure;
use super::locks::{self, Rooted};
use super::shown::{Shown, Space};
use super::visit::{ROOT, Visit};

/// One resource, not looked at closely yet.
#[derive(Debug)]
struct Entry {
    path: Path,
    thing: Thing,
}

#[derive(Debug)]
enum Thing {
    /// A folder with its name, or a view without a record.
    Folder(String, Option<Folder>),
    File(Box<File>),
}

impl Entry {
    fn folder(path: Path, folder: Option<Folder>) -> Entry {
        let name = path.segments().last().cloned().unwrap_or_default();
        Entry { path, thing: Thing::Folder(name, folder) }
    }

    fn target(&self) -> Option<Target> {
        match &self.thing {
            Thing::Folder(_, folder) => folder.as_ref().map(|folder| Target::Folder(folder.id)),
            Thing::File(file) => Some(Target::File(file.id)),
        }
    }
}

/// Everything one PROPFIND shows.
#[derive(Debug)]
pub(super) struct Listing {
    entries: Vec<Entry>,
    /// Locks that bear on what was asked about.
    above: Vec<Rooted>,
    /// Locks on what is in it.
    inside: HashMap<Target, Vec<Rooted>>,
    dead: HashMap<Target, Vec<(String, String)>>,
    space: Option<Space>,
    now_ms: i64,
}

impl Listing {
    /// Fetches it. `children`: with what is in the collection.
    pub(super) async fn fetch(visit: &Visit, wanted: &Propfind, children: bool) -> Result<Listing, Failure> {
        let mut listing = Listing {
            entries: Vec::new(),
            above: Vec::new(),
            inside: HashMap::new(),
            dead: HashMap::new(),
            space: space(visit, wanted).await?,
            now_ms: visit.app().now_ms(),
        };
        if visit.path.segments().is_empty() {
            // The server's own root, where Windows begins: all there is below it is us.
            listing.entries.push(Entry::folder(Path::new([""; 0], true), None));
            if children {
                listing.entries.push(Entry::folder(Path::new([ROOT], true), None));
            }
            return Ok(listing);
        }
        let at = visit.locate().await?;
        let path = Path::new(visit.path.segments().iter().cloned(), !matches!(at, Located::File { .. }));
        match &at {
            Located::Folder(granted) => {
                listing.entries.push(Entry::folder(path.clone(), Some(granted.folder.clone())));
            }
            Located::OtherFolders => listing.entries.push(Entry::folder(path.clone(), None)),
            Located::File { file, .. } => {
                listing.entries.push(Entry { path: path.clone(), thing: Thing::File(file.clone()) });
            }
            Located::Free { .. } | Located::Nowhere => return Err(Failure::not_found()),
        }
        if let Some(target) = at.target() {
            listing.above = locks::rooted(visit, target, &path).await?;
            let dead = dav::properties(visit.app(), &visit.caller, target).await?;
            listing.dead.insert(target, dead);
        }
        if children {
            listing.add_children(visit, &at, &path).await?;
        }
        Ok(listing)
    }

    async fn add_children(&mut self, visit: &Visit, at: &Located, path: &Path) -> Result<(), Failure> {
        let children = dav::children(visit.app(), &visit.caller, at).await?;
        let mut paths: HashMap<Target, Path> = HashMap::new();
        let folders = children.folders.into_iter();
        let folders =
            folders.map(|(name, granted)| Entry::folder(path.child(name, true), granted.map(|g| g.folder)));
        let files = children.files.into_iter();
        let files = files
            .map(|file| Entry { path: path.child(file.name(), false), thing: Thing::File(Box::new(file)) });
        for entry in folders.chain(files) {
            paths.extend(entry.target().map(|target| (target, entry.path.clone())));
            self.entries.push(entry);
        }
        for lock in children.locks {
            if let Some(root) = paths.get(&lock.target) {
                self.inside.entry(lock.target).or_default().push(Rooted::at(lock, root.clone()));
            }
        }
        for (target, name, value) in children.properties {
            self.dead.entry(target).or_default().push((name, value));
        }
        Ok(())
    }

    /// A resource with all that is known of it: first what was asked about, then what is in it.
    pub(super) fn show(&self, index: usize) -> Option<(&Path, Shown<'_>)> {
        let entry = self.entries.get(index)?;
        let shown = match &entry.thing {
            Thing::Folder(name, folder) => Shown::folder(name, folder.as_ref(), self.space),
            Thing::File(file) => Shown::file(file),
        };
        let Some(target) = entry.target() else { return Some((&entry.path, shown)) };
        // Deep locks on a collection, or above it, bear on what is in it as well.
        let above = self.above.iter().filter(|lock| index == 0 || lock.is_deep());
        let locks = above.chain(self.inside.get(&target).into_iter().flatten());
        let dead = self.dead.get(&target).into_iter().flatten();
        let shown = shown.with_locks(locks.map(|lock| lock.active(self.now_ms)));
        Some((&entry.path, shown.with_dead(dead.map(|(name, xml)| (name.as_str(), xml.as_str())))))
    }
}

/// The space of the context, if anybody asked: it costs a statement.
async fn space(visit: &Visit, wanted: &Propfind) -> Result<Option<Space>, Failure> {
    let is_quota = |name: &zebu_formats::dav::Name| {
        name.is_dav("quota-available-bytes") || name.is_dav("quota-used-bytes")
    };
    let names = match wanted {
        Propfind::Prop(names) | Propfind::AllProp { include: names } => names.as_slice(),
        Propfind::PropName => &[],
    };
    if !names.iter().any(is_quota) {
        return Ok(None);
    }
    let (used, quota) = dav::quota(visit.app(), &visit.caller).await?;
    let available = if let Quota::Bytes(limit) = quota { Some(limit.saturating_sub(used)) } else { None };
    Ok(Some(Space { used, available }))
}
