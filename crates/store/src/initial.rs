//! The very first steps, before there is a configdb: the schema on a MariaDB or MySQL server, and a user of it.
//!
//! `initconfigdb` calls this; the tables are made by whoever opens the store first. Each step has a connection of its own:
//! they run as different users, and once in a deployment's life.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};

use crate::error::{Error, Result};

/// How long a server may take for a step.
const STEP_MAX: Duration = Duration::from_secs(30);

/// Somebody at a database server.
#[derive(Clone)]
pub struct Account {
    /// Its host; a path is the socket of a server on this machine.
    pub host: String,
    /// Its port; of no meaning for a socket.
    pub port: u16,
    /// The user.
    pub user: String,
    /// The user's password; empty for none.
    pub password: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("at", &self.name()).field("user", &self.user).finish_non_exhaustive()
    }
}

impl Account {
    fn name(&self) -> String {
        if self.host.starts_with('/') { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// A step, with an end in sight.
    async fn step<T>(&self, work: impl Future<Output = mysql_async::Result<T>>) -> Result<T> {
        let unavailable = |reason: String| Error::Unavailable { database: self.name(), reason };
        match tokio::time::timeout(STEP_MAX, work).await {
            Ok(done) => done.map_err(|error| unavailable(error.to_string())),
            Err(_) => Err(unavailable(format!("no answer within {} s", STEP_MAX.as_secs()))),
        }
    }

    async fn run(&self, sql: &str) -> Result<()> {
        let work = async {
            let mut conn = Conn::new(self.opts()).await?;
            conn.query_drop(sql).await?;
            conn.disconnect().await
        };
        self.step(work).await
    }

    fn opts(&self) -> Opts {
        let opts = OptsBuilder::default().user(Some(&self.user)).prefer_socket(false);
        let opts = if self.password.is_empty() { opts } else { opts.pass(Some(&self.password)) };
        if self.host.starts_with('/') {
            opts.socket(Some(&self.host)).into()
        } else {
            opts.ip_or_hostname(&self.host).tcp_port(self.port).into()
        }
    }

    /// Whether there is a schema, as far as this user may see.
    pub async fn has_schema(&self, schema: &str) -> Result<bool> {
        let work = async {
            let mut conn = Conn::new(self.opts()).await?;
            let sql = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = ?";
            let count: Option<i64> = conn.exec_first(sql, (schema,)).await?;
            conn.disconnect().await?;
            Ok(count.unwrap_or(0) > 0)
        };
        self.step(work).await
    }

    /// Makes a schema. Fails if there is one.
    pub async fn create_schema(&self, schema: &str) -> Result<()> {
        self.run(&format!("CREATE DATABASE {}", name(schema))).await
    }

    /// Removes a schema with everything in it.
    pub async fn drop_schema(&self, schema: &str) -> Result<()> {
        self.run(&format!("DROP DATABASE IF EXISTS {}", name(schema))).await
    }

    /// Makes a user who may do everything, from anywhere and from the server's own machine; one who exists gets the
    /// password.
    pub async fn grant_everything(&self, user: &str, password: &str) -> Result<()> {
        for host in ["%", "localhost"] {
            let who = format!("{}@{}", text(user), text(host));
            self.run(&format!("CREATE USER IF NOT EXISTS {who}")).await?;
            self.run(&format!("ALTER USER {who} IDENTIFIED BY {}", text(password))).await?;
            self.run(&format!("GRANT ALL PRIVILEGES ON *.* TO {who} WITH GRANT OPTION")).await?;
        }
        Ok(())
    }

    /// Runs the statements of a file, each ended by a semicolon at the end of its line, in a schema.
    pub async fn run_file(&self, schema: &str, statements: &str) -> Result<()> {
        let opts = OptsBuilder::from_opts(self.opts()).db_name(Some(schema));
        let work = async {
            let mut conn = Conn::new(opts).await?;
            for statement in statements.split(";\n").map(str::trim).filter(|statement| !statement.is_empty())
            {
                conn.query_drop(statement.trim_end_matches(';')).await?;
            }
            conn.disconnect().await
        };
        self.step(work).await
    }
}

/// A name in a statement.
fn name(schema: &str) -> String {
    format!("`{}`", schema.replace('`', "``"))
}

/// A text in a statement, whatever the server's mode says of backslashes: users and passwords of accounts cannot be
/// parameters.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_leave_their_quotes() {
        assert_eq!(name("a`b"), "`a``b`");
        assert_eq!(text("a'b\\"), "'a''b\\\\'");
    }

    #[tokio::test]
    async fn a_schema_and_its_user_are_made_and_removed() {
        let server = zebu_mariadb::server();
        let url = server.url();
        let socket = url.split_once("socket=").unwrap().1.to_owned();
        let root = Account { host: socket.clone(), port: 0, user: "root".into(), password: String::new() };
        root.grant_everything("initial", "it's \\secret").await.unwrap();
        let user = Account { user: "initial".into(), password: "it's \\secret".into(), ..root.clone() };
        assert!(!user.has_schema("initial_config").await.unwrap());
        user.create_schema("initial_config").await.unwrap();
        assert!(user.has_schema("initial_config").await.unwrap());
        assert!(user.create_schema("initial_config").await.is_err());
        user.run_file("initial_config", "CREATE TABLE a (b INT);\nINSERT INTO a VALUES (1);\n")
            .await
            .unwrap();
        user.drop_schema("initial_config").await.unwrap();
        assert!(!user.has_schema("initial_config").await.unwrap());
        let wrong = Account { password: "wrong".into(), ..user };
        let refused = wrong.has_schema("initial_config").await.unwrap_err().to_string();
        assert!(refused.contains("initial") && !refused.contains("wrong"), "{refused}");
        assert!(!format!("{wrong:?}").contains("wrong"));
    }
}
