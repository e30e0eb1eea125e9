//! Why a request's body, header or path was not understood. All are the client's mistakes.
//!
//! Made by the parsers of this module, mapped to a status by `web`. The sentences may be shown to anyone.

use super::limits::{ATTRIBUTES_MAX, DEPTH_MAX, ELEMENTS_MAX, LANGUAGE_BYTES_MAX, NAMESPACE_BYTES_MAX};

/// A body that is not the XML that the method takes: 400, or 403 with `no-external-entities` for
/// [`BadBody::Declaration`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// It is not well-formed, or not UTF-8.
    #[error("The body is not well-formed XML: {0}")]
    Malformed(String),
    /// It declares a document type, which could define entities.
    #[error("The body declares a document type, which is refused.")]
    Declaration,
    /// Its elements are nested too deeply.
    #[error("The body nests more than {DEPTH_MAX} elements.")]
    TooDeep,
    /// It has too many elements, or attributes.
    #[error(
        "The body has more than {ELEMENTS_MAX} elements or attributes, or an element more than {ATTRIBUTES_MAX}."
    )]
    TooMany,
    /// A namespace or a language is longer than any that is in use.
    #[error(
        "The body has a namespace of more than {NAMESPACE_BYTES_MAX} bytes, or a language of more than {LANGUAGE_BYTES_MAX}."
    )]
    TooLong,
    /// It is XML of another kind.
    #[error("The body is not as the method requires: {0}")]
    Unexpected(&'static str),
}

/// A header that was not understood: 400, or 502 for [`BadHeader::OtherServer`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// It does not follow its grammar.
    #[error("The header {header} is not well-formed: {what}")]
    Malformed {
        /// The header's name.
        header: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// Its path is not one.
    #[error("The header {header} has a bad path: {source}")]
    Path {
        /// The header's name.
        header: &'static str,
        /// What is wrong.
        source: BadPath,
    },
    /// A `Destination` on another server, to which nothing can be copied (RFC 4918 section 9.8.5: 502).
    #[error("The destination is on another server.")]
    OtherServer,
}

/// A path that names nothing that could exist here: 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// It does not begin with a slash.
    #[error("it does not begin with a slash")]
    Relative,
    /// A `%` without two hexadecimal digits behind it.
    #[error("it has a % without two hexadecimal digits")]
    Escape,
    /// The decoded bytes are not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// A segment that is `.` or `..`, however written.
    #[error("it has a segment . or ..")]
    Dots,
    /// An encoded slash, which no name can have.
    #[error("it has an encoded slash")]
    Slash,
    /// A character that XML cannot carry, so that no answer could name the resource.
    #[error("it has a control character")]
    Control,
    /// A `?` or `#`.
    #[error("it has a query or a fragment")]
    Query,
    /// More segments than any folder is deep.
    #[error("it has too many segments")]
    TooLong,
}
