//! The gauge: now and then a write that has just been answered is read back on every node, as a request there would read it. None may
//! show less. A node that does is told of aloud, and asked until it shows the write: that is how old its answers were.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use zebu_cluster::node::{Answers, OverMesh, Pending};
use zebu_model::{ContextId, Scope, Version};
use zebu_store::Sample;

use crate::app::App;
use crate::error::Result;
use crate::settle::until_settled;

/// Between two samples, unless there is nothing to sample.
const PERIOD: Duration = Duration::from_secs(10);
/// How long a node may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// Between two questions to a node that showed less, and how long it is asked.
const ASK_AGAIN: Duration = Duration::from_millis(100);
const ASK_AGAIN_MAX: Duration = Duration::from_secs(60);
/// The bounds of ages in the metrics, ms.
pub const AGES_MS: [u64; 4] = [10, 100, 1_000, 10_000];

/// What was seen since the process began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GaugeState {
    /// Writes that were read back.
    pub samples: u64,
    /// Answers of nodes, this one's included.
    pub answers: u64,
    /// Nodes that did not answer in time.
    pub unanswered: u64,
    /// Answers that showed less than had been written. Anything but 0 is a defect, or a clock that stood still.
    pub old: u64,
    /// The same by age: up to each of [`AGES_MS`], then older.
    pub by_age: [u64; AGES_MS.len() + 1],
    /// The oldest, ms.
    pub oldest_ms: u64,
}

/// Counts what is seen.
#[derive(Debug, Default)]
pub struct Gauge(Mutex<GaugeState>);

impl Gauge {
    /// What was seen so far.
    #[must_use]
    pub fn state(&self) -> GaugeState {
        self.count(|state| state.clone())
    }

    fn count<T>(&self, change: impl FnOnce(&mut GaugeState) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn old(&self, age: Duration) {
        let ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let class = AGES_MS.iter().position(|bound| ms <= *bound).unwrap_or(AGES_MS.len());
        self.count(|state| {
            state.old = state.old.saturating_add(1);
            state.oldest_ms = state.oldest_ms.max(ms);
            if let Some(count) = state.by_age.get_mut(class) {
                *count = count.saturating_add(1);
            }
        });
    }
}

/// The other nodes, as the gauge asks them.
pub trait Others: Send + Sync {
    /// What each shows of a scope, by name; nothing of one that did not answer.
    fn show(
        &self,
        context: ContextId,
        scope: Scope,
    ) -> impl Future<Output = Vec<(String, Option<Version>)>> + Send;
}

/// A scope as it is asked for: its context, its kind and its id, 8 bytes each, big end first.
fn question(context: ContextId, scope: Scope) -> Bytes {
    let (kind, id) = scope.key();
    [i64::from(context.0), kind, id].iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn asked(question: &[u8]) -> Option<(ContextId, Scope)> {
    let mut numbers = question.chunks(8).map(|number| number.try_into().map(i64::from_be_bytes));
    let mut next = || numbers.next()?.ok();
    let context = ContextId(u32::try_from(next()?).ok()?);
    Some((context, Scope::of_key(next()?, next()?)?))
}

impl Others for OverMesh {
    async fn show(&self, context: ContextId, scope: Scope) -> Vec<(String, Option<Version>)> {
        let answers = self.ask_all(question(context, scope), ANSWER_MAX).await;
        let version = |answer: Bytes| Some(Version(i64::from_be_bytes(answer.as_ref().try_into().ok()?)));
        answers.into_iter().map(|(name, answer)| (name.to_string(), answer.and_then(version))).collect()
    }
}

/// Answers the gauge of other nodes.
#[derive(Debug)]
pub(crate) struct Answering(pub(crate) Weak<App>);

impl Answers for Answering {
    fn answer(&self, question: Bytes) -> Pending<'_, Bytes> {
        Box::pin(async move {
            let app = self.0.upgrade().ok_or("it is stopping")?;
            let (context, scope) = asked(&question).ok_or("no scope of this version")?;
            let version = shown(&app, context, scope).await.map_err(|error| error.cause_chain())?;
            Ok(Bytes::copy_from_slice(&version.0.to_be_bytes()))
        })
    }
}

/// What a request that comes now to this node reads of a scope.
pub async fn shown(app: &App, context: ContextId, scope: Scope) -> Result<Version> {
    until_settled!(show_once(app, context, scope).await)
}

async fn show_once(app: &App, context: ContextId, scope: Scope) -> Result<Version> {
    let Some(mut place) = app.store.place(context).await? else { return Ok(Version::NONE) };
    place.known = zebu_store::Known::of_a_request();
    let mut tx = app.read_of(&place, &[scope]).await?;
    Ok(tx.version(scope).await?)
}

/// Reads one write back, on this node and on all others.
pub async fn read_back(app: &App, others: &impl Others, sample: &Sample) {
    let (context, scope) = (sample.place.context, sample.scope);
    let mut found = others.show(context, scope).await;
    found.push((app.node.name.clone(), shown(app, context, scope).await.ok()));
    app.gauge.count(|state| state.samples = state.samples.saturating_add(1));
    let mut late = Vec::new();
    for (node, version) in found {
        let is_old = version.is_some_and(|version| version < sample.version);
        app.gauge.count(|state| match version {
            Some(_) => state.answers = state.answers.saturating_add(1),
            None => state.unanswered = state.unanswered.saturating_add(1),
        });
        if is_old {
            late.push(node);
        }
    }
    if !late.is_empty() && lives(app, sample).await {
        for node in &late {
            tracing::error!(
                node,
                %context,
                ?scope,
                version = sample.version.0,
                "gauge: a node shows less than was answered before it was asked"
            );
        }
        follow(app, others, sample, late).await;
    }
}

/// Whether the context is still the one that was written to: another under its id begins anew.
async fn lives(app: &App, sample: &Sample) -> bool {
    let place = app.store.place(sample.place.context).await.ok().flatten();
    place.is_some_and(|place| place.born == sample.place.born)
}

/// Asks until none shows less, and counts how old the last answers were that did.
async fn follow(app: &App, others: &impl Others, sample: &Sample, mut late: Vec<String>) {
    let (context, scope) = (sample.place.context, sample.scope);
    let begun = Instant::now();
    let mut age = sample.answered.elapsed();
    while !late.is_empty() {
        tokio::time::sleep(ASK_AGAIN).await;
        let mut found = others.show(context, scope).await;
        found.push((app.node.name.clone(), shown(app, context, scope).await.ok()));
        let is_late = |node: &String| {
            let version = found.iter().find(|(name, _)| name == node).and_then(|(_, version)| *version);
            version.is_some_and(|version| version < sample.version)
        };
        let given_up = begun.elapsed() >= ASK_AGAIN_MAX;
        let (still, over): (Vec<_>, Vec<_>) = late.into_iter().partition(|node| is_late(node) && !given_up);
        over.iter().for_each(|_| app.gauge.old(age));
        (late, age) = (still, sample.answered.elapsed());
    }
}

/// Samples as long as the process lives.
pub(crate) async fn gauging(app: Arc<App>) {
    loop {
        let sample = app.store.next_sample().await;
        if let Some(mesh) = app.mesh.get() {
            read_back(&app, mesh.as_ref(), &sample).await;
        }
        tokio::time::sleep(PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_says_which_scope_of_which_context() {
        for scope in [Scope::Principals, Scope::Tree, Scope::Folder(zebu_model::FolderId(77))] {
            assert_eq!(asked(&question(ContextId(5), scope)), Some((ContextId(5), scope)));
        }
        assert_eq!(asked(b"short"), None);
        assert_eq!(asked(&[255; 24]), None);
    }

    #[test]
    fn what_was_old_is_counted_by_its_age() {
        let gauge = Gauge::default();
        for ms in [10, 11, 5_000, 60_000] {
            gauge.old(Duration::from_millis(ms));
        }
        let state = gauge.state();
        assert_eq!((state.old, state.by_age, state.oldest_ms), (4, [1, 1, 0, 1, 1], 60_000));
    }
}
