//! Whether locks stand in the way, for everything the application does not look at itself: what is added to or taken
//! from a collection, and whole subtrees (RFC 4918 §7.4, §7.5).

use std::collections::HashMap;

use zebu_app::dav::{self, Lock, Target};
use zebu_formats::dav::{ActiveLock, Depth, Path, Scope, Timeout};
use zebu_model::FolderId;

use super::failure::Failure;
use super::visit::{ROOT, Visit};

/// Refuses (423) unless the locks that bear on a target are opened by a submitted token. `path` is where it is.
pub(super) async fn open(
    visit: &Visit,
    target: Target,
    path: &Path,
    tokens: &[String],
) -> Result<(), Failure> {
    let locks = dav::locks_at(visit.app(), &visit.caller, target).await?;
    if locks.is_empty() || locks.iter().any(|lock| is_opened(visit, lock, tokens)) {
        return Ok(());
    }
    Err(Failure::Locked(vec![path.clone()]))
}

/// The same for everything below a folder: each lock there must be opened, or another one on the same thing.
pub(super) async fn open_below(
    visit: &Visit,
    folder: FolderId,
    path: &Path,
    tokens: &[String],
) -> Result<(), Failure> {
    let mut opened: HashMap<Target, bool> = HashMap::new();
    for lock in dav::locks_below(visit.app(), &visit.caller, folder).await? {
        let is_opened = is_opened(visit, &lock, tokens);
        *opened.entry(lock.target).or_default() |= is_opened;
    }
    if opened.values().all(|opened| *opened) { Ok(()) } else { Err(Failure::Locked(vec![path.clone()])) }
}

fn is_opened(visit: &Visit, lock: &Lock, tokens: &[String]) -> bool {
    lock.user == visit.caller.user() && tokens.contains(&lock.token)
}

/// A lock with the path of what was locked, which answers show.
#[derive(Debug)]
pub(super) struct Rooted {
    lock: Lock,
    root: Path,
}

impl Rooted {
    /// A lock on the very resource at `path`.
    pub(super) fn at(lock: Lock, path: Path) -> Rooted {
        Rooted { lock, root: path }
    }

    /// Whether it covers everything below.
    pub(super) fn is_deep(&self) -> bool {
        self.lock.deep
    }

    /// What an answer says of it.
    pub(super) fn active(&self, now_ms: i64) -> ActiveLock<'_> {
        let rest_ms = self.lock.expires.saturating_sub(now_ms).max(0);
        ActiveLock {
            scope: if self.lock.shared { Scope::Shared } else { Scope::Exclusive },
            depth: if self.lock.deep { Depth::Infinity } else { Depth::Zero },
            owner: Some(self.lock.owner.as_str()).filter(|owner| !owner.is_empty()),
            timeout: Timeout::Seconds(u32::try_from(rest_ms / 1_000).unwrap_or(u32::MAX)),
            token: &self.lock.token,
            root: &self.root,
        }
    }
}

/// The locks that bear on a resource, each with its root: mostly the resource itself, else a collection above it, which
/// is then looked for on the way up.
pub(super) async fn rooted(visit: &Visit, target: Target, path: &Path) -> Result<Vec<Rooted>, Failure> {
    let mut rooted = Vec::new();
    for lock in dav::locks_at(visit.app(), &visit.caller, target).await? {
        let root =
            if lock.target == target { path.clone() } else { root_above(visit, lock.target, path).await? };
        rooted.push(Rooted { lock, root });
    }
    Ok(rooted)
}

async fn root_above(visit: &Visit, target: Target, path: &Path) -> Result<Path, Failure> {
    let mut segments = path.segments();
    while let Some((_, above)) = segments.split_last() {
        segments = above;
        let candidate = Path::new(segments.iter().cloned(), true);
        if visit.locate_path(&candidate).await?.target() == Some(target) {
            return Ok(candidate);
        }
    }
    Ok(Path::new([ROOT], true))
}
