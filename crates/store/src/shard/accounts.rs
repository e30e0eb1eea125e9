//! Users as the operator makes and changes them: every column but the id, and the attributes beside.

use std::collections::{BTreeMap, BTreeSet};

use zebu_model::access::Access;
use zebu_model::{Scope, UserId};

use super::unhashed;
use crate::error::Result;
use crate::statement::marks;
use crate::tx::{Tx, WriteTx};
use crate::value::{Row, Value, args};

/// A user, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Unique in the context.
    pub id: UserId,
    /// The login name, unique in the context.
    pub login: String,
    /// The name others see, unique in the context.
    pub display_name: String,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub surname: String,
    /// Primary address.
    pub email: String,
    /// IANA name.
    pub timezone: String,
    /// `en_US` form.
    pub locale: String,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// Which modules, interfaces and rights beside those of folders the user has.
    pub access: Access,
}

const ACCOUNT: &str = "SELECT id, login, display_name, given_name, surname, email, timezone, locale, enabled, access \
     FROM users";

fn account(mut row: Row) -> Result<Account> {
    Ok(Account {
        id: row.user()?,
        login: row.text()?,
        display_name: row.text()?,
        given_name: row.text()?,
        surname: row.text()?,
        email: row.text()?,
        timezone: row.text()?,
        locale: row.text()?,
        enabled: row.flag()?,
        access: Access::from_stored(row.int()?),
    })
}

/// All users, by id.
pub async fn all(tx: &mut Tx) -> Result<Vec<Account>> {
    tx.need(&[Scope::Principals]).await?;
    let rows = tx.query("users", format!("{ACCOUNT} WHERE cid = ? ORDER BY id"), args![tx.context]).await?;
    rows.into_iter().map(account).collect()
}

/// One user.
pub async fn by_id(tx: &mut Tx, id: UserId) -> Result<Option<Account>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = format!("{ACCOUNT} WHERE cid = ? AND id = ?");
    tx.query_one("users", sql, args![tx.context, id]).await?.map(account).transpose()
}

/// One user by login name.
pub async fn by_login(tx: &mut Tx, login: &str) -> Result<Option<Account>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = format!("{ACCOUNT} WHERE cid = ? AND login = ?");
    tx.query_one("users", sql, args![tx.context, login]).await?.map(account).transpose()
}

/// The users of these login names, by id; unknown ones are left out.
pub async fn by_logins(tx: &mut Tx, logins: &[&str]) -> Result<Vec<Account>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = format!("{ACCOUNT} WHERE cid = ? AND login IN ({}) ORDER BY id", marks(logins.len()));
    let mut values = args![tx.context];
    values.extend(logins.iter().map(|login| Value::from(*login)));
    tx.query("users", sql, values).await?.into_iter().map(account).collect()
}

/// Which of these display names are taken.
pub async fn taken_display_names(tx: &mut Tx, names: &[&str]) -> Result<BTreeSet<String>> {
    tx.need(&[Scope::Principals]).await?;
    let sql =
        format!("SELECT display_name FROM users WHERE cid = ? AND display_name IN ({})", marks(names.len()));
    let mut values = args![tx.context];
    values.extend(names.iter().map(|name| Value::from(*name)));
    tx.query("users", sql, values).await?.into_iter().map(|mut row| row.text()).collect()
}

/// Who has a display name.
pub async fn by_display_name(tx: &mut Tx, display_name: &str) -> Result<Option<UserId>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = "SELECT id FROM users WHERE cid = ? AND display_name = ?";
    let row = tx.query_one("users", sql, args![tx.context, display_name]).await?;
    row.map(|mut row| row.user()).transpose()
}

/// Creates a user. [`crate::Error::Duplicate`] if the login or display name is taken.
pub async fn insert(tx: &mut WriteTx, a: &Account, password_hash: &str) -> Result<()> {
    let stamp = tx.touch(Scope::Principals)?;
    tx.execute(
        "users",
        "INSERT INTO users (cid, id, login, display_name, given_name, surname, email, timezone, locale, \
         password_hash, enabled, access, modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            tx.context,
            a.id,
            &a.login,
            &a.display_name,
            &a.given_name,
            &a.surname,
            &a.email,
            &a.timezone,
            &a.locale,
            password_hash,
            a.enabled,
            a.access.to_stored(),
            stamp
        ],
    )
    .await
    .map(drop)
}

/// Changes what a user is; the password stays. Module access decides who sees what: the tree changes too.
pub async fn update(tx: &mut WriteTx, a: &Account) -> Result<()> {
    let stamp = tx.touch(Scope::Principals)?;
    tx.touch(Scope::Tree)?;
    tx.execute(
        "users",
        "UPDATE users SET login = ?, display_name = ?, given_name = ?, surname = ?, email = ?, timezone = ?, locale = ?, \
         enabled = ?, access = ?, modified = ? WHERE cid = ? AND id = ?",
        args![
            &a.login,
            &a.display_name,
            &a.given_name,
            &a.surname,
            &a.email,
            &a.timezone,
            &a.locale,
            a.enabled,
            a.access.to_stored(),
            stamp,
            tx.context,
            a.id
        ],
    )
    .await
    .map(drop)
}

/// Gives a user another password. Returns whether there is such a user.
pub async fn set_password(tx: &mut WriteTx, id: UserId, password_hash: &str) -> Result<bool> {
    let stamp = tx.touch(Scope::Principals)?;
    unhashed::remove(tx, id).await?;
    let sql = "UPDATE users SET password_hash = ?, modified = ? WHERE cid = ? AND id = ?";
    Ok(tx.execute("users", sql, args![password_hash, stamp, tx.context, id]).await? > 0)
}

/// The attributes of these users.
pub async fn attributes(tx: &mut Tx, ids: &[UserId]) -> Result<BTreeMap<UserId, BTreeMap<String, String>>> {
    tx.need(&[Scope::Principals]).await?;
    let mut found: BTreeMap<UserId, BTreeMap<String, String>> = BTreeMap::new();
    for part in ids.chunks(500) {
        let sql = format!(
            "SELECT uid, name, value FROM user_attributes WHERE cid = ? AND uid IN ({})",
            marks(part.len())
        );
        let mut values = args![tx.context];
        values.extend(part.iter().map(|id| Value::from(*id)));
        for mut row in tx.query("user_attributes", sql, values).await? {
            let (user, name, value) = (row.user()?, row.text()?, row.text()?);
            found.entry(user).or_default().insert(name, value);
        }
    }
    Ok(found)
}

/// Sets an attribute of a user.
pub async fn set_attribute(tx: &mut WriteTx, id: UserId, name: &str, value: &str) -> Result<()> {
    tx.touch(Scope::Principals)?;
    let sql = "UPDATE user_attributes SET value = ? WHERE cid = ? AND uid = ? AND name = ?";
    if tx.execute("user_attributes", sql, args![value, tx.context, id, name]).await? > 0 {
        return Ok(());
    }
    insert_attribute(tx, id, name, value).await
}

/// Gives a user that has no attribute of this name one.
pub async fn insert_attribute(tx: &mut WriteTx, id: UserId, name: &str, value: &str) -> Result<()> {
    tx.touch(Scope::Principals)?;
    let sql = "INSERT INTO user_attributes (cid, uid, name, value) VALUES (?, ?, ?, ?)";
    tx.execute("user_attributes", sql, args![tx.context, id, name, value]).await.map(drop)
}

/// Takes an attribute of a user away.
pub async fn delete_attribute(tx: &mut WriteTx, id: UserId, name: &str) -> Result<()> {
    tx.touch(Scope::Principals)?;
    let sql = "DELETE FROM user_attributes WHERE cid = ? AND uid = ? AND name = ?";
    tx.execute("user_attributes", sql, args![tx.context, id, name]).await.map(drop)
}
