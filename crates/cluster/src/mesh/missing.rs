//! Who should be there and is not. A node that nobody finds must not be a silent island: the registry says who belongs to the
//! cluster, and what is missing of it is said in the log, at `/health` and on the cluster page.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::authority::Name;

/// A member is missed aloud after this time: at a start all are missing for a moment.
const SAID_AFTER: Duration = Duration::from_secs(5);

/// A member that the registry says there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its name.
    pub name: Name,
    /// Which life of it is registered. Another is refused.
    pub incarnation: Arc<str>,
    /// Where it says that it is; none if it did not say.
    pub address: Option<SocketAddr>,
}

/// A member that is registered and not connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Its name.
    pub name: String,
    /// Where it should be.
    pub address: Option<SocketAddr>,
    /// For how long, ms.
    pub for_ms: u64,
}

/// Remembers since when somebody has been missing, and what was said of it.
#[derive(Debug, Default)]
pub(super) struct Watch(BTreeMap<Name, Absent>);

#[derive(Debug)]
struct Absent {
    since: Instant,
    address: Option<SocketAddr>,
    said: bool,
}

impl Watch {
    /// Takes in who is expected and who is there, and answers what is to be said now: who is missing (`false`) or there again
    /// (`true`), and for how long it was away.
    pub(super) fn look(
        &mut self,
        expected: &[Expected],
        is_there: impl Fn(&Name) -> bool,
    ) -> Vec<(Name, bool, Duration)> {
        let now = Instant::now();
        let mut lines = Vec::new();
        self.0.retain(|name, absent| {
            let there = is_there(name);
            if there && absent.said {
                lines.push((name.clone(), true, now.duration_since(absent.since)));
            }
            !there && expected.iter().any(|member| &member.name == name)
        });
        for member in expected.iter().filter(|member| !is_there(&member.name)) {
            let new = Absent { since: now, address: None, said: false };
            let absent = self.0.entry(member.name.clone()).or_insert(new);
            absent.address = member.address;
            let away = now.duration_since(absent.since);
            if !absent.said && away >= SAID_AFTER {
                absent.said = true;
                lines.push((member.name.clone(), false, away));
            }
        }
        lines
    }

    /// Who is missing.
    pub(super) fn all(&self) -> Vec<Missing> {
        let missing = self.0.iter().map(|(name, absent)| Missing {
            name: name.to_string(),
            address: absent.address,
            for_ms: u64::try_from(absent.since.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        missing.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new("name", text).unwrap()
    }

    fn expected(names: &[&str]) -> Vec<Expected> {
        let member = |text: &&str| Expected { name: name(text), incarnation: "1".into(), address: None };
        names.iter().map(member).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_missing_is_said_once_after_a_while_and_again_when_it_is_there() {
        let mut watch = Watch::default();
        let both = expected(&["OX-2", "OX-3"]);
        assert_eq!(watch.look(&both, |_| false), []);
        tokio::time::advance(SAID_AFTER).await;
        let there = |found: &Name| found.as_str() == "OX-3";
        assert_eq!(watch.look(&both, there), [(name("OX-2"), false, SAID_AFTER)]);
        assert_eq!(watch.look(&both, there), []);
        assert_eq!(
            watch.all().iter().map(|one| (one.name.as_str(), one.for_ms)).collect::<Vec<_>>(),
            [("OX-2", 5_000)]
        );
        tokio::time::advance(SAID_AFTER).await;
        assert_eq!(watch.look(&both, |_| true), [(name("OX-2"), true, 2 * SAID_AFTER)]);
        assert_eq!(watch.all(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_no_longer_registered_is_not_missed() {
        let mut watch = Watch::default();
        watch.look(&expected(&["OX-2"]), |_| false);
        tokio::time::advance(2 * SAID_AFTER).await;
        assert_eq!(watch.look(&expected(&[]), |_| false), []);
        assert_eq!(watch.all(), []);
    }
}
