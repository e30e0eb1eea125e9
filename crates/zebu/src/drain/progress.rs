//! What the commands say while they wait: a line for each change.

use serde_json::json;
use zebu_app::drain::Standing;

use crate::say;

/// Tells progress.
pub(super) struct Progress {
    json: bool,
}

impl Progress {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// How a node stands.
    pub(super) fn stands(&self, node: &str, standing: &Standing) {
        let Standing { stage, requests, streams, uploads, trouble } = standing;
        if self.json {
            self.object(json!({
                "node": node, "stage": stage, "requests": requests, "streams": streams, "uploads": uploads,
                "trouble": trouble,
            }));
            return;
        }
        let trouble = if trouble.is_empty() { String::new() } else { format!(" ({trouble})") };
        let left = if *requests + *streams > 0 { format!(": {}", left(standing)) } else { String::new() };
        say::line(&format!("{node} is {stage}{left}{trouble}"));
    }

    /// Something that happened to a node, as a sentence and as a word.
    pub(super) fn event(&self, node: &str, word: &str, sentence: &str) {
        match self.json {
            true => self.object(json!({"node": node, "event": word, "message": sentence})),
            false => say::line(sentence),
        }
    }

    fn object(&self, object: serde_json::Value) {
        say::line(&object.to_string());
    }
}

/// `3 requests (1 upload) and 2 streams left`.
pub(super) fn left(standing: &Standing) -> String {
    let count = |count: i64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let uploads = match standing.uploads {
        0 => String::new(),
        uploads => format!(" ({})", count(uploads, "upload")),
    };
    let (requests, streams) = (count(standing.requests, "request"), count(standing.streams, "stream"));
    format!("{requests}{uploads} and {streams} left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_counted_in_words() {
        let check = |requests, streams, uploads, expected: &str| {
            assert_eq!(left(&Standing { requests, streams, uploads, ..Standing::default() }), expected);
        };
        check(0, 1, 0, "0 requests and 1 stream left");
        check(1, 0, 1, "1 request (1 upload) and 0 streams left");
        check(3, 2, 2, "3 requests (2 uploads) and 2 streams left");
    }
}
