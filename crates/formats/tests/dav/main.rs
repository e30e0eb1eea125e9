//! WebDAV's parsers and writers from outside.

#[cfg(test)]
mod every_input;
#[cfg(test)]
mod flatten;
