//! The configuration file: which roles a process plays and with what. Each part is owned by the crate it is for; this
//! nests them. Unknown keys refuse to start. `example.toml` documents every key, and the tests below hold it to that.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use zebu_cluster::mesh::{ADMIN_PORT, GROUPWARE_PORT};

use crate::failure::{Failure, Result};
use crate::front::key;
use crate::log;

/// What `zebu config example` prints.
pub(crate) const EXAMPLE: &str = include_str!("example.toml");

/// Threads that serve requests; more than this many would only take turns.
const WORKERS_MAX: usize = 512;

/// A whole file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Threads that serve requests. Default 2, from 1 to 512.
    #[serde(default = "workers")]
    pub(crate) workers: usize,
    /// Contexts whose administrators may see the cluster page.
    #[serde(default)]
    pub(crate) operator_contexts: Vec<u32>,
    #[serde(default)]
    pub(crate) log: log::Config,
    pub(crate) node: Option<zebu_app::NodeConfig>,
    pub(crate) store: Option<zebu_store::Config>,
    #[serde(default)]
    pub(crate) sessions: zebu_app::SessionConfig,
    /// What the operator's commands take from the configuration.
    #[serde(default)]
    pub(crate) operator: zebu_app::operator::Settings,
    #[serde(default)]
    pub(crate) jobs: zebu_app::JobConfig,
    #[serde(default)]
    pub(crate) push: zebu_app::PushConfig,
    pub(crate) cluster: Option<zebu_cluster::config::Config>,
    pub(crate) groupware: Option<zebu_web::Config>,
    /// The AJP listener of the node.
    pub(crate) ajp: Option<zebu_web::ajp::Config>,
    pub(crate) admin: Option<zebu_web::admin::Config>,
    pub(crate) web: Option<zebu_balancer::Config>,
}

fn workers() -> usize {
    2
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or line N says something that is not understood.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text =
            fs::read_to_string(path).map_err(|error| Failure::new(format!("cannot read {name}: {error}")))?;
        Self::parse(&text).map_err(|reason| Failure::new(format!("{name}{reason}")))
    }

    /// Reads a file for a process that serves it: a web tier that is to sign routes, and is not told with what, keeps a key beside
    /// the file. Where that cannot be written it has one of its own (and says so).
    ///
    /// # Errors
    /// As [`Config::read`].
    pub(crate) fn serving(path: &Path) -> Result<Self> {
        let mut config = Self::read(path)?;
        if let Some(web) = config.web.as_mut().filter(|web| web.sign_routes && web.route_key_file.is_none()) {
            let beside = path.with_file_name(key::FILE);
            web.route_key_file = Some(beside).filter(|file| key::ensure(file));
        }
        Ok(config)
    }

    /// Reads a text. The error begins with the line it is about.
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let mut config: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(String::new(), |span| format!(":{}", line_at(text, span.start)));
            format!("{line}: {}", error.message())
        })?;
        config.check().map_err(|reason| format!(": {reason}"))?;
        let port = if config.groupware.is_some() { GROUPWARE_PORT } else { ADMIN_PORT };
        if let Some(cluster) = &mut config.cluster {
            cluster.listen_by_default(port);
            cluster.check().map_err(|reason| format!(": {reason}"))?;
        }
        config.push.check().map_err(|reason| format!(": {reason}"))?;
        config.sessions.check().map_err(|reason| format!(": {reason}"))?;
        if let Some(groupware) = &config.groupware
            && config.push.subscriptions_max as usize >= groupware.connections_max
        {
            return Err(": [push] subscriptions_max must be less than [groupware] connections_max".to_owned());
        }
        Ok(config)
    }

    fn check(&self) -> std::result::Result<(), &'static str> {
        if !(1..=WORKERS_MAX).contains(&self.workers) {
            return Err("workers must be from 1 to 512");
        }
        if self.groupware.is_none() && self.admin.is_none() && self.web.is_none() {
            return Err("it names no role: a [groupware], an [admin] or a [web] is needed");
        }
        if self.groupware.is_some() && self.store.is_none() {
            return Err("[groupware] needs a [store]");
        }
        if self.groupware.is_some() && self.node.is_none() {
            return Err("[groupware] needs a [node]");
        }
        let takes_members = self.web.as_ref().is_some_and(zebu_balancer::Config::wants_mesh);
        if self.cluster.is_some() && self.groupware.is_none() && self.admin.is_none() && !takes_members {
            return Err(
                "[cluster] needs a [groupware] or an [admin], or a [web] that takes its members from there",
            );
        }
        if self.ajp.is_some() && self.groupware.is_none() {
            return Err("[ajp] needs a [groupware]: it is another way to the same node");
        }
        if self.admin.is_some() && self.store.is_none() {
            return Err("[admin] needs a [store]");
        }
        if self.admin.is_some() && self.node.is_none() {
            return Err("[admin] needs a [node]");
        }
        let alone = self.groupware.is_none() && self.admin.is_none();
        if self.web.as_ref().is_some_and(|web| web.handover.is_some()) && !alone {
            return Err("[web] handover needs a process of its own: without [groupware] and [admin]");
        }
        if self.store.is_some() && self.node.is_none() {
            return Err("[web] with a [store] needs a [node]: the name it reports its state under");
        }
        Ok(())
    }

    /// The parts that the application owns, if this file has a node or an admin daemon. An admin daemon alone remembers nothing:
    /// it is asked too seldom.
    pub(crate) fn app(&self) -> Option<zebu_app::Config> {
        if self.groupware.is_none() && self.admin.is_none() {
            return None;
        }
        let mut store = self.store.clone()?;
        if self.groupware.is_none() {
            store.cache_bytes_max = 0;
        }
        Some(zebu_app::Config {
            node: self.node.clone()?,
            store,
            sessions: self.sessions.clone(),
            operator_contexts: self.operator_contexts.clone(),
            operator: self.operator.clone(),
            jobs: self.jobs.clone(),
            push: self.push.clone(),
        })
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What has no default.
    const LEAST: &str = "[node]\nname = 'OX-1'\nroute = 'OX-1'\nserver = 'oxserver'\n[store]\nconfigdb = 'sqlite:/var/lib/zebu/config.db'\n[cluster]\nname = 'oxserver'\ncertificate = '/opt/open-xchange/etc/cluster/OX-1.pem'\n[groupware]\n[ajp]\n[admin]\n[web]\n";

    #[test]
    fn the_example_says_what_holds_without_it() {
        assert_eq!(Config::parse(EXAMPLE), Config::parse(LEAST));
        assert!(Config::parse(EXAMPLE).is_ok());
    }

    #[test]
    fn the_example_has_every_key() {
        let example: toml::Table = EXAMPLE.parse().unwrap();
        for part in [
            "",
            "log",
            "node",
            "store",
            "sessions",
            "sessions.guard",
            "operator",
            "jobs",
            "push",
            "cluster",
            "groupware",
            "ajp",
            "admin",
            "web",
            "web.tls",
            "web.tls.acme",
            "web.h2",
            "web.manager",
        ] {
            let parts = part.split('.').filter(|part| !part.is_empty());
            let table = parts.fold(&example, |table, part| table[part].as_table().unwrap());
            let keys = keys_of(part);
            assert!(!keys.is_empty(), "[{part}]");
            for key in keys {
                assert!(table.contains_key(&key), "[{part}] {key} is not in the example");
            }
        }
    }

    /// The keys of a part, as its refusal of an unknown one lists them.
    fn keys_of(part: &str) -> Vec<String> {
        let header = format!("[{part}]\n");
        let text = match LEAST.contains(&header) {
            _ if part.is_empty() => format!("unknown = 1\n{LEAST}"),
            true => LEAST.replace(&header, &format!("{header}unknown = 1\n")),
            false => format!("{LEAST}{header}unknown = 1\n"),
        };
        let refusal = Config::parse(&text).unwrap_err();
        let (_, listed) = refusal.split_once("expected").unwrap_or_else(|| panic!("[{part}]: {refusal}"));
        listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_key_and_part_of_the_example_has_a_comment_above_it() {
        let mut before = "";
        for line in EXAMPLE.lines() {
            if line.starts_with('[') || line.contains(" = ") && !line.starts_with('#') {
                assert!(before.starts_with("# "), "{line}");
            }
            before = line;
        }
    }

    #[test]
    fn the_member_in_the_example_is_one() {
        let member: String = EXAMPLE
            .lines()
            .filter_map(|line| line.strip_prefix("#   "))
            .map(|line| format!("{line}\n"))
            .collect();
        let config = Config::parse(&member).unwrap();
        assert_eq!(config.web.unwrap().members[0].weight, zebu_balancer::Weight::ONE);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let check = |text: &str, expected: &str| {
            let refusal = Config::parse(text).unwrap_err();
            assert!(refusal.contains(expected) && refusal.starts_with(':'), "{refusal}");
        };
        check("[web]\nlisten = '127.0.0.1:80'\nlistn = 1\n", ":3: unknown field `listn`");
        check("[web]\nlisten = 'nowhere'\n", ":2: ");
        check("[web\n", ":1: ");
        check("", "names no role");
        check("workers = 0\n[web]\n", "workers must be from 1 to 512");
        check("[groupware]\n", "needs a [store]");
        check("[groupware]\n[store]\nconfigdb = 'sqlite:/c.db'\n", "needs a [node]");
        check(
            "[cluster]\nname = 'a'\nplaintext = true\n[web]\nmesh_members = 'off'\n",
            "[cluster] needs a [groupware] or an [admin]",
        );
        check(
            "[cluster]\nname = 'a'\n[node]\nname = 'a'\n[store]\nconfigdb = 'sqlite:/c.db'\n[groupware]\n",
            "[cluster] certificate must name this node's file",
        );
        check("[cluster]\nnam = 'a'\n", ":2: unknown field `nam`");
        check("[cluster]\ndiscovery = 'dns'\n", ":2: unknown variant `dns`, expected one of `multicast`");
        check("[push]\ngap_ms = 60001\n[web]\n", "[push] gap_ms is 60001: it must be from 0 to 60000");
        check(
            "[node]\nname = 'a'\n[store]\nconfigdb = 'sqlite:/c.db'\n[groupware]\nconnections_max = 2048\n",
            "[push] subscriptions_max must be less than [groupware] connections_max",
        );
        check("[ajp]\n[web]\n", "[ajp] needs a [groupware]");
        check("[ajp]\npeers = ['10.0.0.0/40']\n", "10.0.0.0/40 is no network");
        check("[admin]\n", "[admin] needs a [store]");
        check(
            "[node]\nname = 'a'\n[store]\nconfigdb = 'sqlite:/c.db'\n[admin]\n[web]\nhandover = '/h'\n",
            "[web] handover needs a process of its own",
        );
        check("[web]\n[store]\nconfigdb = 'sqlite:/c.db'\n", "the name it reports its state under");
    }
}
