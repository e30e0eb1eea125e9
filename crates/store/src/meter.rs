//! Counts the statements and the database time of one request, for its log line and the benchmarks; and knows the request's
//! id, for the logs of databases.
//!
//! For observation only: nothing may decide by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

tokio::task_local! {
    static METER: Arc<Meter>;
}

/// What one request cost.
#[derive(Debug, Default)]
pub struct Meter {
    statements: AtomicU64,
    commits: AtomicU64,
    database_ns: AtomicU64,
    /// The request's id, as it may stand in a comment.
    request: Option<Box<str>>,
}

/// Characters of a request's id in a comment: more than any id has.
const REQUEST_CHARS_MAX: usize = 64;

impl Meter {
    /// Of a request with an id. Only letters, digits, `-` and `_` of it are kept, and 64 at most: it stands in a comment of SQL.
    #[must_use]
    pub fn of_request(id: &str) -> Meter {
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let plain: String = id.chars().filter(is_plain).take(REQUEST_CHARS_MAX).collect();
        Meter { request: (!plain.is_empty()).then(|| plain.into()), ..Meter::default() }
    }

    /// Statements sent, `BEGIN` and `COMMIT` aside.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Write transactions committed.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Time spent waiting for databases, µs.
    pub fn database_us(&self) -> u64 {
        self.database_ns.load(Ordering::Relaxed) / 1_000
    }
}

/// Runs `work` so that its statements count on `meter`.
pub async fn measured<F: Future>(meter: Arc<Meter>, work: F) -> F::Output {
    METER.scope(meter, work).await
}

/// A statement with the id of the request it is for in a comment before it, if it is for one.
pub(crate) fn commented(sql: &str) -> Option<String> {
    let comment =
        |meter: &Arc<Meter>| meter.request.as_ref().map(|id| format!("/* zebu request {id} */ {sql}"));
    METER.try_with(comment).ok().flatten()
}

/// A statement or a commit under way. Work outside a request (a background task) has no meter, and then the clock is not looked
/// at: that costs a tenth of a short statement.
#[derive(Debug)]
pub(crate) struct Begun(Option<Instant>);

pub(crate) fn begin() -> Begun {
    Begun(METER.try_with(|_| Instant::now()).ok())
}

impl Begun {
    /// It was a statement.
    pub(crate) fn statement(self) {
        self.count(|meter| &meter.statements);
    }

    /// It was the commit of a write transaction.
    pub(crate) fn commit(self) {
        self.count(|meter| &meter.commits);
    }

    fn count(self, of: impl FnOnce(&Meter) -> &AtomicU64) {
        let Some(begun) = self.0 else { return };
        let took_ns = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let counted = METER.try_with(|meter| {
            of(meter).fetch_add(1, Ordering::Relaxed);
            meter.database_ns.fetch_add(took_ns, Ordering::Relaxed);
        });
        // There was a meter when it began, and a request has one from its beginning to its end.
        let _ = counted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_comment_has_the_id_of_its_request_and_nothing_that_could_end_it() {
        let of =
            async |id: &str| measured(Arc::new(Meter::of_request(id)), async { commented("COMMIT") }).await;
        assert_eq!(of("0a-b_Z").await.as_deref(), Some("/* zebu request 0a-b_Z */ COMMIT"));
        assert_eq!(
            of("a*/; DROP TABLE x; /*").await.as_deref(),
            Some("/* zebu request aDROPTABLEx */ COMMIT")
        );
        assert_eq!(
            of(&"a".repeat(100)).await.map(|sql| sql.len()),
            Some("/* zebu request  */ COMMIT".len() + 64)
        );
        assert_eq!(of("*/").await, None);
        assert_eq!(measured(Arc::default(), async { commented("COMMIT") }).await, None);
        assert_eq!(commented("COMMIT"), None, "nobody's");
    }

    #[tokio::test]
    async fn what_takes_less_than_a_microsecond_adds_up() {
        let meter = Arc::new(Meter::default());
        measured(Arc::clone(&meter), async { (0..100_000).for_each(|_| begin().statement()) }).await;
        assert_eq!(meter.statements(), 100_000);
        assert!(meter.database_us() > 0);
    }
}
