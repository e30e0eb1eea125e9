//! Conditions of a request that changes something: `If-Match` and its kin, and WebDAV's `If`, whose lock tokens are
//! submitted by being named.

use zebu_app::dav::{self, Located, Target};
use zebu_formats::dav::{IfHeader, List, Path, State};

use super::failure::Failure;
use super::visit::Visit;
use crate::content::Validators;
use crate::content::conditions::{Verdict, evaluate};

/// Different resources one `If` header may talk about: each is looked up.
const IF_RESOURCES_MAX: usize = 16;

/// Refuses (412) unless all conditions hold; returns the lock tokens that were submitted.
pub(super) async fn check(visit: &Visit, at: &Located) -> Result<Vec<String>, Failure> {
    let validators = validators(at);
    match evaluate(&visit.request.method, &visit.request.headers, validators.as_ref()) {
        Verdict::Proceed => {}
        Verdict::NotModified | Verdict::Failed => return Err(Failure::precondition_failed()),
    }
    let Some(header) = visit.header("if") else { return Ok(Vec::new()) };
    let condition = IfHeader::parse(header)?;
    let states = states(visit, &condition, at).await?;
    let own = |list: &List| path_of(visit, list);
    let holds = condition.holds(|list, state| {
        let Some(path) = own(list) else { return false };
        states.iter().find(|(known, _)| *known == path).is_some_and(|(_, now)| now.has(state))
    });
    if !holds {
        return Err(Failure::precondition_failed());
    }
    Ok(condition.tokens().map(str::to_owned).collect())
}

/// What tells the present state of a file; collections have nothing that does.
fn validators(at: &Located) -> Option<Validators> {
    match at {
        Located::File { file, .. } => file.content.as_ref().map(Validators::of),
        // `If-None-Match: *` asks whether anything is there at all.
        Located::Folder(granted) => {
            Some(Validators { etag: String::new(), modified_ms: granted.folder.modified.0 })
        }
        Located::OtherFolders | Located::Free { .. } | Located::Nowhere => None,
    }
}

/// The present state of one resource.
struct Now {
    etag: Option<String>,
    tokens: Vec<String>,
}

impl Now {
    fn has(&self, state: &State) -> bool {
        match state {
            State::ETag(etag) => self.etag.as_ref() == Some(etag),
            State::Token(token) => self.tokens.contains(token),
        }
    }
}

/// The resource a list is about, `None` if it is none of ours.
fn path_of(visit: &Visit, list: &List) -> Option<Path> {
    match list.path(visit.authority()) {
        Ok(Some(path)) => Some(bare(&path)),
        Ok(None) => Some(bare(&visit.path)),
        Err(_) => None,
    }
}

/// Paths with and without a slash at the end name the same.
fn bare(path: &Path) -> Path {
    Path::new(path.segments().iter().cloned(), false)
}

async fn states(visit: &Visit, condition: &IfHeader, at: &Located) -> Result<Vec<(Path, Now)>, Failure> {
    let mut states: Vec<(Path, Now)> = Vec::new();
    for path in condition.lists.iter().filter_map(|list| path_of(visit, list)) {
        if states.iter().any(|(known, _)| *known == path) {
            continue;
        }
        if states.len() == IF_RESOURCES_MAX {
            return Err(Failure::bad(format!("The header If names more than {IF_RESOURCES_MAX} resources.")));
        }
        let now = if path == bare(&visit.path) {
            now(visit, at).await?
        } else {
            now(visit, &visit.locate_path(&path).await?).await?
        };
        states.push((path, now));
    }
    Ok(states)
}

async fn now(visit: &Visit, at: &Located) -> Result<Now, Failure> {
    let (target, covers_all) = match at {
        // A name that is free is covered by the deep locks above it.
        Located::Free { parent, .. } => (Some(Target::Folder(parent.folder.id)), false),
        other => (other.target(), true),
    };
    let mut tokens = Vec::new();
    if let Some(target) = target {
        let locks = dav::locks_at(visit.app(), &visit.caller, target).await?;
        tokens.extend(locks.into_iter().filter(|lock| covers_all || lock.deep).map(|lock| lock.token));
    }
    let etag = if let Located::File { .. } = at { validators(at).map(|now| now.etag) } else { None };
    Ok(Now { etag, tokens })
}
