//! `zebu members`: one question and one answer on a socket of this machine, each a line of JSON.
//!
//! The socket has mode 0600: only the web tier's own user and root open it. The kernel says who asks, for the record of changes.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net as plain;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};

use super::Change;
use crate::status::Status;
use crate::tier::Tier;

/// Longest question, bytes.
const ORDER_BYTES_MAX: u64 = 16 * 1024;
/// Longest answer that is read, bytes.
const REPLY_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How long whoever asks may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Nothing is changed.
    List,
    /// This is changed.
    Change(Change),
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The members as they are now: an array of what [`crate::MemberStatus`] is as JSON.
    Members(serde_json::Value),
    /// Nothing was changed; this is why.
    Refused(String),
}

/// The socket's name, taken away with it unless another web tier has put its own there.
struct Named {
    path: PathBuf,
    inode: (u64, u64),
}

impl Drop for Named {
    fn drop(&mut self) {
        if fs::metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.inode) {
            // It may be gone already.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Serves until dropped.
pub(super) async fn serve(tier: Arc<Tier>, path: PathBuf) {
    let (listener, _named) = match open(&path) {
        Ok(opened) => opened,
        Err(error) => {
            return tracing::error!(socket = %path.display(), cause = %error, "members cannot be changed by command");
        }
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if timeout(PATIENCE, talk(&tier, stream)).await.is_err() {
                    tracing::warn!("whoever wanted to change members took too long");
                }
            }
            Err(error) => {
                tracing::warn!(cause = %error, "cannot accept who wants to change members");
                sleep(PATIENCE).await;
            }
        }
    }
}

/// Listens, in the place of a socket that was left there or is the predecessor's. It gets its name when its mode is right: nobody
/// else may open it for a moment either.
fn open(path: &Path) -> io::Result<(UnixListener, Named)> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let _ = fs::remove_file(&new);
    let listener = plain::UnixListener::bind(&new)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
    let found = fs::metadata(&new)?;
    fs::rename(&new, path)?;
    listener.set_nonblocking(true)?;
    let named = Named { path: path.to_owned(), inode: (found.dev(), found.ino()) };
    Ok((UnixListener::from_std(listener)?, named))
}

async fn talk(tier: &Arc<Tier>, stream: UnixStream) {
    let who = stream.peer_cred().map_or("nobody known".to_owned(), |peer| format!("uid {}", peer.uid()));
    let (asked, mut answer) = stream.into_split();
    let mut line = String::new();
    let mut asked = tokio::io::BufReader::new(asked.take(ORDER_BYTES_MAX));
    if asked.read_line(&mut line).await.is_err() {
        return;
    }
    let order = serde_json::from_str::<Order>(&line).map_err(|error| error.to_string());
    let done = order.and_then(|order| match order {
        Order::List => Ok(()),
        Order::Change(change) => tier.manager.change(tier, &change, &who),
    });
    let reply = match done {
        Ok(()) => Reply::Members(members(tier)),
        Err(reason) => Reply::Refused(reason),
    };
    // Numbers and texts under names always have a JSON form.
    let text = serde_json::to_string(&reply).unwrap_or_default() + "\n";
    // Whoever has gone needs no answer.
    let _ = answer.write_all(text.as_bytes()).await;
}

fn members(tier: &Arc<Tier>) -> serde_json::Value {
    let snapshot = Status::new(tier.clone()).snapshot();
    serde_json::to_value(snapshot.members).unwrap_or_default()
}

/// Asks the web tier of this machine behind that socket.
///
/// # Errors
/// It does not answer.
pub fn ask(socket: &Path, order: &Order) -> io::Result<Reply> {
    let mut stream = plain::UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE * 2))?;
    let text = serde_json::to_string(order).map_err(io::Error::other)? + "\n";
    stream.write_all(text.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream.take(REPLY_BYTES_MAX)).read_line(&mut answer)?;
    serde_json::from_str(&answer).map_err(io::Error::other)
}
