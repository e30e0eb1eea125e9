//! `push?action=subscribe`: a stream of server-sent events (HTML Living Standard, section 9.2) about what changes, on whatever node.
//!
//! | event | data | meaning |
//! |---|---|---|
//! | `ready` | `{"topics": [TOPIC, …]}` | the subscription stands; whoever has another `timestamp` of a topic looks at it again |
//! | `start_over` | `{}` | what the client came with says nothing here; `ready` follows |
//! | `change` | TOPIC | the topic has changed |
//! | `gone` | TOPIC with `code` and `error` | it may not be read any more, and nothing more is heard of it |
//! | `end` | `{"reason": …}`, with `code` and `error` for `session` | the last event: `session`, `drain` or `nothing` |
//!
//! TOPIC is `{"topic": "folder", "folder": "12", "timestamp": …}`, for `tree` and `users` without `folder`; the timestamp is that of its lists.

use std::fmt::Write;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response};
use serde_json::{Value, json};
use zebu_app::Result;
use zebu_app::push::{self, End, Event, Subscription, Topic};
use zebu_model::{Refusal, Version};

use crate::body::{self, StreamError};
use crate::reply::Reply;
use crate::request::Call;
use crate::resting::Rests;

/// Parameters: `topics`, a list with commas of `tree`, `users` and `folder:ID`; and `position`, the id of the last event heard in an
/// earlier stream, for clients that change their topics. A browser that connects again sends it as `Last-Event-ID`.
pub(crate) async fn subscribe(call: Call) -> Result<Reply> {
    let topics = call.params().required("topics")?.split(',').map(topic).collect::<Result<Vec<_>>>()?;
    let header = call.request.headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let position = header.filter(|id| !id.is_empty()).or(call.params().get("position"));
    let app = &call.request.app;
    let subscription = push::subscribe(app, &call.caller, &topics, position).await?;
    let begin = format!("retry: {}\n", push::retry_ms(app));
    Ok(Reply::response(streamed(subscription, begin)))
}

fn topic(text: &str) -> Result<Topic> {
    let invalid = |_| Refusal::PushTopicInvalid { topic: text.chars().take(64).collect() };
    text.parse().map_err(|refused| invalid(refused).into())
}

/// The answer. Nothing of the request is kept: the stream may last for days.
fn streamed(subscription: Subscription, begin: String) -> Response<body::Outgoing> {
    let events = stream::unfold((subscription, begin), |(mut subscription, mut text)| async {
        let event = subscription.next().await?;
        write(&mut text, &event, &subscription);
        Some((Ok::<_, StreamError>(Bytes::from(text)), (subscription, String::new())))
    });
    let mut response = Response::new(body::streamed(events));
    response.extensions_mut().insert(Rests);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // nginx would keep events back until it has a page full of them.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn write(out: &mut String, event: &Event, subscription: &Subscription) {
    let (name, data) = match event {
        Event::Alive => {
            out.push_str(":\n\n");
            return;
        }
        Event::Ready(topics) => {
            let topics: Vec<Value> = topics.iter().map(|(topic, version)| shown(*topic, *version)).collect();
            ("ready", json!({"topics": topics}))
        }
        Event::StartOver => ("start_over", json!({})),
        Event::Changed(topic, version) => ("change", shown(*topic, *version)),
        Event::Gone(topic, refusal) => ("gone", refused(named(*topic), refusal)),
        Event::End(End::Session(refusal)) => ("end", refused(json!({"reason": "session"}), refusal)),
        Event::End(End::Drain) => ("end", json!({"reason": "drain"})),
        Event::End(End::Nothing) => ("end", json!({"reason": "nothing"})),
    };
    if let Some(position) = subscription.position() {
        // Writing to a string does not fail.
        let _ = writeln!(out, "id: {position}");
    }
    let _ = write!(out, "event: {name}\ndata: {data}\n\n");
}

fn named(topic: Topic) -> Value {
    match topic {
        Topic::Tree => json!({"topic": "tree"}),
        Topic::Users => json!({"topic": "users"}),
        Topic::Folder(id) => json!({"topic": "folder", "folder": id.to_string()}),
    }
}

fn shown(topic: Topic, version: Version) -> Value {
    with(named(topic), "timestamp", version.0)
}

fn refused(about: Value, refusal: &Refusal) -> Value {
    with(with(about, "code", refusal.code()), "error", refusal.to_string())
}

fn with(mut object: Value, key: &str, value: impl Into<Value>) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.insert(key.to_owned(), value.into());
    }
    object
}
