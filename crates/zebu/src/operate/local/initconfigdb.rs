//! `initconfigdb`: the first of all commands. Makes configdb on a MariaDB or MySQL server, and on request its user.

use std::fs;
use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::runtime::Builder;
use zebu_store::Store;
use zebu_store::initial::Account;

use super::place;
use crate::operate::complaint::Complaint;
use crate::operate::exit;
use crate::operate::parse::Given;

/// Where the socket of a server on this machine is, on the systems we know.
const SOCKETS: [&str; 3] =
    ["/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock"];
/// The port of a database server that names none.
pub(super) const PORT: u16 = 3306;

type Done<T> = Result<T, Complaint>;

/// Makes configdb.
///
/// # Errors
/// It exists, or the server refuses.
pub(crate) fn run(given: &Given) -> Done<String> {
    let plain = |words: &str| Complaint::plain(exit::FAILED, words);
    let Some(password) = given.text("configdb-pass") else {
        return Err(plain("missing required option --configdb-pass"));
    };
    let port = u16::try_from(given.number("configdb-port").unwrap_or(i64::from(PORT)));
    let port = port.map_err(|_| plain("--configdb-port must be from 1 to 65535"))?;
    let said = |long: &str, default: &str| given.text(long).unwrap_or(default).to_owned();
    let host = said("configdb-host", "localhost");
    let user = Account {
        host: host.clone(),
        port,
        user: said("configdb-user", "openexchange"),
        password: password.to_owned(),
    };
    // As the database's own clients do: "localhost" is the socket, by which root is known without a password.
    let socket = SOCKETS.iter().find(|path| host == "localhost" && Path::new(path).exists());
    let root = Account {
        host: socket.map_or(host, |path| (*path).to_owned()),
        port,
        user: said("mysql-root-user", "root"),
        password: said("mysql-root-passwd", ""),
    };
    let work = Work {
        root,
        schema: said("configdb-dbname", "configdb"),
        makes_user: given.flag("create-user"),
        replaces: given.flag("initialize"),
        addons: given.own.get("addon-sql").and_then(|list| list.as_array()).map_or_else(Vec::new, |list| {
            list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        }),
        user,
    };
    if work.makes_user && !place::is_root() {
        return Err(plain("need to be root in order to setup the system"));
    }
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| plain(&format!("cannot start: {error}")))?.block_on(work.run())
}

struct Work {
    root: Account,
    user: Account,
    schema: String,
    makes_user: bool,
    replaces: bool,
    addons: Vec<String>,
}

impl Work {
    async fn run(&self) -> Done<String> {
        let failed = |words: String| Complaint::plain(exit::FAILED, words);
        if self.makes_user {
            let granted = self.root.grant_everything(&self.user.user, &self.user.password).await;
            granted.map_err(|error| failed(format!("unable to GRANT privileges: {error}")))?;
        }
        let schema = self.schema.as_str();
        let exists = self.user.has_schema(schema).await.map_err(|error| failed(error.to_string()))?;
        if exists && !self.replaces {
            return Err(failed(format!(
                "the database {schema} exists, use the -i switch if you want to automatically delete it"
            )));
        }
        if exists && let Err(own) = self.user.drop_schema(schema).await {
            let dropped = self.root.drop_schema(schema).await;
            dropped.map_err(|error| {
                failed(format!(
                    "unable to drop database (wrong or missing password for user {}?): {own}; {error}",
                    self.root.user
                ))
            })?;
        }
        self.user.create_schema(schema).await.map_err(|error| failed(error.to_string()))?;
        let config = zebu_store::Config::new(url(&self.user, schema));
        Store::open(config).await.map_err(|error| failed(error.to_string()))?;
        for file in &self.addons {
            let text = fs::read_to_string(file).map_err(|error| failed(format!("{file}: {error}")))?;
            self.user.run_file(schema, &text).await.map_err(|error| failed(format!("{file}: {error}")))?;
        }
        Ok(format!("initializing {schema} from scratch... done\n"))
    }
}

/// The URL of a schema, as a configuration file has it.
pub(super) fn url(login: &Account, schema: &str) -> String {
    let quoted = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let who = match login.password.as_str() {
        "" => quoted(&login.user),
        password => format!("{}:{}", quoted(&login.user), quoted(password)),
    };
    if login.host.starts_with('/') {
        format!("mysql://{who}@localhost/{schema}?socket={}", login.host)
    } else {
        format!("mysql://{who}@{}:{}/{schema}", login.host, login.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_bears_any_password() {
        let login = Account {
            host: "db".into(),
            port: 3306,
            user: "openexchange".into(),
            password: "a@b:/?é".into(),
        };
        assert_eq!(url(&login, "configdb"), "mysql://openexchange:a%40b%3A%2F%3F%C3%A9@db:3306/configdb");
        let local = Account { host: "/run/db.sock".into(), password: String::new(), ..login };
        assert_eq!(url(&local, "configdb"), "mysql://openexchange@localhost/configdb?socket=/run/db.sock");
    }
}
