//! The daemon itself.

use super::asked::{Asked, Outcome};
use super::reply::Reply;

/// `allpluginsloaded`: whether everything a command needs is there. Whoever gets an answer at all has found the daemon
/// listening, which it does not before it is complete; what may still be missing is configdb.
pub(super) async fn loaded(asked: Asked) -> Outcome {
    asked.app.ready().await?;
    Ok(Reply::silent())
}
