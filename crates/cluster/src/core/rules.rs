//! The rules of the protocol by name, so that the model can take one away and see what goes wrong without it. What is
//! not a test has them all: there is no way to build any other set outside of one.

/// One rule. `docs/COHERENCE.md` says of each why it is needed and shows the shortest fault without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Rule {
    /// Nobody caches whose membership ran out.
    MembershipToCache,
    /// A membership counts from before its renewal was sent.
    MembershipFromBefore,
    /// Nobody caches without a lease from every member.
    LeasesToCache,
    /// A lease counts from before it was asked for.
    LeaseFromBefore,
    /// The granter counts a lease, and the witness a membership, longer by what clocks may differ.
    Drift,
    /// A member that is new and gave no lease ends the epoch.
    NewMemberEndsEpoch,
    /// The removal of a member ends the epoch.
    RemovalEndsEpoch,
    /// A broken connection is a lost lease.
    BreakLosesLease,
    /// An epoch that ran out is over, also if it could go on a moment later.
    GapEndsEpoch,
    /// A commit waits until each peer acknowledged the hold, or its lease is over.
    CommitWaits,
    /// A peer that cannot be reached is waited for until its lease is over.
    WaitForUnreachable,
    /// A grant carries the holds that are open.
    GrantCarriesHolds,
    /// A grant is no acknowledgement of the holds it carries or follows.
    GrantIsNoAck,
    /// The own membership is checked once the rows are locked.
    MembershipAfterLock,
    /// The first load of a scope in an epoch locks the row.
    FirstLoadLocks,
    /// What was loaded, or began to load, before a hold is not served after it.
    HoldVoids,
    /// What was loaded, or began to load, in one epoch is not served in another.
    EpochVoids,
    /// While a scope is held it is neither cached nor served, from memory or a replica.
    HeldIsNotServed,
    /// A release ends the hold of its own write and no other.
    ReleaseById,
    /// A joiner writes once all who were there count it or are gone.
    JoinerWaits,
    /// A replica answers only with the version that is known.
    ReplicaReached,
    /// What a write relied on is compared under lock.
    ReliedIsChecked,
    /// What comes over an earlier connection is ignored.
    OldConnectionIgnored,
    /// A member is removed only once its membership ran out.
    RemovalWaits,
    /// Whoever leaves has no write under way.
    LeaveIsLast,
    /// A member that said hello is counted until a list asked for later lacks it.
    HelloOutlivesOldLists,
    /// A write whose outcome is not known keeps its hold until it is.
    DoubtKeepsHold,
}

/// Which rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rules(u32);

impl Rules {
    /// All of them.
    pub(crate) const ALL: Rules = Rules(u32::MAX);

    pub(crate) fn has(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u8) != 0
    }

    /// All but one, for the model.
    #[cfg(test)]
    pub(crate) fn without(rule: Rule) -> Rules {
        Rules(!(1 << rule as u8))
    }
}
