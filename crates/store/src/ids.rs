//! Ids of objects, which a node takes from the database in blocks.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use zebu_model::ContextId;

use crate::error::{Error, Result};
use crate::place::Place;
use crate::shard::sequences::Sequence;

/// Ids a node takes at once. A write costs a disk sync, so one a new object would halve the rate of uploads.
pub(crate) const IDS_A_BLOCK: u32 = 64;

/// How often taking a block starts over when another node was in the way.
const TRIES_MAX: u32 = 8;

type Block = Arc<tokio::sync::Mutex<Range<u32>>>;

/// The blocks this node has, those of a context apart from those of an earlier one of its id.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    blocks: Mutex<HashMap<(ContextId, i64, Sequence), Block>>,
}

impl Ids {
    /// An id nobody else in the context has. `take` takes a new block when there is none left; one at a time.
    pub(crate) async fn next<T>(&self, place: &Place, sequence: Sequence, take: impl Fn() -> T) -> Result<u32>
    where
        T: Future<Output = Result<Range<u32>>>,
    {
        let block = self.block(place, sequence);
        let mut block = block.lock().await;
        if let Some(id) = block.next() {
            return Ok(id);
        }
        let mut tries = 1;
        *block = loop {
            match take().await {
                Err(error) if error.asks_to_start_over() && tries < TRIES_MAX => tries += 1,
                done => break done?,
            }
        };
        block.next().ok_or(Error::Corrupt { table: "sequences", detail: "no id is left".to_owned() })
    }

    fn block(&self, place: &Place, sequence: Sequence) -> Block {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = || Arc::new(tokio::sync::Mutex::new(0..0));
        Arc::clone(blocks.entry((place.context, place.born, sequence)).or_insert_with(empty))
    }
}
