//! Users of a context. Its administrator asks.

mod change;
mod create;
mod look;

pub(super) use change::{change, change_access};
pub(super) use create::{create, import};
pub(super) use look::{exists, list};
