//! What somebody may know of topics at this moment, and which versions these have: read as for a request.

use zebu_model::folder::is_view;
use zebu_model::{Refusal, Scope, Version};
use zebu_store::Tx;

use super::Topic;
use super::hub::Owner;
use super::position::History;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::files;
use crate::sessions;
use crate::settle::until_settled;

/// What a look at topics found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) history: History,
    /// The version of each, or why it may not be known.
    pub(super) topics: Vec<(Topic, std::result::Result<Version, Refusal>)>,
}

/// Looks whether the session is good, and at these topics. Refused if it is not.
pub(super) async fn look(app: &App, owner: Owner, topics: &[Topic]) -> Result<Found> {
    let turn = app.push.checks.acquire().await;
    let _turn = turn.map_err(|_| Error::Internal("nobody closes the semaphore of checks".to_owned()))?;
    let caller = sessions::still(app, owner.context, owner.session).await?;
    until_settled!(read(app, &caller, topics).await)
}

async fn read(app: &App, caller: &Caller, topics: &[Topic]) -> Result<Found> {
    let history = History { context: caller.place.context, born: caller.place.born };
    let mut found = Found { history, topics: Vec::with_capacity(topics.len()) };
    if topics.is_empty() {
        return Ok(found);
    }
    let named = topics.iter().filter(|topic| !is_empty(**topic)).map(|topic| topic.scope());
    let mut scopes: Vec<Scope> = [Scope::Tree].into_iter().chain(named).collect();
    scopes.sort_unstable();
    scopes.dedup();
    let mut tx = app.read_of(&caller.place, &scopes).await?;
    for topic in topics {
        let version = match version(&mut tx, caller, *topic).await {
            Ok(version) => Ok(version),
            Err(Error::Refused(refusal)) => Err(refusal),
            Err(failure) => return Err(failure),
        };
        found.topics.push((*topic, version));
    }
    Ok(found)
}

/// Views of the tree hold nothing that could change.
fn is_empty(topic: Topic) -> bool {
    matches!(topic, Topic::Folder(id) if is_view(id))
}

async fn version(tx: &mut Tx, caller: &Caller, topic: Topic) -> Result<Version> {
    if is_empty(topic) {
        return Ok(Version::NONE);
    }
    if let Topic::Folder(id) = topic {
        files::may_list(tx, caller, id).await?;
    }
    Ok(tx.version(topic.scope()).await?)
}
