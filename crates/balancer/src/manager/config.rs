//! The settings of the manager: `[web.manager]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::config::path_or_nothing;

/// `[web.manager]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ManagerConfig {
    /// Where `zebu members` asks: a socket of mode 0600. Default "" (nowhere).
    #[serde(deserialize_with = "path_or_nothing")]
    pub socket: Option<PathBuf>,
    /// The file that keeps what was changed, needed for socket and page. Default "" (none).
    #[serde(deserialize_with = "path_or_nothing")]
    pub members_file: Option<PathBuf>,
    /// Where the page listens, without TLS. Default "" (nowhere); the loopback address, unless `beyond_loopback`.
    #[serde(deserialize_with = "address_or_nothing", serialize_with = "address_or_empty")]
    pub listen: Option<SocketAddr>,
    /// Whether the page may listen at another address than the loopback one: its password goes there in clear. Default no.
    pub beyond_loopback: bool,
    /// The file with the page's password, of mode 0600; the name is `manager`. Needed for the page. Default "" (none).
    #[serde(deserialize_with = "path_or_nothing")]
    pub password_file: Option<PathBuf>,
}

impl ManagerConfig {
    /// Refuses what could not work.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field and what it may be.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |what: &str| Err(Error::Config(format!("manager.{what}")));
        if self.members_file.is_none() && (self.socket.is_some() || self.listen.is_some()) {
            return refuse("members_file is empty: changes must be kept somewhere");
        }
        let Some(listen) = self.listen else { return Ok(()) };
        if !listen.ip().is_loopback() && !self.beyond_loopback {
            return refuse(&format!(
                "listen is {listen}: without beyond_loopback = true it must be of the loopback address"
            ));
        }
        if self.password_file.is_none() {
            return refuse("password_file is empty: the page at manager.listen needs a password");
        }
        Ok(())
    }
}

fn address_or_nothing<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| serde::de::Error::custom(format!("listen \"{text}\" must be ADDRESS:PORT")))
}

fn address_or_empty<S: serde::Serializer>(
    address: &Option<SocketAddr>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&address.map_or(String::new(), |address| address.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_work_is_refused_with_the_name_of_the_field() {
        let check = |text: &str, named: &str| {
            let said = serde_json::from_str::<ManagerConfig>(text)
                .map_err(|error| error.to_string())
                .and_then(|config| config.check().map_err(|error| error.to_string()));
            match named {
                "" => assert_eq!(said, Ok(()), "{text}"),
                named => assert!(said.as_ref().is_err_and(|error| error.contains(named)), "{text}: {said:?}"),
            }
        };
        check("{}", "");
        check(r#"{"socket":"/s"}"#, "manager.members_file is empty");
        check(r#"{"socket":"/s","members_file":"/m"}"#, "");
        let page = |listen: &str, more: &str| format!(r#"{{"members_file":"/m","listen":"{listen}"{more}}}"#);
        check(&page("127.0.0.1:9", ""), "manager.password_file is empty");
        check(&page("127.0.0.1:9", r#","password_file":"/p""#), "");
        check(&page("10.0.0.1:9", r#","password_file":"/p""#), "manager.listen is 10.0.0.1:9");
        check(&page("10.0.0.1:9", r#","password_file":"/p","beyond_loopback":true"#), "");
        check(&page("here", ""), "must be ADDRESS:PORT");
    }
}
