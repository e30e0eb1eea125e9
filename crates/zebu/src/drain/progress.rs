//! What the commands say while they wait: a line for each new state, and once only. What a node has comes and goes by the second
//! while it drains; a line each time would hide what is new.

use std::cell::RefCell;
use std::collections::HashSet;

use serde_json::json;
use zebu_app::drain::Standing;

use crate::say;

/// Tells progress.
pub(super) struct Progress {
    json: bool,
    /// The lines of states that were said.
    said: RefCell<HashSet<String>>,
}

impl Progress {
    pub(super) fn new(json: bool) -> Self {
        Self { json, said: RefCell::default() }
    }

    /// How a node stands, if that was not said before. That one serves is no news.
    pub(super) fn stands(&self, node: &str, standing: &Standing) {
        if let Some(line) = self.news(node, standing) {
            say::line(&line);
        }
    }

    fn news(&self, node: &str, standing: &Standing) -> Option<String> {
        if standing.stage == "serving" {
            return None;
        }
        let line = if self.json { object(node, standing) } else { sentence(node, standing) };
        self.said.borrow_mut().insert(line.clone()).then_some(line)
    }

    /// Something that happened to a node, as a sentence and as a word.
    pub(super) fn event(&self, node: &str, word: &str, sentence: &str) {
        match self.json {
            true => say::line(&json!({"node": node, "event": word, "message": sentence}).to_string()),
            false => say::line(sentence),
        }
    }
}

fn object(node: &str, standing: &Standing) -> String {
    let Standing { stage, requests, streams, uploads, trouble } = standing;
    let object = json!({
        "node": node, "stage": stage, "requests": requests, "streams": streams, "uploads": uploads,
        "trouble": trouble,
    });
    object.to_string()
}

fn sentence(node: &str, standing: &Standing) -> String {
    let Standing { stage, trouble, .. } = standing;
    let left = if is_empty(standing) { String::new() } else { format!(": {}", left(standing)) };
    let trouble = if trouble.is_empty() { String::new() } else { format!(" ({trouble})") };
    format!("{node} is {stage}{left}{trouble}")
}

/// Whether a node says that it has nothing.
pub(super) fn is_empty(standing: &Standing) -> bool {
    standing.requests + standing.streams == 0
}

/// What keeps a node from having drained at the limit: what stands behind its name in a sentence.
pub(super) fn at_limit(standing: &Standing) -> String {
    match is_empty(standing) {
        // One that has had nothing for a second says that it has drained.
        true => "had nothing left, but not for a whole second yet,".to_owned(),
        false => format!("still had {}", left(standing)),
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

    fn standing(stage: &str, requests: i64) -> Standing {
        Standing { stage: stage.into(), requests, ..Standing::default() }
    }

    #[test]
    fn each_state_is_said_once_however_often_it_comes_back() {
        let said = |json: bool| {
            let progress = Progress::new(json);
            let states = [
                standing("serving", 0),
                standing("draining", 0),
                standing("draining", 1),
                standing("draining", 0),
                standing("draining", 1),
                standing("drained", 0),
            ];
            let news = states.iter().filter_map(|standing| progress.news("OX-1", standing));
            let mut news: Vec<_> = news.collect();
            news.extend(progress.news("OX-2", &standing("draining", 0)));
            news
        };
        let lines = [
            "OX-1 is draining",
            "OX-1 is draining: 1 request and 0 streams left",
            "OX-1 is drained",
            "OX-2 is draining",
        ];
        assert_eq!(said(false), lines);
        let objects = said(true);
        assert_eq!(objects.len(), lines.len(), "{objects:?}");
        assert!(objects[1].contains(r#""requests":1"#), "{objects:?}");
    }

    #[test]
    fn at_the_limit_it_is_said_what_there_is_and_never_that_0_requests_are_left() {
        let check = |requests: i64, expected: &str| {
            assert_eq!(at_limit(&standing("draining", requests)), expected);
        };
        check(2, "still had 2 requests and 0 streams left");
        check(0, "had nothing left, but not for a whole second yet,");
    }

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
