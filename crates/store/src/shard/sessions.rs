//! Sessions: one row each, credentials as hashes only.

use zebu_model::rights::Membership;
use zebu_model::{Scope, UserId, Version};

use super::principals::membership;
use crate::error::Result;
use crate::known::Known;
use crate::tx::{Tx, WriteTx};
use crate::value::{Row, args};

/// A session as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the session id.
    pub token_hash: [u8; 32],
    /// Whose it is.
    pub user: UserId,
    /// Its public name, 32 hex digits, for logs and lists. Not a credential.
    pub handle: String,
    /// SHA-256 of the secret in its cookie.
    pub secret_hash: [u8; 32],
    /// SHA-256 of the value of its public-session cookie.
    pub public_hash: [u8; 32],
    /// SHA-256 of the half that all its secrets have in common.
    pub line_hash: [u8; 32],
    /// SHA-256 of the secret that follows.
    pub next_hash: [u8; 32],
    /// SHA-256 of the secret before; zeros if there was none.
    pub before_hash: [u8; 32],
    /// What leads, with a secret, to the one that follows.
    pub salt: [u8; 32],
    /// What kind of client it is; gives its cookies their names.
    pub client: String,
    /// The client's address at login.
    pub address: String,
    /// The client's user agent at login.
    pub user_agent: String,
    /// Whether its user asked to stay signed in.
    pub stays: bool,
    /// When it began, ms since the epoch.
    pub created: i64,
    /// Since when its secret is the present one, ms since the epoch.
    pub renewed: i64,
    /// When it was last used, to a minute, ms since the epoch.
    pub used: i64,
    /// The node that served it last.
    pub node: String,
}

/// A session as its user sees it in a list, without what lets anybody in. The fields are those of [`Session`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of a session")]
pub struct Listed {
    pub token_hash: [u8; 32],
    pub handle: String,
    pub client: String,
    pub address: String,
    pub user_agent: String,
    pub stays: bool,
    pub created: i64,
    pub used: i64,
    pub node: String,
}

/// A session together with what every request needs of its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The session.
    pub session: Session,
    /// Whether the user may still work.
    pub user_enabled: bool,
    /// The user's login name.
    pub login: String,
    /// The user's locale.
    pub locale: String,
    /// The user with groups and module access.
    pub who: Membership,
}

macro_rules! found {
    () => {
        "SELECT s.uid, s.handle, s.secret_hash, s.public_hash, s.line_hash, s.next_hash, s.before_hash, s.salt, \
         s.client, s.address, s.user_agent, s.stays, s.created, s.renewed, s.used, s.node, u.enabled, u.login, u.locale, u.id, u.access, m.gid"
    };
}
macro_rules! whose {
    () => {
        " FROM sessions s JOIN users u ON u.cid = s.cid AND u.id = s.uid \
         LEFT JOIN group_members m ON m.cid = s.cid AND m.uid = s.uid \
         WHERE s.cid = ? AND s.token_hash = ?"
    };
}

/// The session of a token, with its user, groups and module access, in one statement. With it come the versions of what nearly
/// every request reads next; `known` learns them, so that they need not be asked for.
pub async fn find(tx: &mut Tx, token_hash: [u8; 32], known: &Known) -> Result<Option<Found>> {
    tx.need_everything().await?;
    let sql = concat!(
        found!(),
        ", (SELECT p.version FROM scopes p WHERE p.cid = s.cid AND p.kind = ? AND p.id = 0), \
         (SELECT t.version FROM scopes t WHERE t.cid = s.cid AND t.kind = ? AND t.id = 0)",
        whose!()
    );
    let values = args![Scope::Principals.key().0, Scope::Tree.key().0, tx.context, token_hash];
    let mut found = None;
    for mut row in tx.query("sessions", sql, values).await? {
        found = Some(found_in(found, token_hash, &mut row)?);
        let mut version = || Ok(row.opt_int()?.map_or(Version::NONE, Version));
        known.learn(&[(Scope::Principals, version()?), (Scope::Tree, version()?)]);
    }
    Ok(found)
}

/// The same of a session that is known to be `user`'s, in a form that can be remembered: when it was last used, and where,
/// is as old as that.
pub(crate) async fn recall(tx: &mut Tx, token_hash: [u8; 32], user: UserId) -> Result<Option<Found>> {
    tx.need(&[Scope::Sessions(user), Scope::Principals]).await?;
    let values = args![tx.context, token_hash];
    let mut found = None;
    for mut row in tx.query("sessions", concat!(found!(), whose!()), values).await? {
        found = Some(found_in(found, token_hash, &mut row)?);
    }
    Ok(found)
}

/// Adds a row to what earlier rows said.
fn found_in(known: Option<Found>, token_hash: [u8; 32], row: &mut Row) -> Result<Found> {
    let session = Session {
        token_hash,
        user: row.user()?,
        handle: row.text()?,
        secret_hash: row.hash()?,
        public_hash: row.hash()?,
        line_hash: row.hash()?,
        next_hash: row.hash()?,
        before_hash: row.hash()?,
        salt: row.hash()?,
        client: row.text()?,
        address: row.text()?,
        user_agent: row.text()?,
        stays: row.flag()?,
        created: row.int()?,
        renewed: row.int()?,
        used: row.int()?,
        node: row.text()?,
    };
    let (user_enabled, login, locale) = (row.flag()?, row.text()?, row.text()?);
    let before = known.map(|found| found.who);
    let who = membership(before, row)?;
    Ok(Found { session, user_enabled, login, locale, who })
}

/// Stores a new session.
pub async fn insert(tx: &mut WriteTx, s: &Session) -> Result<()> {
    tx.touch(Scope::Sessions(s.user))?;
    tx.execute(
        "sessions",
        "INSERT INTO sessions (cid, token_hash, uid, handle, secret_hash, public_hash, line_hash, next_hash, \
         before_hash, salt, client, address, user_agent, stays, created, renewed, used, node) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            tx.context,
            s.token_hash,
            s.user,
            &s.handle,
            s.secret_hash,
            s.public_hash,
            s.line_hash,
            s.next_hash,
            s.before_hash,
            s.salt,
            &s.client,
            &s.address,
            &s.user_agent,
            s.stays,
            s.created,
            s.renewed,
            s.used,
            &s.node,
        ],
    )
    .await
    .map(drop)
}

/// How many sessions a user has that were used since `since`.
pub async fn count(tx: &mut Tx, user: UserId, since: i64) -> Result<u32> {
    tx.need_everything().await?;
    let sql = "SELECT COUNT(*) FROM sessions WHERE cid = ? AND uid = ? AND used >= ?";
    let row = tx.query_one("sessions", sql, args![tx.context, user, since]).await?;
    row.map_or(Ok(0), |mut row| row.uint())
}

/// How many of those are one client's.
pub async fn count_of_client(tx: &mut Tx, user: UserId, client: &str) -> Result<u32> {
    tx.need_everything().await?;
    let sql = "SELECT COUNT(*) FROM sessions WHERE cid = ? AND uid = ? AND client = ?";
    let row = tx.query_one("sessions", sql, args![tx.context, user, client]).await?;
    row.map_or(Ok(0), |mut row| row.uint())
}

/// The session of a user, or of one of the user's clients, that was not used for the longest time.
pub async fn longest_idle(
    tx: &mut Tx,
    user: UserId,
    client: Option<&str>,
) -> Result<Option<([u8; 32], String)>> {
    tx.need_everything().await?;
    let sql = "SELECT token_hash, handle FROM sessions WHERE cid = ? AND uid = ? AND (? = '' OR client = ?) \
               ORDER BY used, created, token_hash LIMIT 1";
    let client = client.unwrap_or_default();
    let row = tx.query_one("sessions", sql, args![tx.context, user, client, client]).await?;
    row.map(|mut row| Ok((row.hash()?, row.text()?))).transpose()
}

/// How many sessions live in the whole schema: used since `short_since`, or `long_since` if they stay; of contexts that are at
/// home in it, not of those that left their rows here.
pub async fn count_in_schema(tx: &mut Tx, short_since: i64, long_since: i64) -> Result<u64> {
    tx.need_everything().await?;
    let sql = "SELECT COUNT(*) FROM sessions s JOIN homes h ON h.cid = s.cid AND h.state = 0 \
               WHERE (s.stays = 0 AND s.used >= ?) OR (s.stays = 1 AND s.used >= ?)";
    let row = tx.query_one("sessions", sql, args![short_since, long_since]).await?;
    row.map_or(Ok(0), |mut row| row.uint())
}

/// Makes the secret that followed the present one, `next` the one that follows. Returns false if it was not the one that
/// follows any more.
pub async fn renew_secret(
    tx: &mut WriteTx,
    user: UserId,
    token_hash: [u8; 32],
    present: [u8; 32],
    next: [u8; 32],
    now_ms: i64,
) -> Result<bool> {
    tx.touch(Scope::Sessions(user))?;
    let sql = "UPDATE sessions SET before_hash = secret_hash, secret_hash = ?, next_hash = ?, renewed = ? \
               WHERE cid = ? AND token_hash = ? AND next_hash = ?";
    let values = args![present, next, now_ms, tx.context, token_hash, present];
    Ok(tx.execute("sessions", sql, values).await? > 0)
}

/// Writes when, and by which node, a session was last served. Who may do what does not depend on it, so no scope
/// is touched.
pub async fn set_used(tx: &mut WriteTx, token_hash: [u8; 32], now_ms: i64, node: &str) -> Result<()> {
    let sql = "UPDATE sessions SET used = ?, node = ? WHERE cid = ? AND token_hash = ?";
    tx.execute("sessions", sql, args![now_ms, node, tx.context, token_hash]).await.map(drop)
}

/// Lets a session live long: its user wants to stay signed in.
pub async fn set_stays(tx: &mut WriteTx, user: UserId, token_hash: [u8; 32]) -> Result<()> {
    tx.touch(Scope::Sessions(user))?;
    let sql = "UPDATE sessions SET stays = 1 WHERE cid = ? AND token_hash = ?";
    tx.execute("sessions", sql, args![tx.context, token_hash]).await.map(drop)
}

/// Ends a session.
pub async fn delete(tx: &mut WriteTx, user: UserId, token_hash: [u8; 32]) -> Result<bool> {
    tx.touch(Scope::Sessions(user))?;
    let sql = "DELETE FROM sessions WHERE cid = ? AND token_hash = ?";
    Ok(tx.execute("sessions", sql, args![tx.context, token_hash]).await? > 0)
}

/// Ends all sessions of a user. Returns how many there were.
pub async fn delete_all(tx: &mut WriteTx, user: UserId) -> Result<u64> {
    tx.touch(Scope::Sessions(user))?;
    let sql = "DELETE FROM sessions WHERE cid = ? AND uid = ?";
    tx.execute("sessions", sql, args![tx.context, user]).await
}

/// The users who have sessions.
pub async fn users(tx: &mut Tx) -> Result<Vec<UserId>> {
    let sql = "SELECT DISTINCT uid FROM sessions WHERE cid = ? ORDER BY uid";
    let rows = tx.query("sessions", sql, args![tx.context]).await?;
    rows.into_iter().map(|mut row| row.user()).collect()
}

/// Removes a user's sessions that ran out: short ones not used since `short_before`, long ones since `long_before`.
/// Nobody could use them any more, so nothing changes for anybody.
pub async fn delete_expired(
    tx: &mut WriteTx,
    user: UserId,
    short_before: i64,
    long_before: i64,
) -> Result<u64> {
    let sql = "DELETE FROM sessions WHERE cid = ? AND uid = ? \
               AND ((stays = 0 AND used < ?) OR (stays = 1 AND used < ?))";
    tx.execute("sessions", sql, args![tx.context, user, short_before, long_before]).await
}

/// Sessions of the whole schema, of contexts at home in it, used since `since`, counted by the node that served them last.
pub async fn count_by_node_in_schema(tx: &mut Tx, since: i64) -> Result<Vec<(String, u64)>> {
    tx.need_everything().await?;
    let sql = "SELECT s.node, COUNT(*) FROM sessions s JOIN homes h ON h.cid = s.cid AND h.state = 0 \
               WHERE s.used >= ? GROUP BY s.node ORDER BY s.node";
    let rows = tx.query("sessions", sql, args![since]).await?;
    rows.into_iter().map(|mut row| Ok((row.text()?, row.uint()?))).collect()
}

/// The sessions of a user, the one used last first.
pub async fn of_user(tx: &mut Tx, user: UserId) -> Result<Vec<Listed>> {
    tx.need_everything().await?;
    let sql = "SELECT token_hash, handle, client, address, user_agent, stays, created, used, node FROM sessions \
               WHERE cid = ? AND uid = ? ORDER BY used DESC, created DESC, token_hash";
    let rows = tx.query("sessions", sql, args![tx.context, user]).await?;
    let listed = |mut row: Row| {
        Ok(Listed {
            token_hash: row.hash()?,
            handle: row.text()?,
            client: row.text()?,
            address: row.text()?,
            user_agent: row.text()?,
            stays: row.flag()?,
            created: row.int()?,
            used: row.int()?,
            node: row.text()?,
        })
    };
    rows.into_iter().map(listed).collect()
}

/// Ends all sessions of a user but one. Returns how many there were.
pub async fn delete_others(tx: &mut WriteTx, user: UserId, kept: [u8; 32]) -> Result<u64> {
    tx.touch(Scope::Sessions(user))?;
    let sql = "DELETE FROM sessions WHERE cid = ? AND uid = ? AND token_hash <> ?";
    tx.execute("sessions", sql, args![tx.context, user, kept]).await
}
