//! A transaction that is answered from memory for as long as that has the answers, and asks a database from then on.
//!
//! It must be one snapshot, whichever way it goes. From memory: at each answer, everything recalled before still stands, so all
//! of it is true at that moment. From a database: the snapshot there begins after the tokens were taken; what was recalled before
//! is the snapshot's too if it still stands once that has begun.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::DefaultHashBuilder;

use super::databases::{Databases, Named, Worth};
use super::{Cache, Entry, Looked, Vacancy};
use crate::{ScopeKey, Token};

/// How long a load may wait for the rows of what it loads. Whoever has them for longer may be a member that is gone: then what is
/// loaded is true, but not kept.
pub const LOOK_MAX: Duration = Duration::from_millis(100);

/// The memory as one transaction uses it.
pub struct Recall<D: Databases, H = DefaultHashBuilder> {
    cache: Arc<Cache<D::Question, D::Kept, H>>,
    databases: D,
    /// The scopes that were named so far.
    named: Vec<Named<D::Scope>>,
    /// Those of the function that is reading at the moment.
    current: Vec<D::Scope>,
    /// Something was answered from memory and is not known to be the snapshot's too, or the snapshot is true only if the tokens
    /// stand once it has begun.
    unconfirmed: bool,
    /// What a database answers is kept: its snapshot begins after the tokens were taken, and behind whatever was on its way.
    keeps: bool,
    open: bool,
}

impl<D: Databases + fmt::Debug, H> fmt::Debug for Recall<D, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recall")
            .field("databases", &self.databases)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

impl<D: Databases, H: BuildHasher + Clone + Default> Recall<D, H> {
    /// For a transaction that begins now and will read data of these scopes.
    #[must_use]
    pub fn new(
        cache: Arc<Cache<D::Question, D::Kept, H>>,
        databases: D,
        scopes: &[D::Scope],
    ) -> Recall<D, H> {
        let mut recall = Recall {
            cache,
            databases,
            named: Vec::with_capacity(scopes.len().saturating_add(2)),
            current: Vec::new(),
            unconfirmed: false,
            keeps: true,
            open: false,
        };
        recall.name(scopes);
        recall
    }

    /// What is asked if memory does not suffice.
    pub fn databases(&self) -> &D {
        &self.databases
    }

    /// The same, to be asked beside the memory, once it [is open](Recall::is_open).
    pub fn databases_mut(&mut self) -> &mut D {
        &mut self.databases
    }

    /// Says that data of these scopes is about to be read.
    pub fn name(&mut self, scopes: &[D::Scope]) {
        self.current.clear();
        self.current.extend_from_slice(scopes);
        for scope in scopes {
            if !self.named.iter().any(|named| named.scope == *scope) {
                // Where a snapshot has begun already, a write may have come between.
                let key = self.databases.key(*scope);
                let token = if self.open { None } else { self.cache.validity.token(key) };
                self.named.push(Named { scope: *scope, token, version: None, shown_by: None });
            }
        }
    }

    /// Whether a database was asked.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// A snapshot was begun elsewhere: nobody has waited for the rows of the scopes that were named, so nothing of it is kept.
    pub fn opened_unseen(&mut self) {
        (self.open, self.keeps) = (true, false);
    }

    /// The answer to a question, from memory or a database.
    ///
    /// # Errors
    /// What the database says; [`Databases::overtaken`] if the transaction would not be one snapshot.
    pub async fn query(&mut self, question: D::Question) -> Result<D::Answer, D::Error> {
        if !self.may_keep(&question) {
            return self.ask(question).await;
        }
        if self.open {
            return self.fill(question, None).await;
        }
        if let Some(entry) = self.cache.get(&question) {
            return self.recall(&question, &entry);
        }
        if self.is_given_up() {
            return self.fill(question, None).await;
        }
        let cache = Arc::clone(&self.cache);
        match cache.get_or_fill(&question).await {
            Looked::Found(entry) => self.recall(&question, &entry),
            Looked::Vacant(vacancy) => self.fill(question, Some(vacancy)).await,
        }
    }

    fn recall(&mut self, question: &D::Question, entry: &Entry<D::Kept>) -> Result<D::Answer, D::Error> {
        self.databases.counted(&self.current, true);
        self.unconfirmed = true;
        self.still_stands()?;
        Ok(D::recall(question, &entry.kept))
    }

    /// Asks a database, and keeps the answer.
    async fn fill(
        &mut self,
        question: D::Question,
        vacancy: Option<Vacancy<'_, D::Question, D::Kept, H>>,
    ) -> Result<D::Answer, D::Error> {
        self.databases.counted(&self.current, false);
        self.open().await?;
        // Opening may have found out that nothing is to be kept: then nobody waits for that.
        let vacancy = vacancy.filter(|_| self.keeps);
        let answer = self.ask(question.clone()).await?;
        let keeps = self.keeps && self.databases.covers_all(&question, &self.current);
        let Some(tags) = self.tags().filter(|_| keeps) else { return Ok(answer) };
        let (kept, bytes) = D::keep(&question, answer);
        let entry = Arc::new(Entry { tags, kept, bytes: bytes.saturating_add(super::ENTRY_BYTES) });
        let answer = D::recall(&question, &entry.kept);
        match vacancy {
            Some(vacancy) => drop(vacancy.insert(entry)),
            None => self.cache.answers.insert(question, entry),
        }
        Ok(answer)
    }

    /// The answer of a database, of the same snapshot as what was answered from memory; it is not kept.
    ///
    /// # Errors
    /// As [`Recall::query`].
    pub async fn ask(&mut self, question: D::Question) -> Result<D::Answer, D::Error> {
        self.open().await?;
        let answer = self.databases.ask(question).await?;
        if std::mem::take(&mut self.unconfirmed) {
            self.still_stands()?;
        }
        Ok(answer)
    }

    /// [`Databases::overtaken`] if something that was recalled may not be true any more.
    fn still_stands(&self) -> Result<(), D::Error> {
        let stands = |named: &Named<D::Scope>| {
            named.token.is_none_or(|token| self.cache.validity.stands(self.databases.key(named.scope), token))
        };
        if self.named.iter().all(stands) { Ok(()) } else { Err(D::overtaken()) }
    }

    /// Whether an answer may be remembered, as far as is known before it is asked for.
    fn may_keep(&self, question: &D::Question) -> bool {
        self.keeps
            && !self.current.is_empty()
            && self.databases.covers(question, &self.current)
            && self.current.iter().all(|scope| self.token_of(*scope).is_some())
    }

    /// Whether one of the scopes that were named has a row that was waited for in vain a moment ago.
    fn is_given_up(&self) -> bool {
        let given_up = |named: &Named<D::Scope>| {
            let key = self.databases.key(named.scope);
            named.token.is_some_and(|token| self.cache.is_given_up(key, token))
        };
        self.named.iter().any(given_up)
    }

    fn token_of(&self, scope: D::Scope) -> Option<Token> {
        self.named.iter().find(|named| named.scope == scope).and_then(|named| named.token)
    }

    /// What answers that come now are tagged with.
    fn tags(&self) -> Option<Vec<(ScopeKey, Token)>> {
        self.current.iter().map(|scope| Some((self.databases.key(*scope), self.token_of(*scope)?))).collect()
    }

    /// Begins a snapshot in which the named scopes are true, unless one has begun.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open(&mut self) -> Result<(), D::Error> {
        if self.open {
            return Ok(());
        }
        self.keeps &= self.look().await;
        for named in &mut self.named {
            let key = self.databases.key(named.scope);
            let known = named.token.and_then(|token| self.cache.version(key, token));
            (named.version, named.shown_by) = known.unzip();
        }
        match self.databases.open(&mut self.named).await? {
            Worth::True => {}
            Worth::TrueIfTokensStand => self.unconfirmed = true,
            Worth::Doubtful => self.keeps = false,
        }
        self.open = true;
        for named in self.named.iter().filter(|_| self.keeps) {
            // What was known before is not known any later.
            if let (Some(token), Some(version), None) = (named.token, named.version, named.shown_by) {
                self.cache.learn(self.databases.key(named.scope), token, version);
            }
        }
        Ok(())
    }

    /// Waits for the rows of scopes of which nothing was loaded in this epoch: a commit that a member sent before it was gone may
    /// still be on its way, and holds them. Whether that was so.
    async fn look(&mut self) -> bool {
        let mut unseen: Vec<(ScopeKey, Token)> = Vec::new();
        let mut scopes: Vec<D::Scope> = Vec::new();
        for Named { scope, token, .. } in &self.named {
            let (key, Some(token)) = (self.databases.key(*scope), *token) else { continue };
            if self.cache.is_unseen(key, token) {
                unseen.push((key, token));
                scopes.push(*scope);
            }
        }
        // Of the last: that something was waited for in an earlier one says nothing of those that were named since.
        if unseen.iter().any(|(key, token)| self.cache.is_given_up(*key, *token)) {
            return false;
        }
        let Some(epoch) = unseen.iter().map(|(_, token)| token.epoch()).max() else { return true };
        let looked = tokio::time::timeout(LOOK_MAX, self.databases.look(epoch, &scopes)).await;
        if let Ok(Ok(found)) = looked {
            for ((key, token), version) in unseen.into_iter().zip(found.unwrap_or_default()) {
                self.cache.learn(key, token, version);
            }
            return true;
        }
        if let Ok(Err(error)) = looked {
            tracing::debug!("nothing is kept of this read: {error}");
        }
        unseen.into_iter().for_each(|(key, token)| self.cache.give_up(key, token));
        false
    }
}
