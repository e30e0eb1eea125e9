//! A file's bytes as an HTTP response, the same for the HTTP API's `document` and WebDAV's GET: conditions, ranges,
//! types, names.
//!
//! It must never hold a whole file in memory, and never let a file that somebody uploaded run as a page of ours.

pub(crate) mod conditions;
mod disposition;
pub(crate) mod mime;
mod range;
mod send;

pub(crate) use send::{Presentation, Validators, etag, send};
