//! The daemon itself.

use super::reply::Reply;
use super::router::{Asked, Outcome};

/// `allpluginsloaded`: whether everything a command needs is there. Whoever gets an answer at all has found the daemon
/// listening, which it does not before it is complete; what may still be missing is configdb.
pub(super) async fn loaded(asked: Asked) -> Outcome {
    asked.app.ready().await?;
    Ok(Reply::silent())
}
