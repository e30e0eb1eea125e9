//! How many requests a second anybody may send: token buckets in a table that never grows.
//!
//! Two kinds are counted: client addresses (of IPv6 the network of 64 bits, which one customer has), and tenants. Whose
//! tenant a request is, the web tier cannot know; it asks the node that answers, and remembers it for the session, which a
//! client cannot change at will (`session=` of the query, else `Authorization`). The first request of a session is thus
//! charged only to its address.
//!
//! The table has a fixed number of places, eight for each hash. When they are taken, whoever has most left is forgotten:
//! nothing is lost by it but what a client had saved up. Synchronous; the time is a parameter. Called by `forward`.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use http::header::AUTHORIZATION;
use http::request;

use crate::patience::Ms;

/// Places for each hash.
const WAYS: usize = 8;

/// A token, in the unit that levels are kept in: what comes in a millisecond at one request a second.
const TOKEN: u64 = 1_000;

/// How fast somebody may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Requests a second; 0: no limit.
    pub(crate) per_second: u64,
    /// Requests at once, after a pause.
    pub(crate) burst: u64,
}

impl Rate {
    fn full(self) -> u64 {
        self.burst.max(1).saturating_mul(TOKEN)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    /// Whose; 0: nobody's.
    key: u64,
    level: u64,
    at: Ms,
}

impl Bucket {
    fn level_at(&self, now: Ms, rate: Rate) -> u64 {
        let come = now.saturating_sub(self.at).saturating_mul(rate.per_second);
        self.level.saturating_add(come).min(rate.full())
    }
}

/// Buckets of one kind.
pub(crate) struct Buckets {
    rate: Rate,
    sets: Box<[Mutex<[Bucket; WAYS]>]>,
}

impl Buckets {
    /// At most `entries_max`, rounded up to eight.
    pub(crate) fn new(rate: Rate, entries_max: usize) -> Self {
        let sets = entries_max.div_ceil(WAYS).max(1);
        Self { rate, sets: (0..sets).map(|_| Mutex::default()).collect() }
    }

    /// Takes one token of whoever has this key. If there is none: milliseconds until there will be.
    pub(crate) fn take(&self, key: u64, now: Ms) -> Result<(), Ms> {
        let key = key.max(1);
        // The remainder is below the number of sets, which fits.
        let set = usize::try_from(key % self.sets.len() as u64).unwrap_or(0);
        let Some(set) = self.sets.get(set) else { return Ok(()) };
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = self.rate;
        let rank = |bucket: &Bucket| (bucket.key == key, bucket.key == 0, bucket.level_at(now, rate));
        let Some(bucket) = set.iter_mut().max_by_key(|bucket| rank(bucket)) else { return Ok(()) };
        if bucket.key != key {
            *bucket = Bucket { key, level: rate.full(), at: now };
        }
        bucket.level = bucket.level_at(now, rate);
        bucket.at = now.max(bucket.at);
        match bucket.level.checked_sub(TOKEN) {
            Some(left) => {
                bucket.level = left;
                Ok(())
            }
            None => Err((TOKEN - bucket.level).div_ceil(rate.per_second.max(1))),
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    session: u64,
    tenant: u64,
    at: Ms,
}

/// The tenants of sessions, as nodes said.
struct Tenants {
    sets: Box<[Mutex<[Known; WAYS]>]>,
}

impl Tenants {
    fn set(&self, session: u64) -> Option<std::sync::MutexGuard<'_, [Known; WAYS]>> {
        let set = usize::try_from(session % self.sets.len() as u64).unwrap_or(0);
        Some(self.sets.get(set)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn of(&self, session: u64, now: Ms) -> Option<u64> {
        let mut set = self.set(session)?;
        let known = set.iter_mut().find(|known| known.session == session)?;
        known.at = now;
        Some(known.tenant)
    }

    /// The one looked at longest ago makes room.
    fn remember(&self, session: u64, tenant: u64, now: Ms) {
        let Some(mut set) = self.set(session) else { return };
        let rank = |known: &Known| (known.session != session, known.session != 0, known.at);
        if let Some(place) = set.iter_mut().min_by_key(|known| rank(known)) {
            *place = Known { session, tenant, at: now };
        }
    }
}

/// Who is too fast, and how long until they are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooFast {
    /// The tenant; else the client's address.
    pub(crate) tenant: bool,
    /// Seconds, at least one.
    pub(crate) retry_s: u64,
}

/// A request that was let in, and what is to be learned from its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Admitted {
    /// The session whose tenant the node is to be asked for.
    pub(crate) asks_for: Option<u64>,
}

/// Everything that is counted of who sends how much.
#[derive(Default)]
pub(crate) struct Rates {
    clients: Option<Buckets>,
    tenants: Option<(Buckets, Tenants)>,
    hasher: RandomState,
}

impl Rates {
    pub(crate) fn new(client: Rate, tenant: Rate, entries_max: usize) -> Self {
        let tenants = || {
            let sets = entries_max.div_ceil(WAYS).max(1);
            (
                Buckets::new(tenant, entries_max),
                Tenants { sets: (0..sets).map(|_| Mutex::default()).collect() },
            )
        };
        Self {
            clients: (client.per_second > 0).then(|| Buckets::new(client, entries_max)),
            tenants: (tenant.per_second > 0).then(tenants),
            hasher: RandomState::new(),
        }
    }

    /// Lets a request in, or not.
    pub(crate) fn admit(
        &self,
        address: IpAddr,
        parts: &request::Parts,
        now: Ms,
    ) -> Result<Admitted, TooFast> {
        let too_fast = |tenant| move |ms: Ms| TooFast { tenant, retry_s: ms.div_ceil(1_000).max(1) };
        if let Some(clients) = &self.clients {
            clients.take(self.hasher.hash_one(network(address)), now).map_err(too_fast(false))?;
        }
        let Some((buckets, tenants)) = &self.tenants else { return Ok(Admitted::default()) };
        let Some(session) = session(parts) else { return Ok(Admitted::default()) };
        let session = self.hasher.hash_one(session).max(1);
        match tenants.of(session, now) {
            Some(tenant) => {
                buckets.take(tenant, now).map_err(too_fast(true))?;
                Ok(Admitted::default())
            }
            None => Ok(Admitted { asks_for: Some(session) }),
        }
    }

    /// A node said whose tenant a session is; the request that taught us is charged now.
    pub(crate) fn learn(&self, session: u64, tenant: &[u8], now: Ms) {
        if let Some((buckets, tenants)) = &self.tenants {
            let tenant = self.hasher.hash_one(tenant);
            tenants.remember(session, tenant, now);
            let _ = buckets.take(tenant, now);
        }
    }
}

/// The address, of IPv6 its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
    }
}

/// What stands for the session of a request, if it shows one.
fn session(parts: &request::Parts) -> Option<&[u8]> {
    let in_query =
        parts.uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("session=")));
    let in_header = || parts.headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    in_query.filter(|session| !session.is_empty()).map(str::as_bytes).or_else(in_header)
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };
    const NONE: Rate = Rate { per_second: 0, burst: 0 };

    #[test]
    fn a_burst_is_let_in_and_then_so_many_a_second() {
        let buckets = Buckets::new(RATE, 100);
        let taken = |now: Ms| (0..10).take_while(|_| buckets.take(7, now).is_ok()).count();
        assert_eq!(taken(0), 3);
        assert_eq!(buckets.take(7, 40), Err(60));
        assert_eq!(taken(99), 0);
        assert_eq!(taken(100), 1);
        assert_eq!(taken(1_000_000), 3, "no more is saved up than the burst");
        assert_eq!(buckets.take(8, 0), Ok(()), "others are not concerned");
    }

    #[test]
    fn when_the_table_is_full_whoever_has_most_left_is_forgotten() {
        let buckets = Buckets::new(RATE, WAYS);
        while buckets.take(1, 0).is_ok() {}
        for other in 2..100 {
            assert_eq!(buckets.take(other, 0), Ok(()));
        }
        assert!(buckets.take(1, 0).is_err(), "who has nothing left is not forgiven by the crowd of others");
    }

    fn parts(uri: &str, authorization: &str) -> request::Parts {
        let mut request = Request::builder().uri(uri);
        if !authorization.is_empty() {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_counted_apart_and_ipv6_by_its_network() {
        let rates = Rates::new(Rate { per_second: 1, burst: 1 }, NONE, 1_000);
        let check = |text: &str, expected: bool| {
            let admitted = rates.admit(address(text), &parts("/ajax/x", ""), 0);
            assert_eq!(admitted.is_ok(), expected, "{text}");
        };
        check("10.0.0.1", true);
        check("10.0.0.1", false);
        check("::ffff:10.0.0.1", false);
        check("10.0.0.2", true);
        check("2001:db8:0:1::1", true);
        check("2001:db8:0:1:ffff::2", false);
        check("2001:db8:0:2::1", true);
        let told = rates.admit(address("10.0.0.1"), &parts("/", ""), 0);
        assert_eq!(told, Err(TooFast { tenant: false, retry_s: 1 }));
    }

    #[test]
    fn a_tenant_is_limited_over_all_its_sessions_and_addresses_once_they_are_known() {
        let rates = Rates::new(NONE, Rate { per_second: 1, burst: 3 }, 1_000);
        let ask =
            |uri: &str, authorization: &str| rates.admit(address("10.0.0.1"), &parts(uri, authorization), 0);
        let learned = |uri: &str, authorization: &str, tenant: &str| {
            let session = ask(uri, authorization).unwrap().asks_for.unwrap();
            rates.learn(session, tenant.as_bytes(), 0);
        };
        learned("/ajax/x?action=a&session=one", "", "7");
        learned("/infostore", "Basic abc", "7");
        learned("/ajax/x?session=other", "", "8");
        assert_eq!(ask("/ajax/x?session=one", ""), Ok(Admitted::default()));
        assert_eq!(ask("/ajax/y?session=one", ""), Err(TooFast { tenant: true, retry_s: 1 }));
        assert_eq!(ask("/infostore/x", "Basic abc"), Err(TooFast { tenant: true, retry_s: 1 }));
        assert_eq!(ask("/ajax/x?session=other", ""), Ok(Admitted::default()));
        assert_eq!(ask("/ajax/x", ""), Ok(Admitted::default()), "no session, no tenant");
        assert!(ask("/ajax/x?session=", "").unwrap().asks_for.is_none());
    }

    #[test]
    fn nobody_is_limited_unless_it_is_asked_for() {
        let rates = Rates::new(NONE, NONE, 10);
        for _ in 0..1_000 {
            let admitted = rates.admit(address("10.0.0.1"), &parts("/ajax/x?session=a", ""), 0);
            assert_eq!(admitted, Ok(Admitted::default()));
        }
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_what_came_since_is_let_in(
            rate in 1u64..100,
            burst in 1u64..50,
            pauses in prop::collection::vec(0u64..500, 1..200),
        ) {
            let buckets = Buckets::new(Rate { per_second: rate, burst }, 8);
            let (mut now, mut taken) = (0, 0);
            for pause in pauses {
                now += pause;
                taken += u64::from(buckets.take(1, now).is_ok());
                prop_assert!(taken <= burst + now * rate / 1_000 + 1);
            }
        }
    }
}
