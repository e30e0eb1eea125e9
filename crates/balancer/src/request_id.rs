//! The id of a request: made here, sent to the node and back to the client, in every log line about it.
//!
//! 32 hexadecimal digits. Unique, not secret: the system's randomness once at start, then arithmetic, because
//! a system call a request would cost more than the rest of the bookkeeping.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

use crate::Error;

/// One request's id. Cheap to clone.
#[derive(Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    pub(crate) fn value(&self) -> &HeaderValue {
        &self.0
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The source of ids of one server.
pub(crate) struct RequestIds {
    seeds: [u64; 2],
    count: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Result<Self, Error> {
        let seed = || getrandom::u64().map_err(|error| Error::Random(error.to_string()));
        Ok(Self { seeds: [seed()?, seed()?], count: AtomicU64::new(0) })
    }

    pub(crate) fn next(&self) -> RequestId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut digits = [0; 32];
        for (half, seed) in digits.chunks_exact_mut(16).zip(self.seeds) {
            let mut number = scramble(seed.wrapping_add(count));
            for place in half {
                *place = digit((number & 15) as u8);
                number >>= 4;
            }
        }
        // Digits are always a valid header value; the fallback only spares a panic path.
        RequestId(HeaderValue::from_bytes(&digits).unwrap_or_else(|_| HeaderValue::from_static("")))
    }
}

fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

/// SplitMix64's step and finaliser: a bijection, so two counts never give the same number.
fn scramble(n: u64) -> u64 {
    let z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_32_digits_and_never_repeat() {
        let ids = RequestIds::new().unwrap();
        let seen: HashSet<String> = (0..10_000).map(|_| ids.next().to_string()).collect();
        assert_eq!(seen.len(), 10_000);
        assert!(seen.iter().all(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())));
    }
}
