//! WebDAV locks (RFC 4918 §6, §7): who holds one, taking, prolonging, giving back.

use zebu_model::limits::{LOCK_SECONDS_MAX, LOCKS_MAX};
use zebu_model::lock::{Lock, Target};
use zebu_model::rights::ObjectRight;
use zebu_model::tree::Granted;
use zebu_model::{FolderId, Refusal, Scope};
use zebu_store::shard::dav;
use zebu_store::shard::{files, folders};
use zebu_store::{Plan, Tx, WriteTx};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::random;
use crate::settle::until_settled;

/// A lock to take.
#[derive(Clone, Debug)]
pub struct LockRequest {
    /// Whether others may hold one too.
    pub shared: bool,
    /// Whether it covers everything below.
    pub deep: bool,
    /// What the client says of its owner: an XML fragment.
    pub owner: String,
    /// How long, seconds; cut to [`LOCK_SECONDS_MAX`].
    pub seconds: u32,
}

/// The locks that bear on a resource.
pub type Locks = Vec<Lock>;

/// The locks that bear on a target: on itself, and deep ones on folders above it.
pub async fn locks_at(app: &App, caller: &Caller, target: Target) -> Result<Locks> {
    Ok(bearing(app, caller, target).await?.map(|(_, locks)| locks).unwrap_or_default())
}

/// The same, with the folder that the target is in; `None` if the target is gone.
async fn bearing(app: &App, caller: &Caller, target: Target) -> Result<Option<(FolderId, Locks)>> {
    let mut tx = app.read(&caller.place).await?;
    let Some(place) = place_of(&mut tx, target).await? else { return Ok(None) };
    let locks = dav::bearing(&mut tx, target, place, app.now_ms()).await?;
    Ok(Some((place, locks)))
}

/// The locks on everything below a folder: on folders and on the files in them.
pub async fn locks_below(app: &App, caller: &Caller, top: FolderId) -> Result<Locks> {
    let mut tx = app.read(&caller.place).await?;
    below(&mut tx, app, caller, top).await
}

async fn below(tx: &mut Tx, app: &App, caller: &Caller, top: FolderId) -> Result<Locks> {
    let subtree = folders::subtree(tx, &caller.who, top).await?;
    let subtree: Vec<Granted> = subtree.into_iter().map(|(below, _)| below.granted).collect();
    in_these(tx, app, &subtree, top).await
}

async fn in_these(tx: &mut Tx, app: &App, subtree: &[Granted], top: FolderId) -> Result<Locks> {
    let ids: Vec<FolderId> = subtree.iter().map(|granted| granted.folder.id).collect();
    let mut locks = Vec::new();
    for part in ids.chunks(500) {
        locks.extend(dav::locks_on_folders(tx, part, app.now_ms()).await?);
        locks.extend(dav::locks_in_folders(tx, part, app.now_ms()).await?);
    }
    locks.retain(|lock| lock.target != Target::Folder(top));
    Ok(locks)
}

/// The folder whose content a target belongs to: a file's folder, a folder itself.
async fn place_of(tx: &mut Tx, target: Target) -> Result<Option<FolderId>> {
    Ok(match target {
        Target::Folder(id) => Some(id),
        Target::File(id) => files::get(tx, id).await?.map(|f| f.folder),
    })
}

fn expires(app: &App, seconds: u32) -> i64 {
    app.now_ms().saturating_add(i64::from(seconds.min(LOCK_SECONDS_MAX)) * 1_000)
}

/// Takes a lock. It shuts everybody else out, so it takes the right to change what is shut: the file, or everything in the
/// folder, and for a deep lock in every folder below. A deep lock also collides with locks on anything below it.
pub async fn lock(app: &App, caller: &Caller, target: Target, request: LockRequest) -> Result<Lock> {
    until_settled!(attempt(app, caller, target, &request).await)
}

async fn attempt(app: &App, caller: &Caller, target: Target, request: &LockRequest) -> Result<Lock> {
    let place = {
        let mut tx = app.read(&caller.place).await?;
        place_of(&mut tx, target).await?
    };
    let missing = || match target {
        Target::Folder(folder) => Refusal::FolderNotVisible { folder },
        Target::File(file) => Refusal::FileMissing { file },
    };
    let place = place.ok_or_else(missing)?;
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Tree, Scope::Folder(place)])).await?;
    let caller = &caller.as_of(&mut tx).await?;
    let granted = folders::get(&mut tx, &caller.who, place).await?.filter(|g| g.bits.sees());
    let granted = granted.ok_or_else(missing)?;
    let mut shut = Vec::new();
    let allowed = match target {
        Target::File(id) => {
            let creator = files::get(&mut tx, id).await?.ok_or_else(missing)?.created_by;
            // Whoever may only add locks the name first and fills it then (RFC 4918 §7.3).
            let adds = creator == caller.who.user && granted.bits.creates_objects();
            adds || granted.bits.write.covers(creator, caller.who.user)
        }
        Target::Folder(id) if request.deep && granted.bits.write >= ObjectRight::All => {
            let subtree = folders::subtree(&mut tx, &caller.who, id).await?;
            shut = subtree.into_iter().map(|(below, _)| below.granted).collect();
            shut.iter().all(|below| below.bits.sees() && below.bits.write >= ObjectRight::All)
        }
        Target::Folder(_) => granted.bits.write >= ObjectRight::All,
    };
    if !allowed {
        return Err(Refusal::FileWriteDenied {}.into());
    }
    let mut held = dav::bearing(&mut tx, target, place, app.now_ms()).await?;
    if held.len() >= LOCKS_MAX && request.shared {
        return Err(Refusal::LocksTooMany { limit: LOCKS_MAX }.into());
    }
    if let (Target::Folder(id), true) = (target, request.deep) {
        held.extend(in_these(&mut tx, app, &shut, id).await?);
    }
    if held.iter().any(|lock| !(lock.shared && request.shared)) {
        return Err(Refusal::FileLocked {}.into());
    }
    let taken = Lock {
        token: format!("urn:uuid:{}", uuid()?),
        target,
        user: caller.who.user,
        shared: request.shared,
        deep: request.deep,
        owner: request.owner.clone(),
        expires: expires(app, request.seconds),
    };
    dav::insert_lock(&mut tx, &taken, place, app.now_ms()).await?;
    tx.commit().await?;
    Ok(taken)
}

/// A random UUID (RFC 9562 §5.4).
fn uuid() -> Result<String> {
    let mut bytes = random::bytes()?;
    if let Some(b) = bytes.get_mut(6) {
        *b = (*b & 0x0f) | 0x40;
    }
    if let Some(b) = bytes.get_mut(8) {
        *b = (*b & 0x3f) | 0x80;
    }
    let mut text = random::hex(&bytes);
    for at in [8, 13, 18, 23] {
        text.insert(at, '-');
    }
    Ok(text)
}

/// The caller's lock of a token.
fn own<'a>(locks: &'a [Lock], caller: &Caller, token: &str) -> Option<&'a Lock> {
    locks.iter().find(|lock| lock.token == token && lock.user == caller.who.user)
}

/// Prolongs a lock that the caller holds on a target; `None` if there is none such.
pub async fn refresh(
    app: &App,
    caller: &Caller,
    target: Target,
    tokens: &[String],
    seconds: u32,
) -> Result<Option<Lock>> {
    until_settled!(prolong(app, caller, target, tokens, seconds).await)
}

async fn prolong(
    app: &App,
    caller: &Caller,
    target: Target,
    tokens: &[String],
    seconds: u32,
) -> Result<Option<Lock>> {
    let Some((place, locks)) = bearing(app, caller, target).await? else { return Ok(None) };
    for token in tokens {
        let Some(lock) = own(&locks, caller, token) else { continue };
        let mut tx = change(app, caller, target, lock, place).await?;
        let lock = Lock { expires: expires(app, seconds), ..lock.clone() };
        if dav::set_expires(&mut tx, &lock, place).await? {
            tx.commit().await?;
            return Ok(Some(lock));
        }
    }
    Ok(None)
}

/// Gives a lock back. `false` if the caller holds no such lock on the target.
pub async fn unlock(app: &App, caller: &Caller, target: Target, token: &str) -> Result<bool> {
    until_settled!(give_back(app, caller, target, token).await)
}

async fn give_back(app: &App, caller: &Caller, target: Target, token: &str) -> Result<bool> {
    let Some((place, locks)) = bearing(app, caller, target).await? else { return Ok(false) };
    let Some(lock) = own(&locks, caller, token) else { return Ok(false) };
    let mut tx = change(app, caller, target, lock, place).await?;
    let gone = dav::delete_lock(&mut tx, lock, place).await?;
    tx.commit().await?;
    Ok(gone)
}

/// A transaction that changes a lock that was found while `target` was in `place`; it still is.
async fn change(app: &App, caller: &Caller, target: Target, lock: &Lock, place: FolderId) -> Result<WriteTx> {
    let plan = Plan::changing([dav::scope_of_locks(lock.target, place)]);
    let mut tx = app.write(&caller.place, plan).await?;
    if place_of(&mut tx, target).await? != Some(place) {
        return Err(zebu_store::Error::Stale.into());
    }
    Ok(tx)
}
