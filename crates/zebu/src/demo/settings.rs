//! The configuration files of a demo's children: the least that makes a cluster; everything else has its default.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::demo::provision::CONTEXT;

/// How long requests under way may take when a demo stops, ms. Well below what a child is given to stop at all.
const DRAIN_MS: u64 = 5_000;

/// What one child is told.
pub(super) struct Settings {
    /// Its name, and a node's route.
    pub(super) name: String,
    /// Port 0: any free one.
    pub(super) listen: SocketAddr,
    pub(super) configdb: String,
    /// What secrets are encrypted with.
    pub(super) key: PathBuf,
    /// Of a node: its cluster and its node file.
    pub(super) mesh: Option<Mesh>,
    pub(super) role: Role,
}

/// A node's part in the mesh.
#[derive(Clone)]
pub(super) struct Mesh {
    pub(super) cluster: String,
    pub(super) certificate: PathBuf,
}

/// What a child is there for.
pub(super) enum Role {
    Groupware,
    /// The web tier, in front of nodes by route and address.
    Web {
        members: Vec<(String, SocketAddr)>,
    },
}

impl Settings {
    /// The file.
    pub(super) fn text(&self) -> String {
        let Self { name, listen, configdb, key, mesh, role } = self;
        let configdb = toml::Value::from(configdb.as_str());
        let key = toml::Value::from(key.to_string_lossy().as_ref());
        let head =
            "# Written by `zebu demo` at every start of this process. `zebu config example` explains it.\n";
        let shared =
            format!("\n[node]\nname = \"{name}\"\n\n[store]\nconfigdb = {configdb}\nkey_file = {key}\n");
        let own = format!("listen = \"{listen}\"\ndrain_ms = {DRAIN_MS}\n");
        match role {
            Role::Groupware => {
                let mesh = mesh.as_ref().map_or(String::new(), Mesh::text);
                format!("{head}operator_contexts = [{CONTEXT}]\n{shared}{mesh}\n[groupware]\n{own}")
            }
            Role::Web { members } => {
                let mut text = format!("{head}{shared}\n[web]\n{own}");
                for (route, address) in members {
                    // Writing to a text cannot fail.
                    let _ = write!(text, "\n[[web.members]]\nroute = \"{route}\"\naddress = \"{address}\"\n");
                }
                text
            }
        }
    }
}

impl Mesh {
    /// On the loopback address, at a port that the registry tells the others.
    fn text(&self) -> String {
        let certificate = toml::Value::from(self.certificate.to_string_lossy().as_ref());
        format!(
            "\n[cluster]\nname = \"{}\"\ncertificate = {certificate}\nbind = [\"127.0.0.1:0\"]\ndiscovery = \"registry\"\n",
            self.cluster
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(role: Role) -> Config {
        let listen = "127.0.0.1:1234".parse().unwrap();
        let mesh = Some(Mesh { cluster: "demo".to_owned(), certificate: "/a \"b\"\\c/OX-1.pem".into() });
        let settings = Settings {
            name: "OX-1".into(),
            listen,
            configdb: "sqlite:/a \"b\"\\c/config.db".into(),
            key: "/a \"b\"\\c/key".into(),
            mesh,
            role,
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), settings.text()).unwrap();
        Config::read(file.path()).unwrap()
    }

    #[test]
    fn a_node_reads_what_was_meant_whatever_the_directory_is_called() {
        let config = read(Role::Groupware);
        let store = config.store.unwrap();
        assert_eq!(store.configdb, "sqlite:/a \"b\"\\c/config.db");
        assert_eq!(store.key_file.to_str(), Some("/a \"b\"\\c/key"));
        assert_eq!(config.groupware.unwrap().listen.port(), 1234);
        assert_eq!(config.operator_contexts, [CONTEXT.0]);
        assert_eq!(config.cluster.unwrap().certificate.to_str(), Some("/a \"b\"\\c/OX-1.pem"));
    }

    #[test]
    fn the_web_tier_knows_every_node() {
        let member = |port| (format!("OX-{port}"), SocketAddr::from(([127, 0, 0, 1], port)));
        let web = read(Role::Web { members: vec![member(1), member(2)] }).web.unwrap();
        let routes: Vec<&str> = web.members.iter().map(|member| member.route.as_str()).collect();
        assert_eq!(routes, ["OX-1", "OX-2"]);
    }
}
