//! `zebu front config`: what HAProxy, nginx or Apache are told to stand in front of the nodes. Each text is whole, and a test starts the
//! real program with it.

mod apache;
mod haproxy;
pub(crate) mod key;
mod nginx;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::failure::{Failure, Result};

/// The longest route that Apache takes.
const ROUTE_CHARS_MAX: usize = 95;
/// The longest secret that Apache takes.
const SECRET_CHARS_MAX: usize = 63;

#[derive(Debug, Subcommand)]
pub(crate) enum Front {
    /// Print a configuration for the program that stands in front of the nodes
    Config(Options),
    /// The keys that web tiers sign routes with
    #[command(subcommand)]
    Key(key::Key),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A whole haproxy.cfg
    Haproxy,
    /// A file for conf.d, or anywhere inside http { }
    Nginx,
    /// A file for sites-available; its first lines name the modules it needs
    Apache,
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Whose configuration
    pub(crate) kind: Kind,
    /// A node: its route, and where it listens, as OX-1=10.20.30.213:8090; once for each
    #[arg(long = "node", value_name = "ROUTE=ADDRESS:PORT", required = true, value_parser = Node::read)]
    pub(crate) nodes: Vec<Node>,
    /// Where clients connect to
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:80")]
    pub(crate) listen: SocketAddr,
    /// Speak HTTP/2 to the nodes (HAProxy)
    #[arg(long)]
    pub(crate) h2: bool,
    /// Say who the client is by the PROXY protocol, version 2 (HAProxy), in the place of headers
    #[arg(long)]
    pub(crate) proxy_protocol: bool,
    /// Speak AJP to the nodes (Apache); ports are then those of [ajp]
    #[arg(long)]
    pub(crate) ajp: bool,
    /// A file with the secret of [ajp]
    #[arg(long, value_name = "FILE", requires = "ajp")]
    pub(crate) secret_file: Option<PathBuf>,
}

/// A node as the front sees it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    route: String,
    address: String,
}

impl Node {
    fn read(text: &str) -> std::result::Result<Node, String> {
        let (route, address) = text.split_once('=').ok_or("it must be like OX-1=10.20.30.213:8090")?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if route.is_empty() || route.len() > ROUTE_CHARS_MAX || !route.chars().all(is_plain) {
            return Err(format!("a route is of 1 to {ROUTE_CHARS_MAX} letters, digits, - and _"));
        }
        let (host, port) = address.rsplit_once(':').ok_or("the port is missing")?;
        let is_host =
            !host.is_empty() && host.chars().all(|c| is_plain(c) || matches!(c, '.' | ':' | '[' | ']'));
        if !is_host || port.parse::<u16>().is_ok_and(|port| port == 0) || port.parse::<u16>().is_err() {
            return Err("the address must be a host and a port from 1 to 65535".to_owned());
        }
        Ok(Node { route: route.to_owned(), address: address.to_owned() })
    }
}

/// The text.
///
/// # Errors
/// Options that this program cannot have, or a secret that cannot be read.
pub(crate) fn config(options: &Options) -> Result<String> {
    let only = |is_given: bool, flag: &str, kind: Kind, name: &str| {
        if is_given && options.kind != kind {
            Err(Failure::new(format!("{flag} is for {name} only")))
        } else {
            Ok(())
        }
    };
    only(options.h2, "--h2", Kind::Haproxy, "haproxy")?;
    only(options.proxy_protocol, "--proxy-protocol", Kind::Haproxy, "haproxy")?;
    only(options.ajp, "--ajp", Kind::Apache, "apache")?;
    let secret = options.secret_file.as_ref().map(secret).transpose()?;
    Ok(match options.kind {
        Kind::Haproxy => haproxy::config(options),
        Kind::Nginx => nginx::config(options),
        Kind::Apache => apache::config(options, secret.as_deref()),
    })
}

fn secret(file: &PathBuf) -> Result<String> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("cannot read {name}: {error}")))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    let is_plain = secret.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '\''));
    if secret.is_empty() || secret.len() > SECRET_CHARS_MAX || !is_plain {
        return Err(Failure::new(format!(
            "{name}: a secret is of 1 to {SECRET_CHARS_MAX} printable characters without spaces, quotes and backslashes"
        )));
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_a_route_and_an_address() {
        let node = Node::read("OX-1=10.20.30.213:8090").unwrap();
        assert_eq!((node.route.as_str(), node.address.as_str()), ("OX-1", "10.20.30.213:8090"));
        assert!(Node::read("OX_2=[2001:db8::1]:8090").is_ok());
        for wrong in [
            "",
            "OX-1",
            "=a:1",
            "OX.1=a:1",
            "OX 1=a:1",
            "OX-1=a",
            "OX-1=a:0",
            "OX-1=a:65536",
            "OX-1=:1",
            "OX-1=a;b:1",
        ] {
            assert!(Node::read(wrong).is_err(), "{wrong}");
        }
    }
}
