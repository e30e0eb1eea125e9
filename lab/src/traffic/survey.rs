//! The last look at everything, when nobody writes any more: each folder of the traffic listed through the front and through each
//! node, each file read back. It asks until it is answered, but not for ever.

use super::books::Kind;
use super::reply::Reply;
use super::wire::{Front, Line};
use super::worker::{Ground, content};
use super::world::{Guest, World, lock};
use crate::checks::history::{Register, Seen};
use crate::checks::loss::Survey;
use crate::load::{files_in, listing, title_number};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long one question may fail.
const ANSWER_SECONDS_MAX: u64 = 40;
/// Between two attempts.
const AGAIN: Duration = Duration::from_millis(200);

/// What is there.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) survey: Survey,
    /// Registers that are there more than once.
    pub(crate) twice: Vec<Register>,
    /// Files that do not hold what was put there.
    pub(crate) damaged: Vec<(Register, String)>,
}

/// Looks at all of it. `contents` says whether files are read too.
pub(crate) async fn through(
    world: &Arc<World>,
    grounds: &[Ground],
    front: &Front,
    contents: bool,
) -> Result<Found, String> {
    // What is listed nowhere is at 0: a title is always found, a file need not be.
    let survey = lock(&world.history).all().map(|register| (register, Seen::Number(0))).collect();
    let mut found = Found { survey, ..Found::default() };
    let mut tasks = JoinSet::new();
    for ground in grounds {
        tasks.spawn(of_ground(Arc::clone(world), ground.clone(), front.clone(), contents));
    }
    let mut seen = BTreeSet::new();
    while let Some(looked) = tasks.join_next().await {
        let (title, files) = looked.map_err(|error| error.to_string())??;
        found.survey.extend(title.map(|(register, number)| (register, Seen::Number(number))));
        for file in files {
            found.survey.insert(file.register, Seen::Number(file.number));
            if !seen.insert(file.register) {
                found.twice.push(file.register);
            }
            found.damaged.extend(file.damage.map(|damage| (file.register, damage)));
        }
    }
    Ok(found)
}

/// A file that is there.
struct There {
    register: Register,
    number: u32,
    damage: Option<String>,
}

async fn of_ground(
    world: Arc<World>,
    ground: Ground,
    front: Front,
    contents: bool,
) -> Result<(Option<(Register, u32)>, Vec<There>), String> {
    let mut look = Look { world: &world, guest: ground.guest.through(&front), line: Line::to(&front) };
    let mut title = None;
    if let Some(register) = ground.title {
        let folder = look.at(Kind::Read, &format!("folders?action=get&id={}", ground.folder)).await?;
        title = folder.data().ok().as_ref().and_then(title_number).map(|number| (register, number));
    }
    let rows = look.at(Kind::Read, &listing(&ground.folder)).await?;
    let mut files = Vec::new();
    for (register, number, id) in files_in(&rows.data().unwrap_or_default()) {
        let mut damage = None;
        if contents {
            let request = format!("infostore?action=document&folder={}&id={id}", ground.folder);
            let size = lock(&world.sizes).get(&register).copied().unwrap_or(0);
            damage = match look.at(Kind::Download, &request).await? {
                Reply::File(bytes) if bytes == content(register, size) => None,
                Reply::File(bytes) => Some(format!("{} bytes are there, of {size}, or others", bytes.len())),
                other => Some(format!("no file but {other:?}")),
            };
        }
        files.push(There { register, number, damage });
    }
    Ok((title, files))
}

/// Somebody who looks.
struct Look<'a> {
    world: &'a World,
    guest: Guest,
    line: Line,
}

impl Look<'_> {
    /// Asks until it is answered.
    async fn at(&mut self, kind: Kind, request: &str) -> Result<Reply, String> {
        let deadline = Instant::now() + Duration::from_secs(ANSWER_SECONDS_MAX);
        loop {
            let reply = if kind == Kind::Download {
                self.world.download(&self.guest, &mut self.line, request, false).await
            } else {
                self.world.get(kind, &self.guest, &mut self.line, request).await
            };
            match reply {
                Reply::Failed(failed) if Instant::now() >= deadline => {
                    return Err(format!("in the end still: {:?} {}", failed.way, failed.said));
                }
                // tidy-allow(sleep): between two questions to another process
                Reply::Failed(_) => tokio::time::sleep(AGAIN).await,
                answered => return Ok(answered),
            }
        }
    }
}
