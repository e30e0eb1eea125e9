//! What else a node remembers: where contexts live, and whose a session is and when it was used.

use std::sync::Arc;
use std::time::Instant;

use quick_cache::sync::Cache as Map;
use zebu_cluster::{ScopeKey, Token, Validity};
use zebu_model::{ContextId, UserId};

use crate::configdb::contexts::Wanted;
use crate::place::Place;

/// What says where contexts live: all of configdb that a place is made of. Its space is no context's.
pub(crate) const PLACES: ScopeKey = ScopeKey { space: u64::MAX, kind: 0, id: 0 };

/// What a place takes in memory, bytes; a session; a mapping of a usual length.
const PLACE_BYTES: u64 = 512;
const SESSION_BYTES: u64 = 192;
const MAPPING_BYTES: u64 = 160;

/// What is known of a session though nobody announces it: who serves it is told nowhere but in its row.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    /// Whose it is. Never changes.
    pub(crate) user: UserId,
    /// When it was last used as far as this node knows, ms since the epoch.
    pub(crate) used: i64,
    /// The node that wrote that.
    pub(crate) node: Arc<str>,
}

#[derive(Debug)]
pub(crate) struct Places {
    validity: Arc<Validity>,
    places: Map<ContextId, (Token, Place)>,
    mappings: Map<Box<str>, (Token, ContextId)>,
    sessions: Map<[u8; 32], Used>,
}

impl Places {
    /// A third of the bytes is for places, one for what leads to them, one for sessions.
    pub(crate) fn new(validity: Arc<Validity>, bytes_max: u64) -> Places {
        let room = |bytes: u64| usize::try_from(bytes_max / 3 / bytes).unwrap_or(usize::MAX);
        Places {
            validity,
            places: Map::new(room(PLACE_BYTES)),
            mappings: Map::new(room(MAPPING_BYTES)),
            sessions: Map::new(room(SESSION_BYTES)),
        }
    }

    /// For a load that begins now; `None` if what it finds may not be kept.
    pub(crate) fn token(&self) -> Option<Token> {
        self.validity.token(PLACES)
    }

    /// Where a context lives, if that is still true.
    pub(crate) fn get(&self, wanted: Wanted<'_>) -> Option<Place> {
        let context = match wanted {
            Wanted::Id(context) => context,
            Wanted::Mapping(mapping) => {
                let (token, context) = self.mappings.get(mapping)?;
                self.validity.stands(PLACES, token).then_some(context)?
            }
        };
        let (token, place) = self.places.get(&context)?;
        // It has just been found again.
        self.validity.stands(PLACES, token).then(|| Place { resolved: Instant::now(), ..place })
    }

    /// Whether nobody has waited in this epoch for the rows that a place is made of.
    pub(crate) fn is_unseen(&self, wanted: Wanted<'_>, token: Token) -> bool {
        let seen = match wanted {
            Wanted::Id(context) => self.places.get(&context).map(|(seen, _)| seen),
            Wanted::Mapping(mapping) => self.mappings.get(mapping).map(|(seen, _)| seen),
        };
        seen.is_none_or(|seen| seen.epoch() != token.epoch())
    }

    /// Remembers where a context lives. Not of one that nobody may work in: that it is made, or enabled, is announced to nobody.
    pub(crate) fn keep(&self, token: Token, wanted: Wanted<'_>, place: &Place) {
        if !place.enabled {
            return;
        }
        self.places.insert(place.context, (token, place.clone()));
        if let Wanted::Mapping(mapping) = wanted {
            self.mappings.insert(mapping.into(), (token, place.context));
        }
    }

    pub(crate) fn session(&self, token_hash: &[u8; 32]) -> Option<Used> {
        self.sessions.get(token_hash)
    }

    pub(crate) fn keep_session(&self, token_hash: [u8; 32], used: Used) {
        self.sessions.insert(token_hash, used);
    }

    pub(crate) fn forget_session(&self, token_hash: &[u8; 32]) {
        self.sessions.remove(token_hash);
    }
}
