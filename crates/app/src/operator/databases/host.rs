//! Where a database is, as an operator writes it, and as configdb keeps it.

use super::super::error::Denied;

/// The URL of a `--hostname`: `host`, `host:port`, a socket's path, `sqlite:/directory`, or what the original kept
/// (`jdbc:mysql://host:port/?options`), whose options are dropped.
pub(super) fn url(hostname: &str) -> Result<String, Denied> {
    let refuse = |reason: &str| Denied::FieldInvalid {
        field: "hostname".to_owned(),
        reason: format!("{hostname:?}: {reason}"),
    };
    if hostname.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(refuse("it contains a blank"));
    }
    if let Some(path) = hostname.strip_prefix("sqlite:") {
        let absolute = path.starts_with('/') && path.len() > 1;
        return if absolute { Ok(hostname.to_owned()) } else { Err(refuse("the directory is not absolute")) };
    }
    if hostname.starts_with('/') {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
        if !hostname.chars().all(plain) {
            return Err(refuse("a socket's path takes letters a to z, digits and / . _ - + only"));
        }
        return Ok(format!("mysql://localhost?socket={hostname}"));
    }
    let rest = hostname.strip_prefix("jdbc:").unwrap_or(hostname);
    let given = rest.strip_prefix("mysql://");
    if given.is_some_and(|rest| rest.starts_with("localhost?socket=/")) {
        return Ok(rest.to_owned());
    }
    let host = match given {
        Some(rest) => rest.split(['/', '?']).next().unwrap_or_default(),
        None => rest,
    };
    if host.contains('@') {
        return Err(refuse("login and password have options of their own"));
    }
    // An IPv6 address stands in brackets.
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let in_brackets = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let fits = match in_brackets {
        Some(address) => {
            !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit() || ":.".contains(c))
        }
        None => !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)),
    };
    if !fits {
        return Err(refuse("it is no host name, address, socket or sqlite:/directory"));
    }
    if port.is_some_and(|port| port.parse::<u16>().is_ok_and(|n| n > 0) && !port.starts_with('+'))
        || port.is_none()
    {
        Ok(format!("mysql://{host}"))
    } else {
        Err(refuse("the port is not from 1 to 65535"))
    }
}

/// What of a URL an operator would write again.
pub(in crate::operator) fn hostname(url: &str) -> String {
    let rest = url.strip_prefix("mysql://").unwrap_or(url);
    rest.strip_prefix("localhost?socket=").unwrap_or(rest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_operators_write_becomes_a_url_and_comes_back() {
        for (written, kept, shown) in [
            ("10.20.30.217", "mysql://10.20.30.217", "10.20.30.217"),
            ("db1.example.com:3307", "mysql://db1.example.com:3307", "db1.example.com:3307"),
            ("[fd00::1]:3306", "mysql://[fd00::1]:3306", "[fd00::1]:3306"),
            ("[fd00::1]", "mysql://[fd00::1]", "[fd00::1]"),
            (
                "/run/mysqld/mysqld.sock",
                "mysql://localhost?socket=/run/mysqld/mysqld.sock",
                "/run/mysqld/mysqld.sock",
            ),
            ("sqlite:/var/lib/zebu", "sqlite:/var/lib/zebu", "sqlite:/var/lib/zebu"),
            ("jdbc:mysql://db/?useUnicode=true&autoReconnect=false", "mysql://db", "db"),
            ("mysql://db:3306/", "mysql://db:3306", "db:3306"),
            ("mysql://localhost?socket=/a/b", "mysql://localhost?socket=/a/b", "/a/b"),
        ] {
            assert_eq!(url(written).as_deref(), Ok(kept), "{written}");
            assert_eq!(hostname(kept), shown);
            assert_eq!(url(shown).as_deref(), Ok(kept), "{shown}");
        }
    }

    #[test]
    fn what_is_no_place_of_a_database_is_refused() {
        for bad in [
            "",
            " ",
            "a b",
            "root:secret@db",
            "mysql://root:secret@db/",
            "db:0",
            "db:port",
            "db:65536",
            "db:+1",
            "db/x",
            "sqlite:",
            "sqlite:data",
            "/a?b",
            "fd00::1",
            "[]",
            "db\n",
        ] {
            assert!(url(bad).is_err(), "{bad:?}");
        }
    }
}
