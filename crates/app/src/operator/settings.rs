//! `[operator]`: who the operator is, and what new contexts and users get that the operator does not say.

use serde::Deserialize;

/// The settings of a process that carries out the operator's commands. Every process that does should say the same.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Login of the master account, for servers, stores, databases and contexts. Default `oxadminmaster`.
    pub master: String,
    /// Argon2id hash of its password, in PHC form. Default empty: nobody is the master.
    pub master_hash: String,
    /// Whether passwords are asked for at all. Default true. False lets everybody who reaches the commands' port do
    /// everything.
    pub authentication: bool,
    /// Contexts in one schema before the next is made. Default 1000; 1: a schema for each.
    pub contexts_per_schema: i64,
    /// Bytes set aside in a file store for each context that is put on it. Default 200 MiB.
    pub context_bytes: i64,
    /// An import of at least so many users keeps their passwords encrypted with the nodes' key until they are hashed in the
    /// background; smaller ones hash before they answer. Default 100; 0: every import hashes before it answers. Without a
    /// key (`store.key_file`, or a password of configdb) all hash before they answer.
    pub hash_later_from: usize,
    /// The access combination of a new context whose operator names none. Default `webmail_plus`.
    pub new_context_access: String,
    /// The locale of users for whom the operator names none. Default `en_US`.
    pub locale: String,
    /// Their time zone. Default `Europe/Berlin`.
    pub timezone: String,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            master: "oxadminmaster".to_owned(),
            master_hash: String::new(),
            authentication: true,
            contexts_per_schema: 1_000,
            context_bytes: 200 << 20,
            hash_later_from: 100,
            new_context_access: "webmail_plus".to_owned(),
            locale: "en_US".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
        }
    }
}
