//! What a client sends on an HTTP/2 connection, seen as frames: whether a head is under way, and whether it floods us with
//! frames that carry nothing.
//!
//! Pure; `client` feeds it every byte that is read. h2 itself bounds memory (streams, header list, what is reset before it
//! is looked at); this bounds the work: pings, settings, resets and their like cost an answer or a search each and could be
//! sent for ever. Nothing is copied and no content is looked at.

use crate::patience::Ms;

/// Over how long frames are counted.
const WINDOW_MS: Ms = 10_000;
/// `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, which comes before the first frame.
const PREFACE_BYTES: usize = 24;
const HEADER_BYTES: usize = 9;
/// A window update that is paid for by so many bytes of ours is none that floods.
const UPDATE_BYTES: u64 = 512;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// A client's frames.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Bytes that are passed over: the rest of the preface, or of a frame's content.
    skip: usize,
    header: [u8; HEADER_BYTES],
    have: usize,
    /// Since when a head is under way.
    head_since: Option<Ms>,
    /// The frame under way ends the head.
    ends_head: bool,
    empty: Bucket,
    /// Window updates that our own bytes have paid for, times [`UPDATE_BYTES`].
    credit_bytes: u64,
}

/// Counts what comes and forgets it evenly.
#[derive(Debug)]
struct Bucket {
    max: u64,
    /// Thousandths of a frame, so that slow forgetting is exact enough.
    level: u64,
    at: Ms,
}

/// More frames that carry nothing than are borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flood;

impl Meter {
    /// `max`: frames that carry nothing, in ten seconds.
    pub(crate) fn new(max: u32, now: Ms) -> Self {
        Self {
            skip: PREFACE_BYTES,
            header: [0; HEADER_BYTES],
            have: 0,
            head_since: None,
            ends_head: false,
            empty: Bucket { max: u64::from(max), level: 0, at: now },
            credit_bytes: 0,
        }
    }

    /// Since when a request's head is incomplete, if one is.
    pub(crate) fn head_since(&self) -> Option<Ms> {
        self.head_since
    }

    /// Bytes went to the client: it may tell that it took them.
    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.credit_bytes = self.credit_bytes.saturating_add(bytes as u64);
    }

    /// # Errors
    /// [`Flood`]: the connection is to be closed.
    pub(crate) fn read(&mut self, mut bytes: &[u8], now: Ms) -> Result<(), Flood> {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let passed = self.skip.min(bytes.len());
                self.skip -= passed;
                bytes = bytes.get(passed..).unwrap_or_default();
                if self.skip == 0 {
                    self.content_ended();
                }
                continue;
            }
            let Some((first, rest)) = bytes.split_first() else { break };
            if let Some(place) = self.header.get_mut(self.have) {
                *place = *first;
            }
            bytes = rest;
            self.have += 1;
            if self.have == HEADER_BYTES {
                self.have = 0;
                self.frame(now)?;
            }
        }
        Ok(())
    }

    /// The header of a frame is complete.
    fn frame(&mut self, now: Ms) -> Result<(), Flood> {
        let [high, middle, low, kind, flags, ..] = self.header;
        let content = u32::from_be_bytes([0, high, middle, low]) as usize;
        self.skip = content;
        match kind {
            HEADERS | CONTINUATION => {
                self.head_since.get_or_insert(now);
                self.ends_head = flags & END_HEADERS != 0;
                if kind == CONTINUATION {
                    self.empty.add(now)?;
                }
            }
            DATA if content > 0 || flags & END_STREAM != 0 => {}
            WINDOW_UPDATE if self.credit_bytes >= UPDATE_BYTES => self.credit_bytes -= UPDATE_BYTES,
            _ => self.empty.add(now)?,
        }
        if content == 0 {
            self.content_ended();
        }
        Ok(())
    }

    fn content_ended(&mut self) {
        if self.ends_head {
            (self.ends_head, self.head_since) = (false, None);
        }
    }
}

impl Bucket {
    fn add(&mut self, now: Ms) -> Result<(), Flood> {
        let forgotten = now.saturating_sub(self.at).saturating_mul(self.max * 1_000) / WINDOW_MS;
        self.level = self.level.saturating_sub(forgotten) + 1_000;
        self.at = now;
        if self.level > self.max * 1_000 { Err(Flood) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PING: u8 = 6;

    fn frame(kind: u8, flags: u8, content: usize) -> Vec<u8> {
        let [_, high, middle, low] = u32::try_from(content).unwrap().to_be_bytes();
        let mut bytes = vec![high, middle, low, kind, flags, 0, 0, 0, 1];
        bytes.resize(HEADER_BYTES + content, 7);
        bytes
    }

    fn meter(max: u32) -> Meter {
        let mut meter = Meter::new(max, 0);
        meter.read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0).unwrap();
        meter
    }

    #[test]
    fn frames_that_carry_nothing_are_counted_and_forgotten_with_time() {
        let mut meter = meter(10);
        for _ in 0..10 {
            assert_eq!(meter.read(&frame(PING, 0, 8), 0), Ok(()));
        }
        // A second forgives one in ten seconds' ten.
        assert_eq!(meter.read(&frame(PING, 0, 8), 1_000), Ok(()));
        assert_eq!(meter.read(&frame(PING, 0, 8), 1_000), Err(Flood));
        assert_eq!(meter.read(&frame(PING, 0, 8), 20_000), Ok(()));
    }

    #[test]
    fn requests_and_bodies_are_no_flood_and_what_is_empty_is_one() {
        let mut meter = meter(1);
        for _ in 0..1_000 {
            meter.read(&frame(HEADERS, END_HEADERS, 30), 0).unwrap();
            meter.read(&frame(DATA, 0, 100), 0).unwrap();
            meter.read(&frame(DATA, END_STREAM, 0), 0).unwrap();
            meter.wrote(600);
            meter.read(&frame(WINDOW_UPDATE, 0, 4), 0).unwrap();
        }
        meter.read(&frame(DATA, 0, 0), 0).unwrap();
        assert_eq!(meter.read(&frame(DATA, 0, 0), 0), Err(Flood));
    }

    #[test]
    fn window_updates_for_nothing_are_a_flood() {
        let mut meter = meter(2);
        meter.read(&frame(WINDOW_UPDATE, 0, 4), 0).unwrap();
        meter.read(&frame(WINDOW_UPDATE, 0, 4), 0).unwrap();
        assert_eq!(meter.read(&frame(WINDOW_UPDATE, 0, 4), 0), Err(Flood));
    }

    #[test]
    fn a_head_is_under_way_from_its_first_frame_to_the_end_of_its_last() {
        let mut meter = meter(10);
        assert_eq!(meter.head_since(), None);
        meter.read(&frame(HEADERS, 0, 30), 5).unwrap();
        assert_eq!(meter.head_since(), Some(5));
        let last = frame(CONTINUATION, END_HEADERS, 10);
        meter.read(&last[..18], 9).unwrap();
        assert_eq!(meter.head_since(), Some(5));
        meter.read(&last[18..], 9).unwrap();
        assert_eq!(meter.head_since(), None);
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_changes_nothing(
            frames in proptest::collection::vec((0u8..12, any::<u8>(), 0usize..40), 0..40),
            cuts in proptest::collection::vec(1usize..50, 1..50),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|(kind, flags, length)| frame(*kind, *flags, *length)).collect();
            let (mut whole, mut cut) = (meter(1_000), meter(1_000));
            prop_assert_eq!(whole.read(&bytes, 1), Ok(()));
            let mut rest = bytes.as_slice();
            for length in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*length).min(rest.len()));
                prop_assert_eq!(cut.read(now, 1), Ok(()));
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(format!("{whole:?}"), format!("{cut:?}"));
        }
    }
}
