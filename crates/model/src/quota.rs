//! Whether more content fits.

use crate::Refusal;

/// A context's file quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// No limit.
    Unlimited,
    /// At most so many bytes; 0 means that nothing may be stored.
    Bytes(u64),
}

impl Quota {
    /// Reads the stored number: negative is unlimited.
    #[must_use]
    pub fn from_stored(bytes: i64) -> Quota {
        u64::try_from(bytes).map_or(Quota::Unlimited, Quota::Bytes)
    }

    /// The stored number.
    #[must_use]
    pub fn to_stored(self) -> i64 {
        match self {
            Quota::Unlimited => -1,
            Quota::Bytes(bytes) => i64::try_from(bytes).unwrap_or(i64::MAX),
        }
    }

    /// Whether `more` bytes fit beside `used`. Giving content up is always possible, so 0 more always fits.
    pub fn admit(self, used: u64, more: u64) -> Result<(), Refusal> {
        match self {
            Quota::Bytes(limit) if more > 0 && used.saturating_add(more) > limit => {
                Err(Refusal::QuotaExceeded { used_bytes: used, limit_bytes: limit })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_byte_fits_and_the_next_does_not() {
        let quota = Quota::Bytes(100);
        assert!(quota.admit(40, 60).is_ok());
        assert!(quota.admit(40, 61).is_err());
        assert!(quota.admit(200, 0).is_ok());
        assert!(quota.admit(u64::MAX, 1).is_err());
        assert!(Quota::Bytes(0).admit(0, 1).is_err());
        assert!(Quota::Unlimited.admit(u64::MAX, u64::MAX).is_ok());
    }

    #[test]
    fn a_quota_survives_storage() {
        for quota in [Quota::Unlimited, Quota::Bytes(0), Quota::Bytes(5)] {
            assert_eq!(Quota::from_stored(quota.to_stored()), quota);
        }
    }
}
