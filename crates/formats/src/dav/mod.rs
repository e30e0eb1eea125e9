//! WebDAV: request bodies and headers to values, values to response bodies (RFC 4918, 3744, 4331, 5397,
//! 6578).
//!
//! Called by `web`'s DAV methods. Bodies are read into a small tree (`document`) whose limits bound work
//! and memory; answers are written straight into a buffer. Must never resolve external entities, and refuses
//! documents that declare any.

mod date;
mod document;
mod element;
mod error;
mod error_body;
mod escape;
mod fragment;
mod headers;
mod href;
mod if_header;
pub mod limits;
mod lock;
mod multistatus;
mod name;
mod property;
mod propfind;
mod proppatch;
mod report;

pub use date::{http_date, rfc3339};
pub use error::{BadBody, BadHeader, BadPath};
pub use error_body::{Precondition, error_body};
pub use headers::{Depth, Timeout, destination, lock_token, overwrite, timeouts};
pub use href::Path;
pub use if_header::{Condition, IfHeader, List, State};
pub use lock::{ActiveLock, LockInfo, LockRequest, Scope, lock_body};
pub use multistatus::{Multistatus, Propstat};
pub use name::{CALDAV, CALENDAR_SERVER, CARDDAV, DAV, MICROSOFT, Name};
pub use property::Property;
pub use propfind::Propfind;
pub use proppatch::{Change, changes};
pub use report::{Report, SyncCollection, SyncLevel};
