//! The times and manners that hold for one member. Called by [`Member`](super::Member) when it is made.

use std::time::Duration;

use zebu_ajp::PacketSize;

use crate::Config;
use crate::params::member::{MemberConfig, Protocol};
use crate::patience::Ms;
use crate::upstream::{Speech, Tuning, ajp, http};

/// The times that hold for one member: its own, else those of the tier.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) connect: Duration,
    pub(crate) tuning: Tuning,
    pub(crate) speech: Speech,
    /// How long it may stay silent.
    pub(crate) silence_ms: Ms,
    /// How long it is left alone in error.
    pub(super) retry_ms: Ms,
    /// How long a connection to it may be idle.
    pub(super) idle_ms: Ms,
    pub(super) slow_start_ms: Ms,
    pub(crate) check_interval_ms: Ms,
}

impl Terms {
    pub(super) fn new(member: &MemberConfig, config: &Config) -> Self {
        let connect_ms =
            member.connect_timeout_ms.or(member.timeout_ms.filter(|ms| *ms < config.connect_timeout_ms));
        Self {
            connect: Duration::from_millis(connect_ms.unwrap_or(config.connect_timeout_ms)),
            speech: speech(member, config),
            tuning: Tuning { keepalive: member.keepalive, receive_buffer_bytes: member.receive_buffer_bytes },
            silence_ms: member.timeout_ms.unwrap_or(config.response_timeout_ms),
            retry_ms: member.retry_ms.unwrap_or(config.retry_ms),
            idle_ms: member.ttl_ms.unwrap_or(config.idle_connection_ms),
            slow_start_ms: config.slow_start_ms,
            check_interval_ms: member.check.interval_ms.unwrap_or(config.check_interval_ms),
        }
    }
}

fn speech(member: &MemberConfig, config: &Config) -> Speech {
    match member.protocol {
        Protocol::Http => Speech::Http(http::Terms {
            head_bytes_max: config.header_bytes_max,
            read_bytes_max: config.stream_buffer_bytes,
        }),
        Protocol::Ajp => Speech::Ajp(ajp::Terms {
            secret: member.secret.clone(),
            // Its limits are those of the parameter.
            size: PacketSize::new(member.packet_bytes_max as usize).unwrap_or_default(),
            read_bytes_max: config.stream_buffer_bytes,
        }),
    }
}
