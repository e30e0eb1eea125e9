//! Whether a lock stands in the way of a change.

use zebu_model::file::File;
use zebu_model::lock::{Lock, Target};
use zebu_model::{Refusal, UserId};
use zebu_store::Tx;
use zebu_store::shard::dav;

use crate::caller::Caller;
use crate::error::Result;

/// What a client shows for the locks it holds.
#[derive(Clone, Copy, Debug)]
pub enum Holding<'a> {
    /// Its user: the HTTP API lets the holder of a lock work on.
    User,
    /// The lock tokens it submitted: WebDAV wants them named (RFC 4918 §7.5).
    Tokens(&'a [String]),
}

impl Holding<'_> {
    fn opens(self, lock: &Lock, user: UserId) -> bool {
        match self {
            Holding::User => lock.user == user,
            Holding::Tokens(tokens) => lock.user == user && tokens.contains(&lock.token),
        }
    }
}

/// Refuses a change to `file` while somebody else's lock lies on it, or deep on a folder above it. A shared lock stands in
/// the way until one of its holders submits its own.
pub(super) async fn check(
    tx: &mut Tx,
    caller: &Caller,
    file: &File,
    holding: Holding<'_>,
    now_ms: i64,
) -> Result<()> {
    let locks = dav::bearing(tx, Target::File(file.id), file.folder, now_ms).await?;
    if locks.is_empty() || locks.iter().any(|lock| holding.opens(lock, caller.who.user)) {
        Ok(())
    } else {
        Err(Refusal::FileLocked {}.into())
    }
}
