//! Waiting for a condition outside this process, with what is waited for on the terminal and an end to it. Used by every
//! scenario; there is no other waiting in the lab.

use crate::Result;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks until there is something, at most so long; answers it and how long it took. An error of a look is no end: it is
/// what the wait says if its time is over.
pub(crate) fn until<T>(
    what: &str,
    seconds_max: u64,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<(T, Duration)> {
    let started = Instant::now();
    let deadline = started + Duration::from_secs(seconds_max);
    loop {
        let seen = look();
        let reason = match seen {
            Ok(Some(value)) => return Ok((value, started.elapsed())),
            Ok(None) => String::new(),
            Err(error) => format!(": {error}"),
        };
        if Instant::now() >= deadline {
            return Err(format!("{what}: not within {seconds_max} s{reason}").into());
        }
        pass(LOOK_EVERY);
    }
}

/// Lets time pass: between two looks, or as long as a fault is to last.
pub(crate) fn pass(time: Duration) {
    // A channel that nobody sends on.
    let (_held, silence) = channel::<()>();
    let _ = silence.recv_timeout(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_what_was_looked_for() {
        let mut looks = 0;
        let (found, _) = until("three", 10, || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        })
        .unwrap();
        assert_eq!(found, 3);
    }

    #[test]
    fn a_wait_that_is_in_vain_says_what_for_and_why() {
        let waited = until::<()>("the moon", 0, || Err("it is behind a cloud".into()));
        assert_eq!(waited.unwrap_err().to_string(), "the moon: not within 0 s: it is behind a cloud");
    }
}
