//! What the commands print on standard output: one line at a time, flushed, because a parent process or a script waits
//! for it. Logs go elsewhere (`log`), errors too (`main`).

use std::io::{self, Write};

/// Prints a line. A reader that has gone away is no reason to stop serving.
pub(crate) fn line(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
