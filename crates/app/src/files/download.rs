//! The bytes of a version on their way to somebody. A slow download may outlast what a move of its context leaves behind (`keep_ms`),
//! and where file stores are mounted from elsewhere an open file does not outlive its removal: what cannot be read on is
//! looked for where it is by now, and goes on from the byte that came last.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use zebu_files::{Key, Reader};
use zebu_store::Place;

use super::content::find_content;
use crate::app::App;
use crate::error::Result;

/// The chunks of a content, in order. Ends after the last one, or after the first error.
pub struct Download {
    app: Arc<App>,
    place: Place,
    key: Key,
    /// Of the content, what is still to come.
    rest: Range<u64>,
    reader: Reader,
    /// Why it could not go on, and the search for where it can.
    search: Option<(zebu_files::Error, BoxFuture<'static, Result<Reader>>)>,
    /// Whether nothing has come since it was searched for.
    was_searched: bool,
}

impl Download {
    /// Opens a content, or a range of it, wherever it is.
    pub(super) async fn of(
        app: &Arc<App>,
        place: &Place,
        key: Key,
        range: Option<Range<u64>>,
    ) -> Result<Download> {
        let reader = find_content(app, place, key, range.clone()).await?;
        let rest = range.unwrap_or(0..reader.size());
        let (app, place) = (Arc::clone(app), place.clone());
        Ok(Download { app, place, key, rest, reader, search: None, was_searched: false })
    }

    /// Bytes of the whole content, also when a range of it is read.
    pub(super) fn size(&self) -> u64 {
        self.reader.size()
    }

    fn search(&mut self, failed: zebu_files::Error) {
        let (app, place, key, rest) =
            (Arc::clone(&self.app), self.place.clone(), self.key, self.rest.clone());
        let search = async move { find_content(&app, &place, key, Some(rest)).await };
        self.search = Some((failed, Box::pin(search)));
        self.was_searched = true;
    }
}

impl Stream for Download {
    type Item = zebu_files::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some((_, search)) = &mut self.search {
                let found = ready!(search.as_mut().poll(context));
                match (found, self.search.take()) {
                    (Ok(reader), _) if reader.size() == self.size() => self.reader = reader,
                    (_, failed) => return Poll::Ready(failed.map(|(error, _)| Err(error))),
                }
            }
            match ready!(Pin::new(&mut self.reader).poll_next(context)) {
                Some(Ok(chunk)) => {
                    self.rest.start = self.rest.start.saturating_add(chunk.len() as u64);
                    self.was_searched = false;
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Some(Err(error)) if !self.was_searched => self.search(error),
                other => return Poll::Ready(other),
            }
        }
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("key", &self.key).field("rest", &self.rest).finish_non_exhaustive()
    }
}
