//! What of the configuration can be changed while the web tier serves, and changing it.
//!
//! Read on every way of a request, so it is numbers that cost nothing to read. Everything else of the configuration stays as
//! it was at the start until a successor takes over (`handover`) or the process is started again; what differs there
//! is named.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use http::HeaderValue;
use serde_json::Value;

use crate::layout::Layout;
use crate::listen::{Listener, Scheme};
use crate::patience::Limits;
use crate::tier::Tier;
use crate::tls::TlsConfig;
use crate::{Config, Error, FoundNode};

/// The fields that can be changed, beside `members`, `balancers` and `mesh_parameters`, which have secrets in them and no form but
/// their own.
const CHANGEABLE: [&str; 14] = [
    "proxy_config",
    "mesh_members",
    "mesh_protocol",
    "connections_max",
    "client_header_timeout_ms",
    "client_idle_timeout_ms",
    "client_stall_timeout_ms",
    "websocket_idle_timeout_ms",
    "drain_ms",
    "tls.certificates",
    "tls.hsts_seconds",
    "tls.hsts_subdomains",
    "tls.redirect",
    "tls.redirect_port",
];

/// The values as they are now.
#[derive(Debug, Default)]
pub(crate) struct Live {
    head_ms: AtomicU64,
    idle_ms: AtomicU64,
    stall_ms: AtomicU64,
    tunnel_ms: AtomicU64,
    connections_max: AtomicUsize,
    drain_ms: AtomicU64,
    /// The port of https that what comes to a plain listener is sent to; 0: nothing is.
    redirect_port: AtomicU32,
    hsts: RwLock<Option<HeaderValue>>,
}

impl Live {
    pub(crate) fn new(config: &Config, listeners: &[Listener]) -> Self {
        let live = Self::default();
        live.set(config, listeners);
        live
    }

    fn set(&self, config: &Config, listeners: &[Listener]) {
        for (field, value) in [
            (&self.head_ms, config.client_header_timeout_ms),
            (&self.idle_ms, config.client_idle_timeout_ms),
            (&self.stall_ms, config.client_stall_timeout_ms),
            (&self.tunnel_ms, config.websocket_idle_timeout_ms),
            (&self.drain_ms, config.drain_ms),
        ] {
            field.store(value, Ordering::Relaxed);
        }
        self.connections_max.store(config.connections_max, Ordering::Relaxed);
        self.redirect_port.store(redirect_port(&config.tls, listeners).into(), Ordering::Relaxed);
        // Digits and letters: always a valid header value; the fallback only spares a panic path.
        let hsts = config.tls.hsts().and_then(|hsts| HeaderValue::try_from(hsts).ok());
        *self.hsts.write().unwrap_or_else(PoisonError::into_inner) = hsts;
    }

    pub(crate) fn limits(&self) -> Limits {
        let read = |field: &AtomicU64| field.load(Ordering::Relaxed);
        Limits {
            head_ms: read(&self.head_ms),
            idle_ms: read(&self.idle_ms),
            stall_ms: read(&self.stall_ms),
            tunnel_ms: read(&self.tunnel_ms),
        }
    }

    pub(crate) fn connections_max(&self) -> usize {
        self.connections_max.load(Ordering::Relaxed)
    }

    pub(crate) fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms.load(Ordering::Relaxed))
    }

    /// Where what comes to a plain listener is sent, if it is.
    pub(crate) fn redirect_port(&self) -> Option<u16> {
        u16::try_from(self.redirect_port.load(Ordering::Relaxed)).ok().filter(|port| *port != 0)
    }

    /// What TLS connections are told of coming by https only.
    pub(crate) fn hsts(&self) -> Option<HeaderValue> {
        self.hsts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn redirect_port(config: &TlsConfig, listeners: &[Listener]) -> u16 {
    let secure = listeners.iter().find(|listener| listener.scheme == Scheme::Https);
    match (config.redirect, config.redirect_port, secure) {
        (false, ..) => 0,
        (true, 0, Some(listener)) => listener.address.port(),
        (true, port, _) => port,
    }
}

impl Tier {
    /// Takes up what can be changed, with these nodes in the mesh if they are not those of before, and answers the names of fields that differ and cannot.
    ///
    /// # Errors
    /// [`Error::Config`] or [`Error::Tls`]: then nothing has changed.
    pub(crate) fn reload(&self, new: &Config, nodes: Option<&[FoundNode]>) -> Result<Vec<String>, Error> {
        new.check()?;
        let layout = Layout::of(new)?;
        if let Some(tls) = &self.tls {
            tls.choice.replace(&new.tls.all(&self.config.tls.acme))?;
        }
        self.live.set(new, &self.listeners);
        self.rearrange(&layout, new.mesh_terms(), nodes);
        Ok(differ(&self.config, new))
    }
}

/// Fields that differ, apart from those that can be changed.
fn differ(old: &Config, new: &Config) -> Vec<String> {
    let [old, new] = [old, new].map(|config| serde_json::to_value(config).unwrap_or_default());
    let mut fields = Vec::new();
    compare("", &old, &new, &mut fields);
    fields.retain(|field| !CHANGEABLE.contains(&field.as_str()));
    fields
}

fn compare(at: &str, old: &Value, new: &Value, fields: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                let name = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                compare(&name, value, new.get(key).unwrap_or(&Value::Null), fields);
            }
        }
        _ if old == new => {}
        _ => fields.push(at.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_changed_is_named_and_what_can_is_not() {
        let old = Config::default();
        let mut new = Config { connections_max: 5, drain_ms: 1, ..Config::default() };
        new.tls.redirect = true;
        assert_eq!(differ(&old, &new), Vec::<String>::new());
        new.stream_buffer_bytes *= 2;
        new.tls.watch_ms = 10;
        new.h2.streams_max = 1;
        let mut named = differ(&old, &new);
        named.sort();
        assert_eq!(named, ["h2.streams_max", "stream_buffer_bytes", "tls.watch_ms"]);
    }

    #[test]
    fn every_field_that_can_be_changed_is_a_field() {
        let whole = serde_json::to_value(Config::default()).unwrap();
        for field in CHANGEABLE {
            let found = field.split('.').try_fold(&whole, |value, key| value.get(key));
            assert!(found.is_some(), "{field}");
        }
    }

    #[test]
    fn the_new_values_hold_at_once() {
        let live = Live::new(&Config::default(), &[]);
        assert_eq!((live.connections_max(), live.redirect_port(), live.hsts()), (10_000, None, None));
        let mut new = Config { client_idle_timeout_ms: 7, connections_max: 5, ..Config::default() };
        new.tls =
            TlsConfig { redirect: true, redirect_port: 8443, hsts_seconds: 300, ..TlsConfig::default() };
        live.set(&new, &[]);
        assert_eq!((live.limits().idle_ms, live.connections_max()), (7, 5));
        assert_eq!(
            (live.redirect_port(), live.hsts().unwrap().to_str().unwrap()),
            (Some(8443), "max-age=300")
        );
    }
}
