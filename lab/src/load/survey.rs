//! The last look at everything, when nobody writes any more: what the loss checker judges. It asks until it is answered, but
//! not for ever.

use super::person::{Answer, Node};
use super::world::{World, files_in, listing, title_number};
use super::writer::content;
use crate::checks::history::Seen;
use crate::checks::loss::Survey;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long one question may be answered "try again".
const ANSWER_SECONDS_MAX: u64 = 30;
/// Between two attempts.
const AGAIN: Duration = Duration::from_millis(100);

/// What is there, seen through a node, and files whose content is not what was put there.
pub(crate) async fn through(world: &World, node: &Node) -> Result<(Survey, Vec<String>), String> {
    // What is listed nowhere is at 0: a title is always found, a file need not be.
    let mut survey: Survey = world.history().all().map(|register| (register, Seen::Number(0))).collect();
    let mut damaged = Vec::new();
    for ground in &world.grounds {
        let owner = world.person(ground.owner);
        let folder =
            asked(world, ground.owner, node, &format!("folders?action=get&id={}", ground.open)).await?;
        if let Some(number) = folder.as_ref().and_then(title_number) {
            survey.insert(ground.title, Seen::Number(number));
        }
        let rows = asked(world, ground.owner, node, &listing(&ground.open)).await?.unwrap_or_default();
        for (register, number, file) in files_in(&rows) {
            survey.insert(register, Seen::Number(number));
            let found = owner.download(node, &ground.open, &file).await;
            if !matches!(&found, Ok(bytes) if *bytes == content(register)) {
                damaged.push(format!("{} through {}: file {file} holds {found:?}", owner.login, node.name));
            }
        }
        survey.insert(ground.share, way_in(world, ground.guest, node, &ground.shared).await?);
        survey.insert(ground.opened, way_in(world, ground.guest, node, &ground.open).await?);
    }
    Ok((survey, damaged))
}

async fn way_in(world: &World, person: usize, node: &Node, folder: &str) -> Result<Seen, String> {
    Ok(Seen::Shared(asked(world, person, node, &listing(folder)).await?.is_some()))
}

/// The data; none if it is refused.
async fn asked(world: &World, person: usize, node: &Node, request: &str) -> Result<Option<Value>, String> {
    let deadline = Instant::now() + Duration::from_secs(ANSWER_SECONDS_MAX);
    loop {
        match world.person(person).get(node, request).await {
            Answer::Data(data) => return Ok(Some(data)),
            Answer::Refused(_) => return Ok(None),
            Answer::TryAgain(said) | Answer::NotSent(said) | Answer::None(said) | Answer::Hung(said) => {
                if Instant::now() >= deadline {
                    return Err(format!("{request}: still no answer in the end: {said}"));
                }
                // tidy-allow(sleep): between two questions to another process
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
