//! Users of a context. Its administrator asks.

mod change;
mod create;
mod delete;
mod look;

pub(super) use change::{change, change_access};
pub(super) use create::{create, import};
pub(super) use delete::delete;
pub(super) use look::{exists, list};
