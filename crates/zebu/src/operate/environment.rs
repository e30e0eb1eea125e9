//! The environment variables that the commands look at, and where the admin daemon is by them.

use std::fmt;

use crate::operate::secret::Surroundings;

/// The variables, with what each is for. The names are the original's; the last is our own.
pub(crate) const VARIABLES: &[(&str, &str)] = &[
    ("RMI_HOSTNAME", "the admin daemon's host: host, host:port or rmi://host:port/"),
    ("COMMANDLINE_TIMEZONE", "the time zone of moments: GMT, GMT+2, Europe/Berlin …; default GMT"),
    ("COMMANDLINE_DATEFORMAT", "the form of dates, of yyyy yy MM M dd d HH H mm m ss s; default yyyy-MM-dd"),
    ("ADMIN_PASSWORD", "the administrator's password, if -P is not there"),
    ("NEW_USER_PASSWORD", "a new user's password, if -p is not there"),
    ("ZEBU_ADMIN_URL", "the admin daemon's address: http://host:port/; goes before RMI_HOSTNAME"),
];

/// Variables whose value is nobody's business.
const SECRET: [&str; 2] = ["ADMIN_PASSWORD", "NEW_USER_PASSWORD"];

/// The port of the admin daemon where none is named: the original's registry had it.
const PORT: u16 = 1099;

/// All variables with their values, a line each.
pub(crate) fn listed(around: &Surroundings<'_>) -> Vec<String> {
    let line = |name: &str| match around.variable(name) {
        None => format!("{name}=<NOT SET>"),
        Some(_) if SECRET.contains(&name) => format!("{name}=***"),
        Some(value) => format!("{name}={value}"),
    };
    VARIABLES.iter().map(|(name, _)| line(name)).collect()
}

/// Where the admin daemon is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address(String);

impl Address {
    /// The address that the environment names, else this machine's.
    ///
    /// # Errors
    /// The variable says something that is no address; the sentence names it.
    pub(crate) fn found(around: &Surroundings<'_>) -> Result<Address, String> {
        let (name, said) = match (around.variable("ZEBU_ADMIN_URL"), around.variable("RMI_HOSTNAME")) {
            (Some(url), _) => ("ZEBU_ADMIN_URL", url),
            (None, Some(host)) => ("RMI_HOSTNAME", host),
            (None, None) => ("", "127.0.0.1".to_owned()),
        };
        let rest = said.strip_prefix("http://").or_else(|| said.strip_prefix("rmi://")).unwrap_or(&said);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let host = match rest.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => host,
            _ => rest,
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        let is_bare_v6 = host.contains(':') && !host.starts_with('[');
        if host.is_empty() || !host.chars().all(is_host) || is_bare_v6 {
            return Err(format!("{name}: \"{said}\" is no address of an admin daemon (http://host:port/)"));
        }
        let port = if host.len() == rest.len() { format!(":{PORT}") } else { String::new() };
        Ok(Address(format!("{rest}{port}")))
    }

    /// `host:port`.
    pub(crate) fn authority(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}/", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(variables: &[(&str, &str)], then: impl FnOnce(&Surroundings<'_>) -> T) -> T {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let mut nothing: &[u8] = &[];
        then(&Surroundings::new(&variable, &mut nothing))
    }

    #[test]
    fn the_daemon_is_where_the_environment_says() {
        let check = |variables: &[(&str, &str)], expected: Result<&str, &str>| {
            let found = with(variables, Address::found).map(|address| address.to_string());
            match expected {
                Ok(address) => assert_eq!(found.as_deref(), Ok(address), "{variables:?}"),
                Err(named) => assert!(found.unwrap_err().contains(named), "{variables:?}"),
            }
        };
        check(&[], Ok("http://127.0.0.1:1099/"));
        check(&[("RMI_HOSTNAME", "oxgw01")], Ok("http://oxgw01:1099/"));
        check(&[("RMI_HOSTNAME", "rmi://oxgw01:1100/")], Ok("http://oxgw01:1100/"));
        check(&[("RMI_HOSTNAME", "a"), ("ZEBU_ADMIN_URL", "http://b:1/")], Ok("http://b:1/"));
        check(&[("ZEBU_ADMIN_URL", "http://[::1]")], Ok("http://[::1]:1099/"));
        check(&[("ZEBU_ADMIN_URL", "http://[::1]:7/")], Ok("http://[::1]:7/"));
        check(&[("ZEBU_ADMIN_URL", "http://a/b")], Err("ZEBU_ADMIN_URL"));
        check(&[("ZEBU_ADMIN_URL", "https://a")], Err("ZEBU_ADMIN_URL"));
        check(&[("RMI_HOSTNAME", "rmi:///")], Err("RMI_HOSTNAME"));
        check(&[("RMI_HOSTNAME", "a b")], Err("RMI_HOSTNAME"));
    }

    #[test]
    fn what_is_not_set_is_said_and_what_is_secret_is_not() {
        let lines = with(&[("ADMIN_PASSWORD", "secret"), ("RMI_HOSTNAME", "oxgw01")], listed);
        assert_eq!(lines.iter().filter(|line| line.ends_with("=<NOT SET>")).count(), 4);
        assert!(
            lines.contains(&"RMI_HOSTNAME=oxgw01".to_owned()) && !lines.concat().contains("secret"),
            "{lines:?}"
        );
    }
}
