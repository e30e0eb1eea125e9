//! The last look, when nobody writes any more and nothing is wrong: everything through every node, as an owner sees it. It is entered like
//! any other, so the checkers judge it; and what the nodes answer is compared.

use super::client::{Became, Client};
use super::world::{Folder, World, lock};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What these looks are called.
pub(crate) const LAST_LOOK: &str = "last look";
/// How long one look may be answered "try again".
const ANSWER_SECONDS_MAX: u64 = 30;
/// Between two attempts.
const AGAIN: Duration = Duration::from_millis(100);

/// What one node answers: a line for each thing.
pub(crate) type Seen = Vec<String>;

/// Looks at everything through one node.
pub(crate) async fn through(world: &Arc<World>, way_in: usize) -> Result<Seen, String> {
    let mut seen = Seen::new();
    for person in 0..world.people.len() {
        let mut client = Client { world: Arc::clone(world), person, session: None };
        let signed_in_by = Instant::now() + Duration::from_secs(ANSWER_SECONDS_MAX);
        while client.session.is_none() {
            if Instant::now() > signed_in_by {
                return Err(format!("{} cannot sign in at the end", client.somebody().login));
            }
            client.sign_in().await;
        }
        for cabinet in 0..2 {
            let answer = answered(|| client.list_cabinet_through(way_in, person, cabinet, LAST_LOOK)).await?;
            seen.push(format!("cabinet {cabinet} of {person}: {answer}"));
        }
        let own: Vec<(usize, Folder)> = {
            let folders = lock(&world.folders);
            folders.iter().cloned().enumerate().filter(|(_, folder)| folder.owner == person).collect()
        };
        for (index, folder) in own {
            let answer = answered(|| client.look_through(way_in, &folder, LAST_LOOK)).await?;
            seen.push(format!("folder {}: {answer}", folder.id));
            let files = answered(|| client.list_files_through(way_in, index, &folder, LAST_LOOK)).await?;
            seen.push(format!("files in {}: {files}", folder.id));
        }
        client.sign_out().await;
    }
    Ok(seen)
}

async fn answered<F: Future<Output = Option<Became>>>(look: impl Fn() -> F) -> Result<String, String> {
    let deadline = Instant::now() + Duration::from_secs(ANSWER_SECONDS_MAX);
    loop {
        match look().await {
            Some(Became::Done(data)) => return Ok(data.to_string()),
            Some(Became::Refused) => return Ok("refused".to_owned()),
            other if Instant::now() >= deadline => {
                return Err(format!("a last look was still not answered: {other:?}"));
            }
            // tidy-allow(sleep): between two questions to another process
            _ => tokio::time::sleep(AGAIN).await,
        }
    }
}
