//! Whether a member takes requests: what the operator says of it and what was found out, in one word.
//!
//! Read for every request without a lock; written by `member`, by what it found, and by the manager. Pure but for the
//! atomic that holds it.

use std::sync::atomic::{AtomicU16, Ordering};

use crate::flags::Flags;

/// Everything by which a member is chosen or passed over: status letters, and above them what was found.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Standing(u16);

/// What was found out about a member; any of it keeps requests away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Found {
    /// It cannot be connected to, or answers nothing.
    Dead = 1 << 8,
    /// Its checks fail.
    CheckFailed = 1 << 9,
    /// It is far worse than its peers.
    Outlier = 1 << 10,
    /// Its node says that it is about to stop.
    Leaving = 1 << 11,
}

const FOUND: u16 = 0xff00;
const OPERATOR: u16 = 0x00ff;

impl Standing {
    const fn has(self, flags: Flags) -> bool {
        Flags::of_bits((self.0 & OPERATOR) as u8).has(flags)
    }

    /// Whether it may be given a request at all.
    pub(crate) const fn is_usable(self) -> bool {
        let kept_away = Flags::DISABLED.bits() | Flags::STOPPED.bits() | Flags::ERROR.bits();
        self.0 & (FOUND | kept_away as u16) == 0
    }

    /// Whether it keeps its sessions and gets no others.
    pub(crate) const fn is_draining(self) -> bool {
        self.has(Flags::DRAIN)
    }

    pub(crate) const fn is_standby(self) -> bool {
        self.has(Flags::STANDBY)
    }

    pub(crate) const fn is_spare(self) -> bool {
        self.has(Flags::SPARE)
    }

    pub(crate) const fn ignores_errors(self) -> bool {
        self.has(Flags::IGNORE_ERRORS)
    }

    pub(crate) const fn is_found(self, found: Found) -> bool {
        self.0 & found as u16 != 0
    }

    pub(crate) const fn flags(self) -> Flags {
        Flags::of_bits((self.0 & OPERATOR) as u8)
    }

    /// Whether nothing but errors keeps it away: neither the operator nor the node wants it so.
    pub(crate) const fn is_in_error_only(self) -> bool {
        let wanted = Flags::DISABLED.bits() | Flags::STOPPED.bits();
        !self.is_usable() && self.0 & (wanted as u16 | Found::Leaving as u16) == 0
    }

    /// Whether nothing keeps it away but that its node is about to stop: until it has, it answers whatever it is given.
    pub(crate) const fn is_leaving_only(self) -> bool {
        self.is_found(Found::Leaving)
            && !self.is_draining()
            && Self(self.0 & !(Found::Leaving as u16)).is_usable()
    }

    #[cfg(test)]
    pub(crate) fn of(flags: Flags, dead: bool) -> Self {
        Self(u16::from(flags.bits()) | if dead { Found::Dead as u16 } else { 0 })
    }
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Standing({}, {:#x})", self.flags(), self.0 & FOUND)
    }
}

/// The standing of one member, shared by all who look and all who change it.
#[derive(Debug)]
pub(crate) struct Stand(AtomicU16);

impl Stand {
    pub(crate) fn new(flags: Flags) -> Self {
        Self(AtomicU16::new(u16::from(flags.bits())))
    }

    pub(crate) fn now(&self) -> Standing {
        Standing(self.0.load(Ordering::Acquire))
    }

    /// Notes or forgets a finding; whether that changed anything.
    pub(crate) fn find(&self, found: Found, is_so: bool) -> bool {
        let bit = found as u16;
        let before = if is_so {
            self.0.fetch_or(bit, Ordering::AcqRel)
        } else {
            self.0.fetch_and(!bit, Ordering::AcqRel)
        };
        (before & bit != 0) != is_so
    }

    /// Sets or takes away status letters; whether that changed anything.
    pub(crate) fn set(&self, flags: Flags, set: bool) -> bool {
        let bits = u16::from(flags.bits());
        let before = if set {
            self.0.fetch_or(bits, Ordering::AcqRel)
        } else {
            self.0.fetch_and(!bits, Ordering::AcqRel)
        };
        before & bits != if set { bits } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_found_and_three_letters_keep_requests_away() {
        for (flags, usable) in
            [("D", false), ("S", false), ("E", false), ("H", true), ("R", true), ("N", true), ("I", true)]
        {
            let flags = Flags::NONE.changed(flags).unwrap();
            assert_eq!(Standing::of(flags, false).is_usable(), usable, "{flags}");
            assert!(!Standing::of(flags, true).is_usable(), "{flags}");
        }
        for found in [Found::Dead, Found::CheckFailed, Found::Outlier, Found::Leaving] {
            let stand = Stand::new(Flags::NONE);
            assert!(stand.now().is_usable());
            assert!(stand.find(found, true) && !stand.find(found, true));
            assert!(stand.now().is_found(found) && !stand.now().is_usable());
            assert!(stand.find(found, false) && stand.now().is_usable());
        }
    }

    #[test]
    fn a_letter_set_or_taken_away_leaves_the_others_and_what_was_found() {
        let stand = Stand::new(Flags::STANDBY);
        stand.find(Found::Outlier, true);
        assert!(stand.set(Flags::DISABLED, true) && !stand.set(Flags::DISABLED, true));
        assert_eq!(stand.now().flags().to_string(), "DH");
        assert!(stand.set(Flags::STANDBY, false));
        assert_eq!(stand.now().flags(), Flags::DISABLED);
        assert!(stand.now().is_found(Found::Outlier));
    }

    #[test]
    fn only_errors_are_forgiven_by_force() {
        let forgiven = |change: fn(&Stand)| {
            let stand = Stand::new(Flags::NONE);
            change(&stand);
            stand.now().is_in_error_only()
        };
        assert!(!forgiven(|_| {}));
        assert!(forgiven(|stand| {
            stand.find(Found::Dead, true);
        }));
        assert!(forgiven(|stand| {
            stand.set(Flags::ERROR, true);
        }));
        assert!(!forgiven(|stand| {
            stand.find(Found::Dead, true);
            stand.set(Flags::DISABLED, true);
        }));
        assert!(!forgiven(|stand| {
            stand.find(Found::Dead, true);
            stand.find(Found::Leaving, true);
        }));
    }
}
