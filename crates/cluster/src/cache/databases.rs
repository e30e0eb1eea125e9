//! What a memory needs of the databases behind it.

use std::fmt;
use std::hash::Hash;

use tokio::time::Instant;

use crate::core::Version;
use crate::{ScopeKey, Token};

/// The databases behind a memory, as one transaction that reads asks them. What a question is, and what an answer, the
/// memory does not know.
pub trait Databases {
    /// What the transaction calls a scope.
    type Scope: Copy + PartialEq + Send + Sync;
    /// A question, with all that its answer depends on beside the scopes.
    type Question: Clone + Eq + Hash + Send + Sync;
    /// What is answered, by a database or from memory.
    type Answer: Send;
    /// The same as it is kept.
    type Kept: Send + Sync;
    /// Why there is no answer.
    type Error: fmt::Display + Send;

    /// What the cluster calls a scope.
    fn key(&self, scope: Self::Scope) -> ScopeKey;

    /// Whether the answer depends on nothing but these scopes, as far as can be seen at a glance.
    fn covers(&self, question: &Self::Question, scopes: &[Self::Scope]) -> bool;

    /// The same, looked at closely: before the answer is kept.
    fn covers_all(&self, question: &Self::Question, scopes: &[Self::Scope]) -> bool;

    /// An answer as it is kept, and the bytes that it takes with its question.
    fn keep(question: &Self::Question, answer: Self::Answer) -> (Self::Kept, u64);

    /// The answer that was kept.
    fn recall(question: &Self::Question, kept: &Self::Kept) -> Self::Answer;

    /// Something that was answered from memory is not true any more, and the rest is to be asked of a database: start over.
    fn overtaken() -> Self::Error;

    /// A question whose answer may be remembered was answered from memory, or not.
    fn counted(&self, scopes: &[Self::Scope], hit: bool);

    /// Waits on the master until nobody has the rows of these scopes locked, and answers their versions, in the same order.
    /// `None` if all that could lock them was waited for in this epoch. May be dropped in the middle.
    ///
    /// # Errors
    /// What the database says, also that the locks could not be had.
    fn look(
        &mut self,
        epoch: u64,
        scopes: &[Self::Scope],
    ) -> impl Future<Output = Result<Option<Vec<Version>>, Self::Error>> + Send;

    /// Begins the snapshot that [`Databases::ask`] asks from then on, on the master or where each scope has its version or a
    /// later one. A version that is not known is asked of the master, and told by putting it beside its scope.
    /// Says what it is worth.
    ///
    /// # Errors
    /// What the database says.
    fn open(
        &mut self,
        named: &mut [Named<Self::Scope>],
    ) -> impl Future<Output = Result<Worth, Self::Error>> + Send;

    /// Asks the snapshot.
    ///
    /// # Errors
    /// What the database says.
    fn ask(
        &mut self,
        question: Self::Question,
    ) -> impl Future<Output = Result<Self::Answer, Self::Error>> + Send;
}

/// What a snapshot is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// Nothing is missing in it, and nothing is in it that the master does not show.
    True,
    /// The same, if the tokens of all scopes that were named still stand once it has begun: it is known to have what must be
    /// seen, and nobody has looked whether it has more.
    TrueIfTokensStand,
    /// Something may be missing: nothing of it is kept.
    Doubtful,
}

/// A scope that a transaction named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<S> {
    /// The scope.
    pub scope: S,
    /// Its token when it was named; none if nothing of it may be kept.
    pub token: Option<Token>,
    /// The version that it has had since the token was taken, or longer, if that is known.
    pub version: Option<Version>,
    /// When the master showed that version, at the latest.
    pub shown_by: Option<Instant>,
}
