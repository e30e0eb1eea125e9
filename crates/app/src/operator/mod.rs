//! What the operator's commands do: servers, file stores, databases, contexts, users, groups, resources.
//!
//! Called by the commands' protocol and by whatever sets a deployment up (the demo, tests). These functions ask nobody for
//! a password: who calls them has checked with [`auth`] who asks. Each is all or nothing, and what it answered is true on
//! every node at once.

mod access;
pub mod auth;
pub mod contexts;
pub mod counts;
pub mod databases;
pub mod error;
pub mod filestores;
mod foundation;
pub mod groups;
pub mod history;
pub mod jobs;
pub mod login_failures;
pub mod reasons;
pub mod resources;
pub mod second_factors;
pub mod servers;
pub mod sessions;
mod settings;
pub mod usage;
pub mod users;

use std::fmt;

use serde::{Deserialize, Serialize};
use zebu_store::Place;
use zebu_store::configdb::contexts as registry;

pub use access::AccessSpec;
pub use error::{Class, Denied, Error, Result};
pub use foundation::{Foundation, Laid, lay};
pub use settings::Settings;

use crate::app::App;

/// One of several things: by its id or by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Named<T> {
    /// By id.
    Id(T),
    /// By name.
    Name(String),
}

impl<T: fmt::Display> fmt::Display for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Named::Id(id) => id.fmt(f),
            Named::Name(name) => f.write_str(name),
        }
    }
}

/// What came of a request to make something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made<T> {
    /// The thing's id.
    pub id: T,
    /// Whether it was there before: nothing was changed then. Only if the request said that this is no error.
    pub existed: bool,
}

impl<T> Made<T> {
    fn now(id: T) -> Made<T> {
        Made { id, existed: false }
    }

    fn before(id: T) -> Made<T> {
        Made { id, existed: true }
    }
}

/// How far a list of many things is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Rows of the list.
    pub rows: usize,
    /// Rows whose thing was made.
    pub created: usize,
    /// Rows whose thing was there already, the same.
    pub existed: usize,
}

/// A text that is shown nowhere: a password.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret(text.to_owned())
    }
}

/// Whether a search pattern fits one of these texts. The original's: `*` any run, `?` is itself; the whole text must fit.
fn fits(pattern: &str, texts: &[&str]) -> bool {
    texts.iter().any(|text| glob(pattern, text))
}

fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part).and_then(|at| rest.get(at.saturating_add(part.len())..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// Where a context lives that is ready, for the operator's work in it, which goes on if the context is disabled. One that is
/// just being made or deleted is not there.
async fn place(app: &App, id: zebu_model::ContextId) -> Result<Place> {
    let mut tx = app.store.config().await?;
    let found = registry::ready(&mut tx, id).await?;
    let place = found.ok_or_else(|| Denied::ContextUnknown { context: id.to_string() })?;
    Ok(Place { enabled: false, ..place })
}

/// A list of attributes and fields by name.
pub type Fields = std::collections::BTreeMap<String, String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_the_whole_text() {
        let check = |pattern, text, expected| assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        check("*", "", true);
        check("*", "abc", true);
        check("abc", "abc", true);
        check("ab", "abc", false);
        check("ab*", "abc", true);
        check("*bc", "abc", true);
        check("a*c", "abc", true);
        check("a*c", "abcd", false);
        check("*b*", "abc", true);
        check("a*a", "a", false);
        check("a*b*c", "aXbYbZc", true);
        check("", "", true);
        check("", "a", false);
        check("ä*ü", "äöü", true);
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::from("secret")), "Secret");
    }
}
