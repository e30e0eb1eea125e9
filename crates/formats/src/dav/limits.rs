//! How much a client may ask for in one request. Bytes of a body are limited by the caller, who reads it.
//!
//! Each is far above what any client sends and low enough that the worst document costs milliseconds.

/// Elements inside one another, the root counted. Real bodies reach 6 to 10.
pub const DEPTH_MAX: usize = 32;
/// Elements of one body, and, counted apart, attributes.
pub const ELEMENTS_MAX: usize = 10_000;
/// Attributes of one element, namespace declarations included.
pub const ATTRIBUTES_MAX: usize = 64;
/// Bytes of one namespace, which every element in it carries: without a limit, a document of a megabyte would
/// make gigabytes.
pub const NAMESPACE_BYTES_MAX: usize = 256;
/// Bytes of one `xml:lang`, which every property below it inherits. Language tags of real languages reach 35.
pub const LANGUAGE_BYTES_MAX: usize = 64;
/// Conditions of one `If` header.
pub const IF_CONDITIONS_MAX: usize = 256;
/// Time-outs that are looked at in a `Timeout` header; the rest is the client's second thoughts.
pub const TIMEOUTS_MAX: usize = 8;
/// Segments of one path.
pub const PATH_SEGMENTS_MAX: usize = 256;
