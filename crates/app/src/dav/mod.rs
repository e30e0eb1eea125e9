//! What WebDAV needs beyond the other use cases: paths, locks, properties it keeps for clients, quota.

mod locate;
mod locks;
mod properties;

pub use locate::{Children, Located, OTHER_FOLDERS_NAME, children, locate};
pub use locks::{LockRequest, Locks, lock, locks_at, locks_below, refresh, unlock};
pub use properties::{properties, quota, set_properties};
pub use zebu_model::lock::{Lock, Target};
