//! The cases: each small enough to be checked whole, and together all that the protocol is about.

use super::super::Timing;
use super::super::rules::Rules;
use super::case::{BOTH, Budget, Case, FAR_MS, READER, Role, WRITER};

/// Memberships that outlast the case.
const MEMBERS_FOR_GOOD: Timing = Timing {
    member_ttl_ms: 2 * FAR_MS,
    renew_every_ms: 2 * FAR_MS - 1,
    lease_ms: 2,
    ask_every_ms: 1,
    drift_ms: 1,
};

/// Memberships that end, leases that do not.
const LEASES_FOR_GOOD: Timing = Timing {
    member_ttl_ms: 2,
    renew_every_ms: 1,
    lease_ms: 2 * FAR_MS,
    ask_every_ms: 2 * FAR_MS - 1,
    drift_ms: 1,
};

const ALL_END: Timing =
    Timing { member_ttl_ms: 2, renew_every_ms: 1, lease_ms: 2, ask_every_ms: 1, drift_ms: 1 };

const NONE: Budget = Budget { writes: 0, breaks: 0, crashes: 0, starts: 0, leaves: 0, doubts: 0, pauses: 0 };

fn case(name: &'static str, timing: Timing, roles: &[Role], budget: Budget) -> Case {
    Case {
        name,
        rules: Rules::ALL,
        timing,
        roles: roles.to_vec(),
        budget,
        replica: false,
        drifts: false,
        slow_registry: false,
        late_messages: false,
        relies: false,
        only: None,
    }
}

/// One writes, one caches; the connection breaks, clocks run apart, leases run out.
pub(super) fn leases() -> Case {
    let budget = Budget { writes: 2, breaks: 1, ..NONE };
    Case { drifts: true, ..case("leases", MEMBERS_FOR_GOOD, &[WRITER, READER], budget) }
}

/// The same with a replica that lags and a commit whose answer is lost.
pub(super) fn replica() -> Case {
    let timing = Timing { drift_ms: 0, ..MEMBERS_FOR_GOOD };
    let budget = Budget { writes: 2, breaks: 1, doubts: 1, ..NONE };
    Case { replica: true, ..case("replica", timing, &[WRITER, READER], budget) }
}

/// A node stands still while its lease runs out.
pub(super) fn standstill() -> Case {
    let timing = Timing { drift_ms: 0, ..MEMBERS_FOR_GOOD };
    case("standstill", timing, &[WRITER, READER], Budget { writes: 1, pauses: 3, ..NONE })
}

/// Messages of a broken connection come late.
pub(super) fn late() -> Case {
    let timing = Timing { drift_ms: 0, ..MEMBERS_FOR_GOOD };
    let budget = Budget { writes: 1, breaks: 1, ..NONE };
    Case { late_messages: true, ..case("late messages", timing, &[WRITER, READER], budget) }
}

/// Two write and both cache.
pub(super) fn both() -> Case {
    let timing = Timing { drift_ms: 0, ..MEMBERS_FOR_GOOD };
    case("both write and cache", timing, &[BOTH, BOTH], Budget { writes: 1, breaks: 1, ..NONE })
}

/// Memberships run out, and members are removed alive.
pub(super) fn members() -> Case {
    let timing = Timing { member_ttl_ms: 3, drift_ms: 0, ..LEASES_FOR_GOOD };
    let reader = Role { ends: true, ..READER };
    case("members", timing, &[WRITER, reader], Budget { writes: 1, ..NONE })
}

/// The same with renewals that take their time.
pub(super) fn slow_registry() -> Case {
    let timing = Timing { member_ttl_ms: 2, drift_ms: 0, ..LEASES_FOR_GOOD };
    Case { slow_registry: true, name: "slow registry", timing, ..members() }
}

/// A writer dies with its commit on the way, and comes back.
pub(super) fn crash() -> Case {
    let timing = Timing { drift_ms: 0, ..LEASES_FOR_GOOD };
    let budget = Budget { writes: 2, crashes: 1, starts: 1, ..NONE };
    case("crash", timing, &[WRITER, READER], budget)
}

/// A node that caches and writes is removed alive, and comes back while the other writes.
pub(super) fn return_of_the_removed() -> Case {
    let timing = Timing { drift_ms: 0, ..LEASES_FOR_GOOD };
    let budget = Budget { writes: 2, starts: 1, ..NONE };
    case("return of the removed", timing, &[WRITER, BOTH], budget)
}

/// A writer joins while the registry answers late.
pub(super) fn join() -> Case {
    let timing = Timing { member_ttl_ms: 2 * FAR_MS, drift_ms: 0, ..LEASES_FOR_GOOD };
    let late = Role { begins: false, ..WRITER };
    let budget = Budget { writes: 1, starts: 1, breaks: 1, ..NONE };
    Case { slow_registry: true, ..case("join", timing, &[late, READER], budget) }
}

/// A writer stops cleanly.
pub(super) fn leave() -> Case {
    let timing = Timing { member_ttl_ms: 2 * FAR_MS, drift_ms: 0, ..LEASES_FOR_GOOD };
    case("leave", timing, &[WRITER, READER], Budget { writes: 1, leaves: 1, ..NONE })
}

/// A write relies on a scope that another changes.
pub(super) fn ground() -> Case {
    let timing = Timing { drift_ms: 0, ..MEMBERS_FOR_GOOD };
    Case { relies: true, ..case("ground", timing, &[BOTH, BOTH], Budget { writes: 2, ..NONE }) }
}

/// Leases and memberships that run out, death, removal and return, for a node that writes and one that does both.
pub(super) fn everything() -> Case {
    let timing = Timing { drift_ms: 0, ..ALL_END };
    let budget = Budget { writes: 1, breaks: 1, crashes: 1, starts: 1, ..NONE };
    case("everything", timing, &[WRITER, BOTH], budget)
}

/// Two write what a third caches.
pub(super) fn three() -> Case {
    let timing = Timing { drift_ms: 0, ..MEMBERS_FOR_GOOD };
    case("three nodes", timing, &[WRITER, WRITER, READER], Budget { writes: 2, ..NONE })
}
