//! All nodes together: who takes a request.
//!
//! Called by `forward` for every request and by `health` for who else is up.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Config;
use crate::member::Member;
use crate::rotation::Rotation;

pub(crate) struct Members {
    list: Vec<Arc<Member>>,
    rotation: Mutex<Rotation>,
}

impl Members {
    pub(crate) fn new(config: &Config, wall_ms: i64) -> Self {
        let list = config.members.iter().enumerate();
        let list = list.map(|(index, member)| Member::new(index, member, config, wall_ms)).collect();
        let rotation = Mutex::new(Rotation::new(config.members.iter().map(|member| member.weight)));
        Self { list, rotation }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.list.iter()
    }

    /// The member with this route, up or not.
    pub(crate) fn by_route(&self, route: &str) -> Option<&Arc<Member>> {
        self.list.iter().find(|member| member.route == route)
    }

    /// The next member for a request that has no route or whose own member cannot take it: by weight, among
    /// those that are up and were not `tried` for it.
    pub(crate) fn next(&self, tried: &[usize]) -> Option<&Arc<Member>> {
        let usable = |index: usize| {
            !tried.contains(&index) && self.list.get(index).is_some_and(|member| member.is_up())
        };
        let index = self.rotation.lock().unwrap_or_else(PoisonError::into_inner).next(usable)?;
        let member = self.list.get(index)?;
        member.counts.sessions_assigned.fetch_add(1, Ordering::Relaxed);
        Some(member)
    }

    /// Whether no member but this one is up.
    pub(crate) fn is_last_one(&self, member: &Member) -> bool {
        !self.list.iter().any(|other| other.index != member.index && other.is_up())
    }
}
